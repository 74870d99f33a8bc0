"""The note that a job leaves of itself: what it read, ran and wrote, taken by the job while it ran.

Notes lie in `.taskneurons/jobs`, which is not in git. What they say enters the records in `lineage/` when the run ends
(`taskneurons.lineage.record`), as far as the files still are what the jobs wrote.
"""

import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from taskneurons.errors import InputError
from taskneurons.files import sha256, write_json
from taskneurons.lineage import machine
from taskneurons.lineage.active import STATE

NOTES = STATE / "jobs"


@dataclass(frozen=True)
class Note:
    """What one job says of itself.

    Attributes:
        rule: its rule.
        settings: the text of the parameters that it read.
        code: the entry and the fingerprint of what it reached.
        wiring: the digest of the names and the order of its inputs and outputs.
        inputs: (path, SHA-256) as it read them, in the rule's order.
        outputs: (path, SHA-256, bytes) as it wrote them, in the rule's order.
        started, ended: seconds since the epoch; the second is never before the first.
        device: what it computed on.
        machine, software: facts of the machine and versions.
        memory: peak bytes by place.
        cpu_seconds: CPU time of the process that did the job, imports included.
        node: of the cluster that did it; None away from one.
    """

    rule: str
    settings: str
    code: str
    wiring: str
    inputs: tuple[tuple[str, str], ...]
    outputs: tuple[tuple[str, str, int], ...]
    started: float
    ended: float
    device: str
    machine: Mapping[str, str]
    software: Mapping[str, str]
    memory: Mapping[str, int]
    cpu_seconds: float
    node: str | None = None


@dataclass
class Watch:
    """Watches the files of a job from its start to its end.

    Attributes:
        inputs, outputs: paths in the rule's order.
        done_by: `device`, `machine` and `memory` of the processes that did the job; None: this one did.
    """

    inputs: tuple[Path, ...]
    outputs: tuple[Path, ...]
    done_by: Mapping[str, Any] | None = None
    _digests: dict[Path, str] = field(default_factory=dict)
    _states: dict[Path, tuple[int, ...]] = field(default_factory=dict)
    _wall: float = 0.0
    _clock: float = 0.0

    def start(self) -> None:
        """Take the time and the digests of the inputs; an earlier note of these outputs is withdrawn.

        Raises:
            InputError: an input is absent or no file.
        """
        self._wall, self._clock = time.time(), time.monotonic()
        path_of(self.outputs).unlink(missing_ok=True)
        for path in self.inputs:
            if not path.is_file():
                raise InputError("this input of the job is no file", where=str(path))
            self._states[path] = _state(path)
            self._digests[path] = sha256(path)

    @property
    def digests(self) -> Mapping[Path, str]:
        """The SHA-256 of each input as it was when the job started."""
        return self._digests

    def finish(self, rule: str, settings: str, code: str, wiring: str) -> Note:
        """Hash the outputs and leave the note.

        Raises:
            InputError: an input changed while the job ran, or an output is absent or no regular file.
        """
        for path in self.inputs:
            if not path.is_file() or (_state(path) != self._states[path] and sha256(path) != self._digests[path]):
                raise InputError(
                    "this input changed while the job ran", where=str(path), remedy="Run the same command again"
                )
        outputs = []
        for path in self.outputs:
            if path.is_symlink() or not path.is_file():
                raise InputError("the job did not write this output as a regular file", where=str(path))
            outputs.append((path.as_posix(), sha256(path), path.stat().st_size))
        note = Note(
            rule=rule,
            settings=settings,
            code=code,
            wiring=wiring,
            inputs=tuple((path.as_posix(), self._digests[path]) for path in self.inputs),
            outputs=tuple(outputs),
            started=self._wall,
            # The clock of the wall may be set back while a job runs; this one never is.
            ended=self._wall + (time.monotonic() - self._clock),
            software=machine.software(),
            **(self.done_by or machine.used()),
            cpu_seconds=machine.cpu_seconds(),
            node=machine.node(),
        )
        write_json(path_of(self.outputs), asdict(note))
        return note


def _state(path: Path) -> tuple[int, ...]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino


def path_of(outputs: Iterable[Path]) -> Path:
    """Where the note of the job with these outputs lies."""
    return note_of(next(iter(outputs)).as_posix())


def note_of(first: str) -> Path:
    """Where the note of the job lies whose first output has this path; one folder holds them all."""
    return NOTES / f"{hashlib.sha256(first.encode()).hexdigest()}.json"


def read_notes() -> Iterator[Note]:
    """All notes of the current folder; what is no note is passed over, as if the job had left none."""
    for path in sorted(NOTES.glob("*.json")):
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            content["inputs"] = tuple((name, digest) for name, digest in content["inputs"])
            content["outputs"] = tuple((name, digest, size) for name, digest, size in content["outputs"])
            yield Note(**content)
        except (OSError, ValueError, TypeError, KeyError):
            continue
