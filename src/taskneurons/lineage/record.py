"""Lineage records: what made each artifact, in git, and how Snakemake comes to believe them.

Snakemake decides what to run by modification times and by metadata of its own that no clone has; DVC decides by
content. The records join the two. Whenever the workflow is read by its main process, dry runs included,

- an artifact whose bytes are those of its record gets its record's end as modification time, and Snakemake's metadata
  is rebuilt from the record;
- an artifact with other bytes, or one whose inputs now have other bytes, or one that nobody recorded, is marked so
  that Snakemake makes it again, whatever its modification time;
- an artifact that Snakemake finished after its record was written (a run that was killed before it could write
  records) is believed as long as nothing touched it since.

Only times and Snakemake's metadata are changed, so that a dry run tells the truth and no content is at risk.
"""

import ast
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskneurons.errors import InputError
from taskneurons.files import read_text, write_text
from taskneurons.lineage.active import STATE
from taskneurons.lineage.fingerprint import settings as canonical
from taskneurons.lineage.graph import Graph, is_artifact
from taskneurons.lineage.hashes import HashCache
from taskneurons.lineage.runinfo import read_run_info

if TYPE_CHECKING:
    from snakemake.persistence import MetadataRecord

RECORDS = Path("lineage")
# Snakemake compares larger inputs by modification time (`max-checksum-file-size` in the profiles, bytes).
COMPARED_BY_CONTENT = 1_000_000_000
# Records hold microseconds; file systems hold nanoseconds.
SAME_INSTANT = 1e-5
Warn = Callable[[str], object]
STALE = "not what the lineage record says"
OF_ONE_OUTPUT = ("output", "sha256", "size")


@dataclass(frozen=True)
class Line:
    """What made one artifact; the outputs of one job share all but the first three fields.

    Args:
        output: path of the artifact.
        sha256: digest of its bytes.
        size: bytes.
        rule: the rule that made it.
        inputs: (path, digest when the job ended) of each input, sorted by path.
        settings: the parameters that the job read.
        code: fingerprint of the code that it ran.
        started, ended: UTC, ISO 8601 with microseconds; `ended` is the modification time of the artifact.
        device: what it was computed on, where the job said so.
        software: versions, where the job said so.
    """

    output: str
    sha256: str
    size: int
    rule: str
    inputs: tuple[tuple[str, str], ...]
    settings: Mapping[str, Any]
    code: str
    started: str
    ended: str
    device: str | None
    software: Mapping[str, str]

    def __post_init__(self) -> None:
        if not is_artifact(self.output):
            raise InputError(f"{self.output!r} is no artifact", remedy="Artifacts lie below results/")
        if len(self.sha256) != 64:
            raise InputError(f"{self.sha256!r} is no SHA-256", where=self.output)
        instant(self.started)
        instant(self.ended)


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


def read_records(warn: Warn = print) -> dict[str, Line]:
    """The lines of all records by artifact.

    What stands inside a merge conflict, or what two jobs claim to have made, counts as absent: it is made again.

    Raises:
        InputError: a line is no record; the message names file and line.
    """
    lines: dict[str, Line] = {}
    disputed: set[str] = set()
    for path in sorted(RECORDS.glob("*.jsonl")):
        for number, text, conflicting in _texts(path):
            try:
                made = list(_lines(json.loads(text)))
            except (json.JSONDecodeError, KeyError, TypeError, ValueError, InputError) as error:
                raise InputError(
                    f"not a lineage record ({error})",
                    where=f"{path}:{number}",
                    remedy="Restore the file from git, or delete the line; its artifacts are then made again",
                ) from None
            for line in made:
                if conflicting or lines.get(line.output, line) != line:
                    disputed.add(line.output)
                lines[line.output] = line
    if disputed:
        warn(f"{len(disputed)} lineage records are in conflict; their artifacts will be made again: {_some(disputed)}")
    return {output: line for output, line in lines.items() if output not in disputed}


def _texts(path: Path) -> Iterator[tuple[int, str, bool]]:
    conflicting = False
    for number, text in enumerate(read_text(path).split("\n"), start=1):
        if text.startswith(("<<<<<<<", ">>>>>>>")):
            conflicting = text.startswith("<")
        elif text and not text.startswith(("=======", "|||||||")):
            yield number, text, conflicting


def _lines(job: dict[str, Any]) -> Iterator[Line]:
    """A line of a file is a job with its outputs; in files of older versions it is one output."""
    inputs = tuple((name, digest) for name, digest in job.pop("inputs"))
    for output in job.pop("outputs", [{}]):
        yield Line(inputs=inputs, **job, **output)


def write_records(lines: Iterable[Line], graph: Graph) -> None:
    """Write one file a study and in it one line a job, sorted by artifact; a study without lines has no file."""
    jobs: dict[tuple[str, str], dict[str, Any]] = {}
    for line in sorted(lines, key=lambda line: line.output):
        # The artifact of a study that is no longer in the graph keeps its line until it is pruned.
        study = graph.study(line.output) if line.output in graph.rules else Path(line.output).parts[1]
        job = asdict(line)
        output = {name: job.pop(name) for name in OF_ONE_OUTPUT}
        started = job.pop("started")
        # Snakemake dates all outputs of a job alike when it ends, but notes their starts one after the other.
        job = jobs.setdefault((study, _text(job)), job | {"started": started, "outputs": []})
        job["started"] = min(job["started"], started)
        job["outputs"].append(output)
    texts: dict[str, str] = {}
    for (study, _), job in jobs.items():
        texts[study] = texts.get(study, "") + _text(job) + "\n"
    for path in RECORDS.glob("*.jsonl"):
        if path.stem not in texts:
            path.unlink()
    for study, text in texts.items():
        path = RECORDS / f"{study}.jsonl"
        if not path.is_file() or read_text(path) != text:
            write_text(path, text)


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
        return self._store._filter_incomplete_keys(outputs)

    def restore(self, line: Line) -> None:
        """Write the record that Snakemake would have written when it made the artifact."""
        self._write(
            line.output,
            rule=line.rule,
            input=[name for name, _ in line.inputs],
            params=sorted([repr(canonical(**line.settings)), repr(line.code)]),
            starttime=instant(line.started),
            endtime=Path(line.output).stat().st_mtime,
            input_checksums={name: f"sha256:{digest}" for name, digest in line.inputs},
        )

    def mark_stale(self, output: str) -> None:
        """Leave a record that differs from every job, so that the artifact is made again even if it has no inputs."""
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


# The four operations


def sync(graph: Graph, warn: Warn = print) -> None:
    """Make Snakemake's metadata and modification times tell what the lineage records tell; see the module's text.

    Args:
        graph: what the workflow can make.
        warn: called with one sentence for each thing that a user should know.
    """
    lines, metadata, hashes = read_records(warn), Metadata(), HashCache(STATE / "hashes.json")
    incomplete = metadata.incomplete(graph.rules)
    stale: dict[str, str] = {}
    outdated: dict[str, int] = {}
    raw: dict[str, float] = {}
    # Jobs of many outputs and inputs share their inputs; nothing changes content while this runs.
    digests: dict[str, str | None] = {}
    for output, rule in graph.rules.items():
        path = Path(output)
        if not path.is_file() or output in incomplete:
            continue
        line, record = lines.get(output), metadata.read(output)
        if record is not None and _finished(record, path) and _newer(record, line):
            inputs = [(name, digest.removeprefix("sha256:")) for name, digest in (record.input_checksums or {}).items()]
        elif line is not None and path.stat().st_size == line.size and hashes.of(output) == line.sha256:
            inputs = list(line.inputs)
            if line.code != graph.code[rule]:
                outdated[rule] = outdated.get(rule, 0) + 1
            if abs(path.stat().st_mtime - instant(line.ended)) > SAME_INSTANT:
                _set_time(path, instant(line.ended))
                hashes.remember(output, line.sha256)
            if not _finished(record, path):
                metadata.restore(line)
        else:
            stale[output] = "its bytes are not the recorded ones" if line else "no record says what made it"
            continue
        made = path.stat().st_mtime
        for name, digest in inputs:
            if name not in digests:
                digests[name] = hashes.of(name) if Path(name).is_file() else None
            # Snakemake sees an absent input by itself.
            if digests[name] not in (digest, None):
                stale[output] = f"its input {name} has changed"
                break
            if digests[name] and name not in graph.rules:
                raw[name] = min(raw.get(name, made), made)
    for name, before in raw.items():
        _keep_older(Path(name), before, hashes, warn)
    for output in stale:
        if not metadata.is_stale(output):
            metadata.mark_stale(output)
        _set_time(Path(output), 0.0)
    hashes.save()
    if stale:
        first = next(iter(stale))
        warn(f"{len(stale)} artifacts will be made again, among them {first}: {stale[first]}")
    if outdated:
        warn(
            f"{sum(outdated.values())} artifacts were made by older code and will be made again; "
            f"rules: {', '.join(sorted(outdated))}"
        )


def _newer(record: "MetadataRecord", line: Line | None) -> bool:
    return line is None or record.endtime - instant(line.ended) > SAME_INSTANT


def _set_time(path: Path, seconds: float) -> None:
    nanoseconds = round(seconds * 1e6) * 1000
    os.utime(path, ns=(nanoseconds, nanoseconds))


def _keep_older(path: Path, before: float, hashes: HashCache, warn: Warn) -> None:
    """Date an unchanged input from outside before what was made of it, where Snakemake goes by its date alone."""
    stat = path.stat()
    if stat.st_size <= COMPARED_BY_CONTENT or stat.st_mtime <= before:
        return
    digest = hashes.of(str(path))
    try:
        _set_time(path, before)
    except PermissionError:
        warn(f"{path} is unchanged but newer than what was made of it, and its date cannot be set: jobs may run again")
    else:
        hashes.remember(str(path), digest)


def distrust(outputs: Iterable[str]) -> None:
    """Mark what a failed job left (`--keep-incomplete`), which Snakemake records as if it had been finished."""
    metadata = Metadata()
    for output in outputs:
        if Path(output).is_file() and metadata.read(output) is not None:
            metadata.mark_stale(output)


def export(graph: Graph) -> None:
    """Write a line for every artifact that Snakemake finished and that nothing touched since."""
    write_records(present(graph).values(), graph)


def present(graph: Graph, warn: Warn = print) -> dict[str, Line]:
    """The records together with what Snakemake finished since they were written, as in the middle of a run."""
    lines, metadata, hashes = read_records(warn), Metadata(), HashCache(STATE / "hashes.json")
    incomplete = metadata.incomplete(graph.rules)
    for output, rule in graph.rules.items():
        path, record = Path(output), metadata.read(output)
        if output in incomplete or not path.is_file() or record is None or not _finished(record, path):
            continue
        line = lines.get(output)
        if line is None or abs(path.stat().st_mtime - instant(line.ended)) > SAME_INSTANT:
            lines[output] = _line(output, rule, record, hashes)
    hashes.save()
    return lines


def _line(output: str, rule: str, record: "MetadataRecord", hashes: HashCache) -> Line:
    checksums = record.input_checksums or {}
    texts = [ast.literal_eval(text) for text in record.params or []]
    (slice_,) = [json.loads(text) for text in texts if text.startswith("{")]
    (code,) = [text for text in texts if not text.startswith("{")]
    info = read_run_info(record.log or [])
    # Snakemake gives no checksum for inputs above its limit.
    inputs = [
        (name, checksums[name].removeprefix("sha256:") if name in checksums else hashes.of(name))
        for name in sorted(record.input or [])
    ]
    ended = Path(output).stat()
    return Line(
        output=output,
        sha256=hashes.of(output),
        size=ended.st_size,
        rule=rule,
        inputs=tuple(inputs),
        settings=slice_,
        code=code,
        started=iso(record.starttime or ended.st_mtime),
        ended=iso(ended.st_mtime),
        device=info.get("device"),
        software=info.get("software", {}),
    )


def prune(graph: Graph, warn: Warn = print) -> None:
    """Remove the artifacts that have a record but are no longer in the graph, and their records.

    A file that nobody recorded is left alone, and so is one that was edited since it was recorded.
    """
    lines, metadata, hashes = read_records(), Metadata(), HashCache(STATE / "hashes.json")
    gone = [line for output, line in lines.items() if output not in graph.rules]
    removed = 0
    for line in gone:
        path = Path(line.output)
        if path.is_file() and hashes.of(line.output) == line.sha256:
            path.unlink()
            removed += 1
            for folder in path.parents:
                if folder == Path("results") or any(folder.iterdir()):
                    break
                folder.rmdir()
        elif path.is_file():
            warn(f"{path} belongs to nothing any more but was edited: left alone")
        metadata.forget(line.output)
        del lines[line.output]
    if gone:
        write_records(lines.values(), graph)
        warn(f"{removed} artifacts that no parameter asks for any more are removed")


def _some(names: Iterable[str], most: int = 5) -> str:
    names = sorted(names)
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
