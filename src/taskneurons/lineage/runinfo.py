"""One line at the head of a job's log: what the job computes on and with. It names no host, user or path."""

import json
import os
import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

KEY = "run_info"
PACKAGES = ("torch", "transformers", "tokenizers", "accelerate", "datasets", "numpy", "scipy", "pandas", "matplotlib")


def run_info(log: str | Path, device: str = "cpu") -> None:
    """Write the line to the log of a job.

    Args:
        log: the log file; it is begun anew.
        device: what the job computes on, such as `cpu` or the name of a GPU.
    """
    software = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            software[package] = version(package)
        except PackageNotFoundError:
            continue
    info = {
        KEY: {
            "device": device,
            "machine": platform.machine(),
            "threads": os.environ.get("OMP_NUM_THREADS", ""),
            "software": software,
        }
    }
    path = Path(log)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(info, sort_keys=True) + "\n", encoding="utf-8")


def read_run_info(logs: Iterable[str]) -> dict[str, Any]:
    """What the job said about itself in its logs; empty where it said nothing."""
    for log in logs:
        path = Path(log)
        if path.is_file():
            for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
                if text.startswith(f'{{"{KEY}"'):
                    info: dict[str, Any] = json.loads(text)[KEY]
                    return info
    return {}
