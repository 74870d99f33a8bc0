"""A job that runs a model is done by a child of a process that has imported torch already; see `preloaded.py`.

The first such job of a run starts that process, and the end of Snakemake ends it. Where it cannot be had, a job is done
by the process that Snakemake started for it: on another system than Linux, on a GPU, under another executor than
Snakemake's local one, in another environment than the first job's, and when the process has died.
"""

import fcntl
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from taskneurons.workflow.amounts import amount

VARIABLE = "TASKNEURONS_FORKS_UNTIL_END_OF"
"""The process whose end ends the run; without it no job is handed over."""
FOLDER = Path(".taskneurons")
LOG = FOLDER / "forks.log"
"""Of all processes that fork in a run: one that starts late must not delete what the others said."""
FILES_ALONE_MB = 1000
"""Memory that a job asks for which reads files and runs no model; those of the default take 250 to 410."""
# ASSUME: importing takes less on any machine on which it is worth anything.
PATIENCE = 180.0
FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)


def offer(*, local: bool) -> None:
    """Let the jobs of the run that this process leads be done by forks, where the system can.

    The log of the run before is deleted.

    Args:
        local: whether jobs run on this machine, as children of this process.
    """
    LOG.unlink(missing_ok=True)
    if local and sys.platform == "linux" and hasattr(os, "pidfd_open"):
        os.environ[VARIABLE] = str(os.getpid())


def run_in_fork(resources: Mapping[str, Any]) -> None:
    """Have the script of this process done by a fork, and end this process as the fork ended.

    It returns where the script is still to be done, by this process.

    Args:
        resources: what the job asks for.
    """
    # The fork runs the same script, which must not ask again.
    run = os.environ.pop(VARIABLE, None)
    if run is None or resources.get("gpu", 0) or not amount(resources.get("mem_mb")) > FILES_ALONE_MB:
        return
    try:
        connection = _connect(run)
    except OSError:
        return
    with connection:
        status = _wait(connection)
    if status is None:
        return
    sys.stdout.flush()
    if status < 0:
        # A fork that was killed leaves a core file of its own, if any.
        signal.signal(-status, signal.SIG_DFL) if -status not in (signal.SIGKILL, signal.SIGSTOP) else None
        os.kill(os.getpid(), -status)
    os._exit(status)


def _connect(run: str) -> socket.socket:
    """A connection to the process that forks; it is started where there is none.

    Raises:
        OSError: it cannot be had.
    """
    # A name without a file, which ends with its process.
    place = f"\0taskneurons-{os.getuid()}-{run}-{os.environ.get('OMP_NUM_THREADS', '')}"
    with (FOLDER / "forks.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(place)
        except ConnectionRefusedError:
            _start(place, run)
            connection.connect(place)
    if not of_this_user(connection):
        raise PermissionError("another user's process has this name")
    connection.settimeout(PATIENCE)
    return connection


def of_this_user(connection: socket.socket) -> bool:
    """Whether the process at the other end belongs to the user of this one."""
    _, user, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return bool(user == os.getuid())


def _start(place: str, run: str) -> None:
    with socket.socket(socket.AF_UNIX) as listening, LOG.open("a") as log:
        listening.bind(place)
        listening.listen(64)
        # By its path: the package and its folder are not to be imported by it.
        command = [sys.executable, "-P", str(Path(__file__).with_name("preloaded.py")), str(listening.fileno()), run]
        subprocess.Popen(command, pass_fds=[listening.fileno()], stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def _wait(connection: socket.socket) -> int | None:
    """Ask for a fork and wait for its end; None where it is still to be done."""
    handle: list[int] = []
    with _forwarding(handle) as pending:
        try:
            _ask(connection)
            text, handle[:], _, _ = socket.recv_fds(connection, 4096, 1)
            if not handle:
                return None
            for number in pending:
                signal.pidfd_send_signal(handle[0], number)
            connection.settimeout(None)
            if b'"status"' not in text:
                text = connection.recv(4096)
            return int(json.loads(text.splitlines()[-1])["status"])
        except (OSError, ValueError, LookupError):
            # The process that forks has died, and its forks die with it.
            if handle:
                with suppress(ProcessLookupError):
                    signal.pidfd_send_signal(handle[0], signal.SIGKILL)
                select.select(handle, [], [])
            return None


def _ask(connection: socket.socket) -> None:
    umask = os.umask(0)
    os.umask(umask)
    asked = {"arguments": sys.argv, "path": sys.path, "environment": dict(os.environ), "umask": umask}
    folder = os.open(".", os.O_RDONLY)
    try:
        text = json.dumps(asked).encode() + b"\n"
        sent = socket.send_fds(connection, [text], [0, 1, 2, folder])
        connection.sendall(text[sent:])
    finally:
        os.close(folder)


@contextmanager
def _forwarding(handle: list[int]) -> Iterator[list[int]]:
    """Pass signals on to the process of a handle; yields those that came before there was one."""
    pending: list[int] = []

    def forward(number: int, _frame: object) -> None:
        if handle:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle[0], number)
        else:
            pending.append(number)

    before = {number: signal.getsignal(number) for number in FORWARDED}
    heard = [number for number, handler in before.items() if handler != signal.SIG_IGN]
    for number in heard:
        signal.signal(number, forward)
    try:
        yield pending
    finally:
        for number in heard:
            signal.signal(number, before[number])
