"""The chain of one artifact back to raw data, as plain data."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from taskneurons.errors import InputError
from taskneurons.lineage.graph import is_artifact
from taskneurons.lineage.record import Line, instant

Key = tuple[str, str, str]


@dataclass(frozen=True)
class Job:
    """One job of a chain: what ran, with what, when and on what.

    Args:
        rule: the rule that it ran.
        outputs: (path, SHA-256) of those artifacts of the job that the chain needs, sorted.
        inputs: (path, SHA-256) of everything that it read, sorted.
        settings: the parameters that it read.
        entry: the function that it called.
        code: fingerprint of all that this function reaches.
        started, ended: UTC, ISO 8601.
        device: what it was computed on, where the job said so.
        software: versions, where the job said so.
        parents: positions in the chain of the jobs that made its inputs, ascending.
    """

    rule: str
    outputs: tuple[tuple[str, str], ...]
    inputs: tuple[tuple[str, str], ...]
    settings: Mapping[str, Any]
    entry: str
    code: str
    started: str
    ended: str
    device: str | None
    software: Mapping[str, str]
    parents: tuple[int, ...]

    @property
    def seconds(self) -> float:
        """How long the job took."""
        return instant(self.ended) - instant(self.started)


@dataclass(frozen=True)
class Chain:
    """Everything that one artifact was made of.

    Args:
        target: path of the artifact.
        jobs: the job that made the target, then those that made what it is made of: each stands before its parents.
        raw: (path, SHA-256 when it was read) of the files from outside that the chain starts from, sorted.
        gaps: inputs below results/ of which no record says what made them, sorted; none in a sound chain.
    """

    target: str
    jobs: tuple[Job, ...]
    raw: tuple[tuple[str, str], ...]
    gaps: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The chain as JSON values; each job also says its `seconds`."""
        content = asdict(self)
        for job, plain in zip(self.jobs, content["jobs"], strict=True):
            plain["seconds"] = round(job.seconds, 3)
        return content


def chain(path: str, records: Mapping[str, Line]) -> Chain:
    """Follow an artifact through the records back to raw data.

    Args:
        path: an artifact, as the records name it: relative to the project's folder.
        records: lines by artifact, from `taskneurons.lineage.record.read_records`.

    Raises:
        InputError: no record says what made the artifact, or the records go round in a circle.
    """
    if path not in records:
        raise InputError("no record says what made it", where=path, remedy="Artifacts lie below results/")
    order = _ordered(path, records)
    position = {key: at for at, key in enumerate(order)}
    jobs = []
    raw: dict[tuple[str, str], None] = {}
    gaps: set[str] = set()
    for key, outputs in order.items():
        line = records[outputs[0]]
        raw.update(dict.fromkeys(item for item in line.inputs if not is_artifact(item[0])))
        gaps.update(name for name, _ in line.inputs if is_artifact(name) and name not in records)
        jobs.append(
            Job(
                rule=line.rule,
                outputs=tuple((output, records[output].sha256) for output in sorted(outputs)),
                inputs=line.inputs,
                settings=line.settings,
                entry=line.entry,
                code=line.code,
                started=line.started,
                ended=line.ended,
                device=line.device,
                software=line.software,
                parents=tuple(sorted({position[parent] for parent in _parents(line, records)} - {position[key]})),
            )
        )
    return Chain(target=path, jobs=tuple(jobs), raw=tuple(sorted(raw)), gaps=tuple(sorted(gaps)))


def job_of(line: Line) -> Key:
    """What tells jobs apart: the rule, its code and the instant at which it ended."""
    return line.rule, f"{line.code} {line.wiring}", line.ended


def _parents(line: Line, records: Mapping[str, Line]) -> Iterator[Key]:
    return (job_of(records[name]) for name, _ in line.inputs if name in records)


def _ordered(path: str, records: Mapping[str, Line]) -> dict[Key, list[str]]:
    """The jobs behind an artifact with the outputs that are needed of each, children first."""
    needed: dict[str, None] = {path: None}
    todo = [path]
    while todo:
        new = [name for name, _ in records[todo.pop()].inputs if name in records and name not in needed]
        needed.update(dict.fromkeys(new))
        todo.extend(new)
    outputs: dict[Key, list[str]] = {}
    for name in needed:
        outputs.setdefault(job_of(records[name]), []).append(name)
    # Sorted, so that equal records give equal chains.
    graph = {key: sorted(set(_parents(records[outputs[key][0]], records))) for key in sorted(outputs)}
    try:
        order = [*TopologicalSorter(graph).static_order()]
    except CycleError as error:
        rules = " <- ".join(rule for rule, *_ in error.args[1])
        raise InputError(f"the records go round in a circle: {rules}", where=path) from None
    return {key: outputs[key] for key in reversed(order)}
