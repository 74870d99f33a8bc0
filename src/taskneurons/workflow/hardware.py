"""What this machine has for jobs: its memory, and GPUs as CUDA calls them. Nothing here imports torch."""

import os
import re
from pathlib import Path

import psutil

VARIABLE = "TASKNEURONS_GPUS"
"""0 or 1 in the environment: whether jobs on this machine have GPUs; where it is not set, the machine is looked at."""
VISIBLE = "CUDA_VISIBLE_DEVICES"
"""Which GPUs a process may use; CUDA reads it."""
_NAME = re.compile(r"\d+|(?:GPU|MIG)-\S+")
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
    """The GPUs that the environment lets this process use, by number or UUID; None: it says nothing of them.

    As CUDA reads it: those before the first entry that names none, and no GPU at all where one is named twice.
    """
    named = os.environ.get(VISIBLE)
    if named is None:
        return None
    found: list[str] = []
    for entry in named.split(","):
        gpu = _NAME.match(entry.strip())
        if gpu is None:
            break
        if gpu[0] in found:
            return []
        found.append(gpu[0])
    return found
