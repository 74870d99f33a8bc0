"""At most one run in a folder: who has it, and what a killed run left behind.

The claim is a lock of the operating system on `.taskneurons/active.json`, which ends with its process however that
ends; the file says who holds it. A file that still names somebody when nobody holds the lock belongs to a killed run.

A run on a cluster notes the name of its jobs in the file. They outlive it, and many of them have no process yet: the
scheduler is asked for them before anything of that run is cleared.
"""

import atexit
import fcntl
import json
import os
import shutil
import socket
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from taskneurons import slurm
from taskneurons.errors import InputError

STATE = Path(".taskneurons")
# What the modules of the package say, so that none is read twice.
CODE = STATE / "code.json"
ENVIRONMENT = "TASKNEURONS_RUN"
# Of a killed run's jobs under SLURM, so many are named.
SHOWN = 5
# A job that ended or was cancelled is about to end for as long as its last process takes, 30 seconds as SLURM comes.
LAST_WORDS = 45.0

_held: dict[Path, IO[str]] = {}


def claim() -> list[str]:
    """Become the active run of the current folder until this process ends.

    What a killed run left is cleared first: Snakemake's locks and half-written files.

    Returns:
        What was cleared, one sentence each.

    Raises:
        InputError: another run is active, or jobs of a killed run still wait or work; the message names them.
    """
    path = (STATE / "active.json").resolve()
    if path in _held:
        return []
    try:
        path.parent.mkdir(exist_ok=True)
        file = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise _no_room(error) from None
    file.seek(0)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = _holder(file)
        file.close()
        raise InputError(
            f"a run is active in this folder: process {holder.get('pid', '?')} on {holder.get('host', '?')}, "
            f"since {holder.get('since', '?')}: {holder.get('command', '?')}",
            where=str(Path.cwd()),
            remedy=f"Wait for it, or stop it: kill {holder.get('pid', '')}".rstrip(),
        ) from None
    previous = _holder(file)
    try:
        _refuse_living_jobs(previous)
    except InputError:
        file.close()
        raise
    cleared = _clear(previous) if previous else []
    token = uuid4().hex
    os.environ[ENVIRONMENT] = token
    me = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "token": token,
    }
    _write(file, me)
    _held[path] = file
    atexit.register(release)
    return cleared


def submits(name: str) -> None:
    """Note that the jobs which this run submits to SLURM have a name; to be called before the first is submitted."""
    file = _held[(STATE / "active.json").resolve()]
    file.seek(0)
    _write(file, _holder(file) | {"slurm": name})


def _write(file: IO[str], content: dict[str, Any]) -> None:
    try:
        file.truncate(0)
        json.dump(content, file)
        file.flush()
    except OSError as error:
        # What could not be written would be tried again when the file is closed.
        with suppress(OSError):
            file.close()
        raise _no_room(error) from None


def _no_room(error: OSError) -> InputError:
    return InputError(
        f"a run cannot be claimed here ({error.strerror})",
        where=str(Path.cwd() / STATE),
        remedy="Runs write into the project's folder: make room, or work in a clone of your own",
    )


def holder() -> int | None:
    """The process id of the active run of the current folder, where there is one; asked without claiming anything."""
    path = STATE / "active.json"
    if not path.is_file():
        return None
    with path.open(encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            pid = _holder(file).get("pid")
            return pid if isinstance(pid, int) else None
    return None


def release() -> None:
    """End the claim of this process; a process that ends does so by itself."""
    for file in _held.values():
        if not file.closed:
            if not _outlived(file):
                file.truncate(0)
            file.close()
    _held.clear()
    os.environ.pop(ENVIRONMENT, None)


def _outlived(file: IO[str]) -> bool:
    """Whether jobs under SLURM outlive this run, such as what it could not cancel."""
    file.seek(0)
    try:
        return bool((name := _holder(file).get("slurm")) and _after_last_words(name))
    except InputError:
        return True


def _holder(file: IO[str]) -> dict[str, Any]:
    try:
        content = json.loads(file.read() or "{}")
    except json.JSONDecodeError:
        # Killed while it wrote its name.
        return {"pid": "?"}
    return content if isinstance(content, dict) else {"pid": "?"}


def _refuse_living_jobs(run: dict[str, Any]) -> None:
    """Refuse to follow a killed run whose jobs still wait or work, here or on a cluster."""
    ended = f"the run of process {run.get('pid')} on {run.get('host')} has ended, and"
    if name := run.get("slurm"):
        try:
            waiting = _after_last_words(name)
        except InputError as error:
            raise InputError(
                f"{ended} SLURM does not say whether jobs of it still wait or work ({error})",
                where=str(Path.cwd()),
                remedy="Run this where `squeue` answers; where that cluster is gone, delete .taskneurons/active.json",
            ) from None
        if waiting:
            said = ", ".join(f"{job.number} ({job.state})" for job in waiting[:SHOWN])
            more = f" and {len(waiting) - SHOWN} more" if len(waiting) > SHOWN else ""
            raise InputError(
                f"{ended} jobs of it still wait or work under SLURM: {said}{more}",
                where=str(Path.cwd()),
                remedy=f"Wait for them, or stop them: scancel --name {name}",
            )
    if run and (jobs := _jobs_of(run)):
        raise InputError(
            f"the run of process {run.get('pid')} was killed, and jobs of it still work: {', '.join(map(str, jobs))}",
            where=str(Path.cwd()),
            remedy=f"Wait for them, or stop them: kill {' '.join(map(str, jobs))}",
        )


def _after_last_words(name: str) -> list[slurm.SlurmJob]:
    """The jobs of a name, when those that are about to end have had their time."""
    end = time.monotonic() + LAST_WORDS
    while True:
        jobs = slurm.living_jobs(name)
        if not jobs or any(job.state != "COMPLETING" for job in jobs) or time.monotonic() > end:
            return jobs
        time.sleep(0.5)


def _jobs_of(run: dict[str, Any]) -> list[int]:
    """Processes that inherited the token of a run; none where the system does not show environments."""
    entry = f"{ENVIRONMENT}={run.get('token')}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if entry in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue
    return sorted(set(found) - {os.getpid(), os.getppid()})


def _clear(run: dict[str, Any]) -> list[str]:
    cleared = [f"The run of process {run.get('pid')} was killed; it holds nothing any more."]
    locks = Path(".snakemake/locks")
    if locks.is_dir() and any(locks.iterdir()):
        shutil.rmtree(locks)
        cleared.append("Its lock on the workflow is removed.")
    # The temporary names that taskneurons.files gives, and folders of files to be; a finished write has none.
    partial = list(Path("results").rglob(".*.partial"))
    for path in partial:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    if partial:
        cleared.append(f"{len(partial)} half-written files are removed.")
    return cleared
