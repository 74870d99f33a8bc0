"""Which GPUs a job of this machine gets, where no scheduler says it: such as no other job has.

SLURM gives each job GPUs of its own. Snakemake alone counts them: with `--resources gpu=4` four jobs run, and all would
take the first one. So a job holds a lock of the operating system for each of its GPUs, which ends with its process.
"""

import fcntl
import logging
import os
import tempfile
import time
from pathlib import Path
from typing import IO

from taskneurons.errors import InputError
from taskneurons.lineage import machine
from taskneurons.workflow.hardware import VISIBLE, named_gpus

log = logging.getLogger(__name__)

# Handles of locks are closed when they are forgotten.
_held: list[IO[str]] = []


def take(number: int, processes: int = 1, *, patience: float = float("inf")) -> None:
    """Let this process, and those that it starts, see only GPUs that it alone has; wait until enough are free.

    Nothing is done for a job without a GPU, on a cluster's node, and where there are none: such a job says so itself.

    Args:
        number: of GPUs.
        processes: that do the job, each with one.
        patience: seconds after which waiting is given up.

    Raises:
        InputError: the run or the machine has fewer, or they were not free in time.
    """
    if 0 < number < processes:
        # Snakemake gives a job that asks for more than `--resources` has what there is.
        raise InputError(
            f"{processes} processes need a GPU each, and this run gives the job {number}",
            where="workflow.processes_per_job",
            remedy=f"Lower it, or run with --resources gpu={processes}",
        )
    if number < 1 or machine.node() is not None:
        return
    seen = visible()
    if not seen:
        return
    if len(seen) < number:
        raise InputError(
            f"this job asks for {number} GPUs, and there {'is' if len(seen) == 1 else 'are'} {len(seen)}",
            where="workflow.processes_per_job",
            remedy="Lower it, or run the job where there are more",
        )
    end, told = time.monotonic() + patience, False
    while True:
        if taken := _locked(seen, number):
            _held.extend(taken.values())
            os.environ[VISIBLE] = ",".join(taken)
            return
        if time.monotonic() >= end:
            raise InputError(f"{number} of {len(seen)} GPUs were not free in time", remedy="Run fewer jobs at a time")
        if not told:
            log.warning("waiting for %d of %d GPUs: other jobs have them", number, len(seen))
            told = True
        time.sleep(min(1.0, patience))


def visible() -> list[str]:
    """What CUDA calls the GPUs that this process may use."""
    named = named_gpus()
    if named is not None:
        return named
    # Imported here: jobs without a GPU do without.
    import torch

    return [str(index) for index in range(torch.cuda.device_count())]


def _locked(names: list[str], number: int) -> dict[str, IO[str]]:
    """Locks on the first GPUs that are free; none where there are too few."""
    folder = Path(tempfile.gettempdir()) / f"taskneurons-gpus-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found: dict[str, IO[str]] = {}
    for name in names:
        file: IO[str] = (folder / f"{name.replace('/', '_')}.lock").open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            continue
        found[name] = file
        if len(found) == number:
            return found
    for held in found.values():
        held.close()
    return {}
