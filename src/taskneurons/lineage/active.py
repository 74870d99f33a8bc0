"""At most one run in a folder: who has it, and what a killed run left behind.

The claim is a lock of the operating system on `.taskneurons/active.json`, which ends with its process however that
ends; the file says who holds it. A file that still names somebody when nobody holds the lock belongs to a killed run.
"""

import atexit
import fcntl
import json
import os
import shutil
import socket
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from taskneurons.errors import InputError

STATE = Path(".taskneurons")
ENVIRONMENT = "TASKNEURONS_RUN"

_held: dict[Path, IO[str]] = {}


def claim() -> list[str]:
    """Become the active run of the current folder until this process ends.

    What a killed run left is cleared first: Snakemake's locks and half-written files.

    Returns:
        What was cleared, one sentence each.

    Raises:
        InputError: another run is active, or jobs of a killed run still work; the message names their process ids.
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
    if previous and (jobs := _jobs_of(previous)):
        file.close()
        raise InputError(
            f"the run of process {previous.get('pid')} was killed, and jobs of it still work: "
            + ", ".join(map(str, jobs)),
            where=str(Path.cwd()),
            remedy=f"Wait for them, or stop them: kill {' '.join(map(str, jobs))}",
        )
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
    try:
        file.truncate(0)
        json.dump(me, file)
        file.flush()
    except OSError as error:
        # What could not be written would be tried again when the file is closed.
        with suppress(OSError):
            file.close()
        raise _no_room(error) from None
    _held[path] = file
    atexit.register(release)
    return cleared


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
            file.truncate(0)
            file.close()
    _held.clear()
    os.environ.pop(ENVIRONMENT, None)


def _holder(file: IO[str]) -> dict[str, Any]:
    try:
        content = json.loads(file.read() or "{}")
    except json.JSONDecodeError:
        # Killed while it wrote its name.
        return {"pid": "?"}
    return content if isinstance(content, dict) else {"pid": "?"}


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
