"""Several processes that do one job together, each on a device of its own.

`torchrun` starts them; each runs the whole job. What can be shared is done in parts: each process takes its share of
the examples, and all of them then have the same sums and lists, so that all go on alike. Alone, a process finds nothing
to share, and nothing here computes anything.

Or they share out the weights of a model, of which none could hold the whole (see `models.sharing`). Then each does
everything with all examples, in step with the others, and what is asked here is answered as if it were alone.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as group
from torch import Tensor

from taskneurons.errors import InputError

Value = TypeVar("Value")
_in_step = False


def join(*, cpu: bool) -> None:
    """Meet the other processes that torchrun started, by gloo on CPUs and by NCCL on GPUs; accelerate sets this up."""
    from accelerate import PartialState

    # ASSUME: no process waits longer for another, such as for the first one's resume file of a large model. When one
    # ends with an error, torchrun ends the others at once.
    PartialState(cpu=cpu, timeout=timedelta(hours=6))


def leave() -> None:
    """Part from the other processes, all of which have done the job."""
    wait()
    if number() > 1:
        group.destroy_process_group()


def number() -> int:
    """How many processes share the examples of this job."""
    return 1 if _in_step else _joined()


def place() -> int:
    """Which of them this one is, from 0; the first one writes what the job makes."""
    return group.get_rank() if number() > 1 else 0


@contextmanager
def in_step() -> Iterator[None]:
    """Inside the block processes share out the weights of models, and no examples."""
    global _in_step
    before, _in_step = _in_step, True
    try:
        yield
    finally:
        _in_step = before


def sharing_weights() -> int:
    """How many processes share out the weights of models; 1 where each holds the whole."""
    return _joined() if _in_step else 1


def _joined() -> int:
    return group.get_world_size() if group.is_available() and group.is_initialized() else 1


def share(count: int) -> tuple[int, int]:
    """This process's range of `count` examples, from the first one to that behind the last one.

    Raises:
        InputError: there are fewer examples than processes.
    """
    if count < number():
        raise InputError(
            f"{count} examples are too few for {number()} processes, each of which needs one",
            where="workflow.processes_per_job",
            remedy="Ask for fewer processes, or for larger batches",
        )
    return place() * count // number(), (place() + 1) * count // number()


def everywhere(values: Sequence[Value]) -> list[Value]:
    """The values of all processes in turns: the first of each, then the second of each."""
    if number() == 1:
        return list(values)
    found: list[Any] = [None] * number()
    group.all_gather_object(found, list(values))
    return [own[turn] for turn in range(max(map(len, found))) for own in found if turn < len(own)]


def add_up(tensors: Sequence[Tensor]) -> None:
    """Put the sum over all processes into each tensor."""
    if number() > 1:
        for tensor in tensors:
            group.all_reduce(tensor)


def wait() -> None:
    """Go on when all processes have come here."""
    if number() > 1:
        group.barrier()


def any_of(answers: Sequence[bool], device: torch.device) -> list[bool]:
    """For each question, whether any process answers yes."""
    if number() == 1:
        return list(answers)
    flags = torch.tensor([float(answer) for answer in answers], device=device)
    group.all_reduce(flags)
    return [bool(flag) for flag in flags.tolist()]
