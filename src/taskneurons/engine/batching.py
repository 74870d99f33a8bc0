"""Running over many examples in batches that shrink when the device's memory does not suffice."""

import logging
from collections.abc import Callable
from typing import TypeVar

import torch

from taskneurons.errors import InputError

log = logging.getLogger(__name__)

Result = TypeVar("Result")


def in_batches(count: int, batch_size: int, run: Callable[[int, int], Result]) -> list[Result]:
    """Call `run(begin, end)` over consecutive ranges of at most `batch_size` out of `count` examples.

    When memory runs out, of a GPU or of the CPU, the batch is halved, for this range and all that follow, and the log
    records it.
    `run` must leave nothing behind when it fails.

    Raises:
        InputError: one example alone does not fit.
    """
    if batch_size < 1:
        raise InputError(f"a batch needs at least one example, not {batch_size}", where="batch_size")
    results, begin = [], 0
    while begin < count:
        end = min(begin + batch_size, count)
        try:
            results.append(run(begin, end))
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            if end - begin == 1:
                raise InputError(
                    "the device's memory does not hold this model with one example",
                    remedy="Use bfloat16, a shorter context or a device with more memory",
                ) from None
        else:
            begin = end
            continue
        # Out of the except clause: the exception's traceback held the failed batch's tensors.
        batch_size = (end - begin) // 2
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        log.warning("out of memory with %d examples at once: going on with %d", end - begin, batch_size)
    return results


def out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out: torch has a type for that of a GPU, and says it of the CPU's in words alone."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "DefaultCPUAllocator" in str(error)
