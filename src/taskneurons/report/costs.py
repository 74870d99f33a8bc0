"""What the results cost: time and memory by kind of rule and by study, from the lineage records of their jobs."""

from collections.abc import Iterable, Sequence
from typing import Any

from taskneurons.evidence.study import Study
from taskneurons.report.provenance import Job, Record, jobs

COST_COLUMNS = ("study", "rule", "jobs", "seconds", "longest", "cpu_seconds", "memory_mb")


def costs(records: Iterable[Record], studies: Sequence[Study]) -> list[dict[str, Any]]:
    """One row a kind of rule, the dearest first.

    `seconds` is the sum over jobs of wall-clock time and `longest` that of the slowest job; `cpu_seconds` is the sum of
    CPU time and `memory_mb` the most host memory that one job held (MB). The last two are None where no job says it.

    Args:
        records: lineage lines.
        studies: by which a record's artifact is said to belong to one.
    """
    kinds: dict[str, list[Job]] = {}
    for job in jobs(records, studies):
        kinds.setdefault(job.kind, []).append(job)
    rows = [_row(members[0].study, kind, members) for kind, members in kinds.items()]
    return sorted(rows, key=lambda row: (-row["seconds"], row["rule"]))


def costs_by_study(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of `costs` summed by study, the dearest first; without what cannot be summed."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        study = found.setdefault(row["study"], {"study": row["study"], "jobs": 0, "seconds": 0.0, "cpu_seconds": None})
        study["jobs"] += row["jobs"]
        study["seconds"] += row["seconds"]
        if row["cpu_seconds"] is not None:
            study["cpu_seconds"] = (study["cpu_seconds"] or 0.0) + row["cpu_seconds"]
    return sorted(found.values(), key=lambda row: (-(row["cpu_seconds"] or 0.0), -row["seconds"], row["study"]))


def _row(study: str, kind: str, members: Sequence[Job]) -> dict[str, Any]:
    seconds = [job.seconds for job in members]
    cpu = [job.cpu_seconds for job in members if job.cpu_seconds is not None]
    memory = [job.memory_mb for job in members if job.memory_mb is not None]
    values = (
        study,
        kind,
        len(members),
        sum(seconds),
        max(seconds),
        sum(cpu) if cpu else None,
        max(memory) if memory else None,
    )
    return dict(zip(COST_COLUMNS, values, strict=True))
