"""The lineage records in the form that the page walks: jobs, their artifacts, and the kinds of rules between them.

Records come as plain mappings with the fields of a lineage line: output, sha256, size, rule, inputs, settings, code,
started, ended, device, software; where the job said it, cpu_seconds and memory.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from taskneurons.evidence.study import Study, study_of

Record = Mapping[str, Any]


def kind_of(rule: str) -> str:
    """The kind of a rule or of a benchmark file: its verb and noun, without suite, model and batch."""
    return "_".join(rule.replace("-", "_").split("_")[:2])


@dataclass(frozen=True)
class Job:
    """One run of a rule.

    Attributes:
        rule, kind, study: of the rule; the study is that of its first artifact.
        seconds: wall-clock time from start to end.
        outputs: how many artifacts it made.
        cpu_seconds: CPU time; None where the record does not say.
        memory_mb: the most host memory that it held (MB); None where the record does not say.
    """

    rule: str
    kind: str
    study: str
    seconds: float
    outputs: int
    cpu_seconds: float | None
    memory_mb: float | None


def jobs(records: Iterable[Record], studies: Sequence[Study]) -> list[Job]:
    """The jobs that made the recorded artifacts: those of one rule with the same inputs, parameters and end."""
    groups: dict[Any, list[Record]] = {}
    for record in records:
        groups.setdefault(_key(record), []).append(record)
    return [
        Job(
            members[0]["rule"],
            kind_of(members[0]["rule"]),
            study_of(members[0]["output"], studies),
            max(0.0, _time(members[0]["ended"]) - min(_time(one["started"]) for one in members)),
            len(members),
            members[0].get("cpu_seconds"),
            _megabytes(members[0].get("memory")),
        )
        for members in groups.values()
    ]


def walked(records: Sequence[Record], times: bool) -> dict[str, Any]:
    """All records as one JSON value without repetition.

    `artifacts` are [path, SHA-256, job or -1 for what comes from outside]; `jobs` name their inputs by place in it.

    Args:
        records: of all artifacts.
        times: whether jobs say when they ran.
    """
    places: dict[str, int] = {}
    artifacts: list[list[Any]] = []

    def place(path: str, digest: str) -> int:
        if path not in places:
            places[path] = len(artifacts)
            artifacts.append([path, digest, -1])
        return places[path]

    numbers: dict[Any, int] = {}
    software: list[Any] = []
    found: list[dict[str, Any]] = []
    for record in sorted(records, key=lambda record: record["output"]):
        own = place(record["output"], record["sha256"])
        key = _key(record)
        if key not in numbers:
            numbers[key] = len(found)
            versions = dict(record["software"] or {})
            if versions not in software:
                software.append(versions)
            found.append(
                {
                    "rule": record["rule"],
                    "kind": kind_of(record["rule"]),
                    "settings": record["settings"],
                    "code": record["code"],
                    "device": record["device"],
                    "software": software.index(versions),
                    "inputs": [(name, digest) for name, digest in record["inputs"]],
                    **({name: record[name] for name in ("started", "ended")} if times else {}),
                }
            )
        artifacts[own] = [record["output"], record["sha256"], numbers[key]]
    for job in found:
        job["inputs"] = [place(name, digest) for name, digest in job["inputs"]]
    return {"artifacts": artifacts, "jobs": found, "software": software}


def kinds_graph(records: Iterable[Record], studies: Sequence[Study]) -> tuple[dict[str, str], set[tuple[str, str]]]:
    """Kinds of rules with their study, and which kind reads what which other made; outside files are kind `input`."""
    records = list(records)
    made = {record["output"]: kind_of(record["rule"]) for record in records}
    kinds: dict[str, str] = {}
    for record in sorted(records, key=lambda record: record["output"]):
        kinds.setdefault(kind_of(record["rule"]), study_of(record["output"], studies))
    edges: set[tuple[str, str]] = set()
    seen: set[Any] = set()
    for record in records:
        reader = kind_of(record["rule"])
        key = reader, tuple(name for name, _ in record["inputs"])
        if key in seen:
            continue
        seen.add(key)
        edges |= {(made[name], reader) for name, _ in record["inputs"] if name in made and made[name] != reader}
    return kinds, edges


def _key(record: Record) -> Any:
    return record["rule"], record["code"], record["ended"], tuple(map(tuple, record["inputs"]))


def _megabytes(memory: Mapping[str, int] | None) -> float | None:
    return memory["host"] / 1e6 if memory and "host" in memory else None


def _time(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
