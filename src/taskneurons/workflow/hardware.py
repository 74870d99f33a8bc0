"""What this machine has for jobs: its memory, and GPUs as CUDA calls them. Nothing here imports torch."""

import os
import re
from pathlib import Path

import psutil

VARIABLE = "TASKNEURONS_GPUS"
"""0 or 1 in the environment: whether jobs on this machine have GPUs; where it is not set, the machine is looked at."""
VISIBLE = "CUDA_VISIBLE_DEVICES"
"""Which GPUs a process may use; CUDA reads it."""
_NUMBER = re.compile(r"\+?(\d+)")
_NAMES = ("GPU-", "MIG-")
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

    As CUDA reads it: those before the first entry that names none or names it in another way than the first does, and
    no GPU at all where one is named twice.
    """
    named = os.environ.get(VISIBLE)
    if named is None:
        return None
    beginning = next((name for name in _NAMES if named.startswith(name)), None)
    found: list[str] = []
    for entry in named.split(","):
        gpu = _number(entry) if beginning is None else entry if entry.startswith(beginning) else None
        if gpu is None:
            break
        if gpu in found:
            return []
        found.append(gpu)
    return found


def _number(entry: str) -> str | None:
    """The number at the beginning of an entry: CUDA reads `1gpu` as 1."""
    number = _NUMBER.match(entry.strip())
    return None if number is None else str(int(number[1]))
