"""What this machine has for jobs: its memory, and GPUs as CUDA calls them. Nothing here imports torch."""

import os
from pathlib import Path

import psutil

VARIABLE = "TASKNEURONS_GPUS"
"""0 or 1 in the environment: whether jobs on this machine have GPUs; where it is not set, the machine is looked at."""
VISIBLE = "CUDA_VISIBLE_DEVICES"
"""Which GPUs a process may use; CUDA reads it."""
# Of NVIDIA, of NVIDIA under Windows, of AMD.
_GPUS = ("nvidia[0-9]*", "dxg", "kfd")


def memory_here() -> int:
    """The memory of this machine in bytes."""
    return int(psutil.virtual_memory().total)


def gpus_here() -> bool:
    """Whether this machine has a GPU that jobs may use. torch, which knows, costs seconds to ask."""
    if said := os.environ.get(VARIABLE):
        return said != "0"
    return named_gpus() != [] and any(any(Path("/dev").glob(name)) for name in _GPUS)


def named_gpus() -> list[str] | None:
    """The GPUs that the environment lets this process use, by number or UUID; None: it says nothing of them."""
    named = os.environ.get(VISIBLE)
    if named is None:
        return None
    # "-1" hides all, as "" does.
    return [name for name in named.split(",") if name.strip() not in ("", "-1")]
