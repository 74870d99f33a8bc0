"""Lineage records: what made each artifact, in git, and how Snakemake comes to believe them.

Snakemake decides what to run by modification times and by metadata of its own that no clone has; DVC decides by
content. The records join the two. Whenever the workflow is read by its main process, dry runs included,

- an artifact whose bytes are those of its record, or of the note that its job left when the records could not be
  written yet, gets the end of that job as modification time, and Snakemake's metadata is rebuilt from it;
- an artifact with other bytes, or one whose inputs now have other bytes, or one that nobody recorded, is marked so
  that Snakemake makes it again, whatever its modification time.

Content alone decides: what Snakemake remembers of a job, and any date, are set right and never believed. Only times and
Snakemake's metadata are changed, so that a dry run tells the truth and no content is at risk.
"""

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskneurons.errors import InputError
from taskneurons.files import read_text, write_text
from taskneurons.lineage.active import STATE
from taskneurons.lineage.fingerprint import settings as canonical
from taskneurons.lineage.graph import Graph, PlannedJob, is_artifact
from taskneurons.lineage.hashes import HashCache
from taskneurons.lineage.note import Note, note_of, read_notes

if TYPE_CHECKING:
    from snakemake.persistence import MetadataRecord

RECORDS = Path("lineage")
# Of a line; a file of an earlier one counts as absent, one of a later one is refused.
VERSION = 2
# Snakemake compares larger inputs by modification time (`max-checksum-file-size` in the profiles, bytes).
COMPARED_BY_CONTENT = 1_000_000_000
# Records hold microseconds; file systems hold nanoseconds.
SAME_INSTANT = 1e-5
Warn = Callable[[str], object]
STALE = "not what the lineage record says"
OF_ONE_OUTPUT = ("output", "sha256", "size")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_IN_CACHE = re.compile(r"/files/md5/[0-9a-f]{2}/[0-9a-f]{30}$")


@dataclass(frozen=True)
class Line:
    """What made one artifact; the outputs of one job share all but the first three fields.

    Attributes:
        output: path of the artifact.
        sha256: digest of its bytes.
        size: bytes.
        rule: the rule that made it.
        inputs: (path, digest as the job read it) of each input, sorted by path.
        settings: the parameters that the job read.
        entry: the function that it called.
        code: fingerprint of all that this function reaches.
        wiring: digest of the names and the order of its inputs and outputs.
        started, ended: UTC, ISO 8601 with microseconds, by the job itself.
        device: what it was computed on.
        machine, software: facts of the machine, and versions.
        memory: peak bytes by place.
        cpu_seconds: CPU time of the job; None where it was recorded before jobs said it.
        node: of the cluster that did the job; None away from one, and then no record has the word.
    """

    output: str
    sha256: str
    size: int
    rule: str
    inputs: tuple[tuple[str, str], ...]
    settings: Mapping[str, Any]
    entry: str
    code: str
    wiring: str
    started: str
    ended: str
    device: str | None = None
    machine: Mapping[str, str] = field(default_factory=dict)
    software: Mapping[str, str] = field(default_factory=dict)
    memory: Mapping[str, int] = field(default_factory=dict)
    cpu_seconds: float | None = None
    node: str | None = None

    def __post_init__(self) -> None:
        for path in (self.output, *(name for name, _ in self.inputs)):
            if not isinstance(path, str):
                raise InputError(f"{path!r} is no path")
        if not is_artifact(self.output):
            raise InputError(f"{self.output!r} is no artifact", remedy="Artifacts lie below results/")
        for digest in (self.sha256, *(digest for _, digest in self.inputs)):
            if not isinstance(digest, str) or not _is_sha256(digest):
                raise InputError(f"{digest!r} is no SHA-256", where=self.output)
        if instant(self.started) > instant(self.ended):
            raise InputError(f"ended at {self.ended}, before it started", where=self.output)

    def fits(self, job: PlannedJob) -> bool:
        """Whether it was made as a job would make it now, but for the content of inputs."""
        return self.params == (job.settings, job.code, job.wiring)

    @property
    def params(self) -> tuple[str, str, str]:
        """The params of its job, as Snakemake has them."""
        return canonical(**self.settings), f"{self.entry} {self.code}", self.wiring


@lru_cache(maxsize=1 << 16)  # asked for each input of each record
def _is_sha256(digest: str) -> bool:
    return _SHA256.fullmatch(digest) is not None


def instant(text: str) -> float:
    """Seconds since the epoch of an ISO 8601 time."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise InputError(f"{text!r} is no ISO 8601 time") from None


def iso(seconds: float) -> str:
    """ISO 8601 in UTC with microseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")


# Reading and writing


def read_records(warn: Warn = print, folder: Path = RECORDS) -> dict[str, Line]:
    """The lines of all records of a folder by artifact.

    What stands inside a merge conflict, what two jobs claim to have made, and what an earlier version of the project
    wrote, counts as absent: it is made again.

    Raises:
        InputError: a line is no record, or one of a later version; the message names file and line.
    """
    lines: dict[str, Line] = {}
    disputed: set[str] = set()
    older: set[str] = set()
    for path in sorted(folder.glob("*.jsonl")):
        for number, text, conflicting in _texts(path):
            try:
                job = json.loads(text)
                version = job.pop("version") if "rule" not in job else job.pop("version", 1)
                if version > VERSION:
                    raise InputError(
                        f"written by a later version of taskneurons (records {version}, this one reads {VERSION})",
                        where=f"{path}:{number}",
                        remedy="Update this checkout",
                    )
                if version < VERSION:
                    older.add(path.stem)
                    continue
                made = list(lines_of_text(job))
            except InputError as error:
                if error.where and error.where.startswith(str(path)):
                    raise
                raise _no_record(path, number, error) from None
            except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
                raise _no_record(path, number, error) from None
            for line in made:
                if conflicting or lines.get(line.output, line) != line:
                    disputed.add(line.output)
                lines[line.output] = line
    if disputed:
        warn(f"{len(disputed)} lineage records are in conflict; their artifacts will be made again: {_some(disputed)}")
    if older:
        warn(f"records of an earlier version do not say enough and count as absent: {_some(older)}")
    return {output: line for output, line in lines.items() if output not in disputed}


def _no_record(path: Path, number: int, error: Exception) -> InputError:
    return InputError(
        f"not a lineage record ({error})",
        where=f"{path}:{number}",
        remedy="Restore the file from git, or delete the line; its artifacts are then made again",
    )


def _texts(path: Path) -> Iterator[tuple[int, str, bool]]:
    conflicting = False
    for number, text in enumerate(read_text(path).split("\n"), start=1):
        if text.startswith(("<<<<<<<", ">>>>>>>")):
            conflicting = text.startswith("<")
        elif text and not text.startswith(("=======", "|||||||")):
            yield number, text, conflicting


def lines_of_text(job: dict[str, Any]) -> Iterator[Line]:
    """A line of a file is a job with its outputs."""
    inputs = tuple((name, digest) for name, digest in job.pop("inputs"))
    for output in job.pop("outputs"):
        yield Line(inputs=inputs, **job, **output)


def write_records(lines: Iterable[Line], graph: Graph) -> None:
    """Write one file a study and in it one line a job, sorted by artifact; a study without lines has no file."""
    by_study: dict[str, list[Line]] = {}
    for line in lines:
        # The artifact of a study that is no longer in the graph keeps its line until it is pruned.
        study = graph.study(line.output) if line.output in graph.rules else Path(line.output).parts[1]
        by_study.setdefault(study, []).append(line)
    for path in RECORDS.glob("*.jsonl"):
        if path.stem not in by_study:
            path.unlink()
    for study, members in by_study.items():
        path, text = RECORDS / f"{study}.jsonl", line_texts(members)
        if not path.is_file() or read_text(path) != text:
            write_text(path, text)


def line_texts(lines: Iterable[Line]) -> str:
    """Lines as the text of a file of records."""
    jobs: dict[str, dict[str, Any]] = {}
    for line in sorted(lines, key=lambda line: line.output):
        job = asdict(line)
        if line.node is None:
            del job["node"]
        output = {name: job.pop(name) for name in OF_ONE_OUTPUT}
        job = jobs.setdefault(_text(job), job | {"version": VERSION, "outputs": []})
        job["outputs"].append(output)
    return "".join(_text(job) + "\n" for job in jobs.values())


def read_line_texts(path: Path) -> dict[str, Line]:
    """The lines of one file that `line_texts` made, by artifact."""
    found: dict[str, Line] = {}
    for _, text, _ in _texts(path):
        job = json.loads(text)
        if job.pop("version") == VERSION:
            found |= {line.output: line for line in lines_of_text(job)}
    return found


def _text(content: Any) -> str:
    return json.dumps(content, sort_keys=True, ensure_ascii=False, allow_nan=False)


# Snakemake's side


class Metadata:
    """Snakemake's own records of finished jobs, through its own class."""

    def __init__(self) -> None:
        from snakemake.persistence.file import FilePersistence

        self._store = FilePersistence(path=Path(".snakemake").absolute())

    def read(self, output: str) -> "MetadataRecord | None":
        """The record of an output, where there is one."""
        return self._store._read_record(output)

    def incomplete(self, outputs: Iterable[str]) -> set[str]:
        """Those outputs whose job started and did not end."""
        found: set[str] = self._store._filter_incomplete_keys(outputs)
        return found

    def complete(self, output: str) -> None:
        """Take an output for one whose job ended."""
        self._store._clear_cache()
        self._store._unmark_incomplete(output)

    def restore(self, line: Line) -> None:
        """Write the record that Snakemake would have written when it made the artifact, unless it stands there."""
        end = Path(line.output).stat().st_mtime
        params = sorted(map(repr, line.params))
        checksums = {name: f"sha256:{digest}" for name, digest in line.inputs}
        known = self.read(line.output)
        if known is None or (known.params, known.input_checksums, known.endtime) != (params, checksums, end):
            self._write(
                line.output,
                rule=line.rule,
                input=[name for name, _ in line.inputs],
                params=params,
                starttime=instant(line.started),
                endtime=end,
                input_checksums=checksums,
            )

    def mark_stale(self, output: str) -> None:
        """Leave a record that differs from every job, so that the artifact is made again even if it has no inputs."""
        if not self.is_stale(output):
            self._write(output, params=[repr(STALE)])

    def is_stale(self, output: str) -> bool:
        """Whether an output is marked."""
        record = self.read(output)
        return record is not None and record.params == [repr(STALE)]

    def forget(self, output: str) -> None:
        """Remove every trace of an output."""
        self._store._clear_cache()
        self._store._unmark_incomplete(output)
        self._store._delete_record(output)

    def _write(self, output: str, **fields: Any) -> None:
        from snakemake.persistence import RECORD_FORMAT_VERSION, MetadataRecord

        self._store._clear_cache()
        self._store._write_record(
            output, MetadataRecord(incomplete=False, record_format_version=RECORD_FORMAT_VERSION, log=[], **fields)
        )


def _finished(record: "MetadataRecord | None", path: Path) -> bool:
    """Whether Snakemake finished this very file: it was not touched since."""
    return record is not None and record.endtime is not None and record.endtime == path.stat().st_mtime


# What is believed


def is_regular(path: Path) -> bool:
    """Whether a path is a file of its own, or a link that DVC made to an object of its cache."""
    return path.is_file() and (not path.is_symlink() or bool(_IN_CACHE.search(path.resolve().as_posix())))


class Beliefs:
    """What the records and the notes of jobs say of the artifacts that lie here.

    Args:
        graph: what the workflow can make.
        lines: the records.
    """

    def __init__(self, graph: Graph, lines: Mapping[str, Line]) -> None:
        self.graph, self.lines = graph, lines
        self.hashes = HashCache(STATE / "hashes.json")
        self.metadata = Metadata()
        self.incomplete = self.metadata.incomplete(graph.rules)
        self.noted: dict[str, Line] = {}
        for note in read_notes():
            for line in lines_of(note):
                if line.output not in self.noted or instant(self.noted[line.output].ended) < instant(line.ended):
                    self.noted[line.output] = line
        self._digests: dict[str, str | None] = {}

    def digest(self, name: str) -> str | None:
        """The SHA-256 of a file as it is now; None where there is none. Nothing changes content while this is asked."""
        if name not in self._digests:
            self._digests[name] = self.hashes.of(name) if Path(name).is_file() else None
        return self._digests[name]

    def of(self, output: str) -> Line | None:
        """The record or the note of the job that made the bytes which lie here; None where nothing says so.

        Where both do, it is the one that fits what is planned: two jobs of different parameters may make equal bytes.
        """
        if not is_regular(Path(output)) or output in self.incomplete:
            return None
        digest = self.digest(output)
        found = [
            line
            for line in (self.lines.get(output), self.noted.get(output))
            if line is not None and line.sha256 == digest and not self._contradicted(line)
        ]
        if not found:
            return None
        job = self.graph.makers[output]
        return max(found, key=lambda line: (line.fits(job), self.changed_input(line) is None, instant(line.ended)))

    def changed_input(self, line: Line) -> str | None:
        """The first input that lies here with other bytes than the job read; Snakemake sees absent ones by itself."""
        return next((name for name, digest in line.inputs if self.digest(name) not in (digest, None)), None)

    def _contradicted(self, line: Line) -> bool:
        """Whether a note tells of other code or parameters than the run gave to the job, as from another machine."""
        record = self.metadata.read(line.output)
        if line is not self.noted.get(line.output) or record is None or not _finished(record, Path(line.output)):
            return False
        return record.params != sorted(map(repr, line.params)) and not self.metadata.is_stale(line.output)


def lines_of(note: Note) -> Iterator[Line]:
    """What the records say of the outputs of a job, from its note."""
    entry, _, code = note.code.partition(" ")
    for output, digest, size in note.outputs:
        yield Line(
            output=output,
            sha256=digest,
            size=size,
            rule=note.rule,
            inputs=tuple(sorted(set(note.inputs))),
            settings=json.loads(note.settings),
            entry=entry,
            code=code,
            wiring=note.wiring,
            started=iso(note.started),
            ended=iso(note.ended),
            device=note.device,
            machine=note.machine,
            software=note.software,
            memory=note.memory,
            cpu_seconds=note.cpu_seconds,
            node=note.node,
        )


# The four operations


def sync(graph: Graph, warn: Warn = print) -> None:
    """Make Snakemake's metadata and modification times tell what the lineage records tell; see the module's text.

    Args:
        graph: what the workflow can make.
        warn: called with one sentence for each thing that a user should know.
    """
    beliefs = Beliefs(graph, read_records(warn))
    stale: dict[str, str] = {}
    outdated: dict[str, int] = {}
    raw: dict[str, float] = {}
    for output, job in graph.makers.items():
        path = Path(output)
        if not os.path.lexists(path) or output in beliefs.incomplete:
            continue
        line = beliefs.of(output)
        if line is None:
            stale[output] = _why_not(beliefs, output)
            continue
        end = instant(line.ended)
        if abs(path.stat().st_mtime - end) > SAME_INSTANT:
            _set_time(path, end)
            beliefs.hashes.remember(output, line.sha256)
        beliefs.metadata.restore(line)
        outdated[job.rule] = outdated.get(job.rule, 0) + (f"{line.entry} {line.code}" != job.code)
        if name := beliefs.changed_input(line):
            stale[output] = f"its input {name} has changed"
            continue
        for name, digest in line.inputs:
            if name not in graph.rules and beliefs.digest(name) == digest:
                raw[name] = min(raw.get(name, end), end)
    for name, before in raw.items():
        _keep_older(Path(name), before, beliefs.hashes, warn)
    for output in stale:
        beliefs.metadata.mark_stale(output)
        _set_time(Path(output), 0.0)
    beliefs.hashes.save()
    if stale:
        first = next(iter(stale))
        warn(f"{len(stale)} artifacts will be made again, among them {first}: {stale[first]}")
    if number := sum(outdated.values()):
        rules = sorted(rule for rule, count in outdated.items() if count)
        warn(f"{number} artifacts were made by older code and will be made again; rules: {', '.join(rules)}")


def _why_not(beliefs: Beliefs, output: str) -> str:
    if not is_regular(Path(output)):
        return "it is no regular file"
    if output in beliefs.lines:
        return "its bytes are not the recorded ones"
    if output in beliefs.noted:
        return "its bytes are not those that its job wrote"
    return "no record says what made it"


def _set_time(path: Path, seconds: float) -> None:
    nanoseconds = round(seconds * 1e6) * 1000
    try:
        os.utime(path, ns=(nanoseconds, nanoseconds), follow_symlinks=is_regular(path))
    except PermissionError as error:
        raise InputError(
            f"its date cannot be set ({error.strerror})",
            where=str(path),
            remedy="Results belong to who runs the workflow: make them your own files, or work in a clone",
        ) from None


def _keep_older(path: Path, before: float, hashes: HashCache, warn: Warn) -> None:
    """Date an unchanged input from outside before what was made of it, where Snakemake goes by its date alone."""
    stat = path.stat()
    if stat.st_size <= COMPARED_BY_CONTENT or stat.st_mtime <= before:
        return
    digest = hashes.of(str(path))
    try:
        _set_time(path, before)
    except InputError:
        warn(f"{path} is unchanged but newer than what was made of it, and its date cannot be set: jobs may run again")
    else:
        hashes.remember(str(path), digest)


def export(graph: Graph, warn: Warn = print) -> None:
    """Write a line for every artifact that lies here as its job wrote it; notes that became records are dropped."""
    lines = present(graph, warn)
    write_records(lines.values(), graph)
    for note in read_notes():
        if all(lines.get(line.output) == line for line in lines_of(note)):
            note_of(note.outputs[0][0]).unlink()


def present(graph: Graph, warn: Warn = print) -> dict[str, Line]:
    """The records together with the notes of jobs that ended since they were written, as in the middle of a run."""
    beliefs = Beliefs(graph, read_records(warn))
    found = dict(beliefs.lines)
    changed = []
    for output in graph.rules:
        line = beliefs.of(output)
        if line is not None:
            found[output] = line
        elif output in beliefs.noted and output not in beliefs.incomplete and os.path.lexists(output):
            changed.append(output)
    beliefs.hashes.save()
    if changed := [output for output in changed if output not in beliefs.lines]:
        warn(f"{len(changed)} artifacts are not what their jobs wrote and are not recorded: {_some(changed)}")
    return found


def _some(names: Iterable[str], most: int = 5) -> str:
    names = sorted(names)
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
