"""What a job ran on and with. Nothing here names a user or a folder, and no host but the node of a cluster."""

import os
import platform
import resource
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

# The packages whose version may change a result.
PACKAGES = (
    "torch",
    "transformers",
    "tokenizers",
    "safetensors",
    "accelerate",
    "peft",
    "datasets",
    "numpy",
    "scipy",
    "pandas",
    "pydantic",
    "matplotlib",
    "altair",
    "rouge-score",
    "PyYAML",
)
# What the system counts memory in (getrusage).
_UNIT = 1 if sys.platform == "darwin" else 1024


def software() -> dict[str, str]:
    """The versions of Python and of the packages that are installed."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, str]:
    """The kind of machine: system, processor, and the number of threads that libraries are told to use."""
    facts = {"system": platform.system(), "architecture": platform.machine()}
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    if model := next((text.partition(":")[2].strip() for text in lines if text.startswith("model name")), ""):
        facts["processor"] = model
    if threads := os.environ.get("OMP_NUM_THREADS"):
        facts["threads"] = threads
    if (torch := _torch()) is not None and torch.cuda.is_initialized():
        facts["cuda"] = str(torch.version.cuda)
    return facts


def device() -> str:
    """What this process computed on: the name of the GPU if it used one, else `cpu`. torch is not imported for it."""
    if (torch := _torch()) is not None and torch.cuda.is_initialized():
        return str(torch.cuda.get_device_name())
    return "cpu"


def node() -> str | None:
    """The node of a cluster that does this job, as SLURM calls it; None away from a cluster."""
    return os.environ.get("SLURMD_NODENAME")


def peak_memory() -> dict[str, int]:
    """The most bytes that this process held at once, of host memory and of a GPU's if it used one."""
    found = {"host": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT}
    if (torch := _torch()) is not None and torch.cuda.is_initialized():
        found["gpu"] = int(torch.cuda.max_memory_allocated())
    return found


def used() -> dict[str, Any]:
    """What this process computed on, and how much memory it took, as a note says it."""
    return {"device": device(), "machine": machine(), "memory": peak_memory()}


def cpu_seconds() -> float:
    """CPU time of this process and of the children that it waited for, in user and system mode."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return round(sum(one.ru_utime + one.ru_stime for one in used), 3)


def _torch() -> Any:
    return sys.modules.get("torch")


def differences(recorded: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """Where versions differ, in words; packages that only one side knows are left out."""
    return [
        f"{name} {recorded[name]} -> {other[name]}"
        for name in sorted(recorded.keys() & other.keys())
        if recorded[name] != other[name]
    ]
