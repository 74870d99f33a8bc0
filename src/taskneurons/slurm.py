"""What SLURM says of jobs, nodes and accounts, by its own commands."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from getpass import getuser

from taskneurons.errors import InputError

# A scheduler that is busy answers within its cycle, about half a minute.
PATIENCE = 60.0
_GPUS = re.compile(r"(?:^|,)gpu:(?:[^:,()]+:)?(\d+)")
_TIME = re.compile(r"(?:(?:(\d+)-)?(\d+):)?(\d+):(\d+)")
_AGE = re.compile(r"^MinJobAge\s*=\s*(\d+)", re.MULTILINE)


@dataclass(frozen=True)
class SlurmJob:
    """A job that waits or works.

    Attributes:
        number: by which SLURM knows it.
        state: as SLURM calls it, such as PENDING.
    """

    number: str
    state: str


@dataclass(frozen=True)
class Nodes:
    """Nodes of one partition that are alike.

    Attributes:
        partition: its name.
        default: whether jobs that name no partition go there.
        cpus, memory, gpus: of each node; memory in MB.
        minutes: the longest job that the partition takes; None: there is no limit.
    """

    partition: str
    default: bool
    cpus: int
    memory: int
    gpus: int
    minutes: float | None


def living_jobs(name: str) -> list[SlurmJob]:
    """The jobs of a name that wait or work.

    Raises:
        InputError: SLURM does not answer.
    """
    rows = [text.split("|") for text in _ask("squeue", "--noheader", "--format=%i|%T", "--name", name).splitlines()]
    return [SlurmJob(row[0].strip(), row[1].strip()) for row in rows if len(row) == 2]


def nodes() -> list[Nodes]:
    """All nodes, whether they work now or not.

    Raises:
        InputError: SLURM does not answer.
    """
    return list(_nodes(_ask("sinfo", "--exact", "--noheader", "--format=%P|%c|%m|%G|%l")))


def _nodes(text: str) -> Iterator[Nodes]:
    for line in text.splitlines():
        name, cpus, memory, resources, limit = (part.strip() for part in line.split("|"))
        yield Nodes(
            name.rstrip("*"),
            name.endswith("*"),
            int(cpus.rstrip("+")),
            int(memory.rstrip("+")),
            sum(map(int, _GPUS.findall(resources))),
            _minutes(limit),
        )


def _minutes(text: str) -> float | None:
    """Minutes of a limit such as `2-00:00:00`, `30:00`, or `infinite`, which is none."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return 1440 * days + 60 * hours + minutes + seconds / 60


def accounts() -> set[str]:
    """The accounts of this user, in small letters; empty where the cluster keeps none."""
    try:
        text = _ask(
            "sacctmgr", "--noheader", "--parsable2", "list", "associations", f"user={getuser()}", "format=account"
        )
    except InputError:
        return set()
    return {line.strip().lower() for line in text.splitlines() if line.strip()}


def accounting_answers() -> bool:
    """Whether `sacct` can be asked for jobs."""
    try:
        _ask("sacct", "--noheader", "--allocations", "--format=JobIdRaw", "--starttime=now")
    except InputError:
        return False
    return True


def seconds_in_queue() -> int | None:
    """How long `squeue` shows a job after its end; None where SLURM does not say it."""
    try:
        match = _AGE.search(_ask("scontrol", "show", "config"))
    except InputError:
        return None
    return int(match[1]) if match else None


def _ask(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except FileNotFoundError:
        raise InputError("this machine has no such command", where=command[0]) from None
    except subprocess.TimeoutExpired:
        raise InputError(f"it did not answer in {PATIENCE:.0f} s", where=command[0]) from None
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split())
        raise InputError(said or f"it ended with the status {done.returncode}", where=command[0])
    return done.stdout
