"""Running over many examples in batches that shrink when the device's memory does not suffice."""

import logging
from collections.abc import Callable
from typing import TypeVar

import torch

from taskneurons import processes
from taskneurons.errors import InputError, TooLittleMemory

log = logging.getLogger(__name__)

Result = TypeVar("Result")


def in_batches(count: int, batch_size: int, run: Callable[[int, int], Result]) -> list[Result]:
    """Call `run(begin, end)` over consecutive ranges of at most `batch_size` out of `count` examples.

    When memory runs out, of a GPU or of the CPU, the batch is halved, for this range and all that follow, and the log
    records it. Processes that share out the weights of a model do not halve it: all have to go on with the same size.
    `run` must leave nothing behind when it fails. Where several processes do the job they take turns at ranges, and
    each has all results in the end.

    Raises:
        InputError: one example alone does not fit.
        TooLittleMemory: memory ran out where processes share out the weights.
    """
    batching = Batching(batch_size)
    if processes.number() == 1:
        return batching.over(count, run)
    # Ranges that give each process one, so that all work.
    size = min(batch_size, -(-count // processes.number()))
    own: list[list[Result]] = []
    for begin in range(processes.place() * size, count, processes.number() * size):
        part = min(size, count - begin)
        own.append(batching.over(part, lambda first, last, begin=begin: run(begin + first, begin + last)))  # type: ignore[misc]
    return [result for results in processes.everywhere(own) for result in results]


class Batching:
    """A batch size that is halved when memory runs out, and stays so; not where processes share out the weights.

    Args:
        size: examples at once, at first.

    Raises:
        InputError: the size is not positive.
    """

    def __init__(self, size: int) -> None:
        if size < 1:
            raise InputError(f"a batch needs at least one example, not {size}", where="batch_size")
        self.size = size

    def over(
        self, count: int, run: Callable[[int, int], Result], *, undo: Callable[[], None] | None = None
    ) -> list[Result]:
        """Call `run(begin, end)` over consecutive ranges out of `count` examples.

        Args:
            count: of the examples.
            run: what is done with a range.
            undo: takes back what failed and earlier ranges left, after which all are run again; None: a range that
                failed has left nothing, and the earlier ones count.

        Raises:
            InputError: one example alone does not fit.
            TooLittleMemory: memory ran out where processes share out the weights.
        """
        results: list[Result] = []
        begin = 0
        while begin < count:
            end = min(begin + self.size, count)
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
            if processes.sharing_weights() > 1:
                # `workflow.together` starts all processes anew with half as many.
                raise TooLittleMemory(
                    end - begin,
                    where="workflow.evaluation_batch_size",
                    remedy="Lower it, and the batch size of the job: who shares out weights does not halve batches",
                )
            # Out of the except clause: the exception's traceback held the failed batch's tensors.
            self.size = (end - begin) // 2
            if undo is not None:
                undo()
                results, begin = [], 0
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            log.warning("out of memory with %d examples at once: going on with %d", end - begin, self.size)
        return results


def out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out: torch has a type for that of a GPU, and says it of the CPU's in words alone."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "DefaultCPUAllocator" in str(error)
