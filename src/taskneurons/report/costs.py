"""What a run cost: time and memory by kind of rule, from Snakemake's benchmark files or from the lineage records."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from taskneurons.errors import InputError
from taskneurons.evidence.study import Study
from taskneurons.files import read_text
from taskneurons.report.provenance import Record, jobs, kind_of

COST_COLUMNS = ("study", "rule", "jobs", "seconds", "longest", "cpu_seconds", "memory_mb")


def costs(benchmarks: Iterable[Path], records: Iterable[Record], studies: Sequence[Study]) -> list[dict[str, Any]]:
    """One row a kind of rule, the dearest first.

    `seconds` is the sum over jobs of wall-clock time and `longest` that of the slowest job; `cpu_seconds` and
    `memory_mb` (the largest resident set, MB) are None where only the records speak.

    Args:
        benchmarks: files below `logs/benchmarks/<study>/`.
        records: lineage lines, for rules that left no benchmark.
        studies: by which a record's artifact is said to belong to one.
    """
    rows: dict[str, dict[str, Any]] = {}
    for path in benchmarks:
        for measured in _measured(path):
            study = path.parts[path.parts.index("benchmarks") + 1]
            row = rows.setdefault(kind_of(path.stem), _empty(study, kind_of(path.stem)))
            row["jobs"] += 1
            row["seconds"] += measured["s"]
            row["longest"] = max(row["longest"], measured["s"])
            row["cpu_seconds"] = (row["cpu_seconds"] or 0.0) + measured.get("cpu_time", 0.0)
            row["memory_mb"] = max(row["memory_mb"] or 0.0, measured.get("max_rss", 0.0))
    recorded: dict[str, dict[str, Any]] = {}
    for job in jobs(records, studies):
        if job.kind not in rows:
            row = recorded.setdefault(job.kind, _empty(job.study, job.kind))
            row["jobs"] += 1
            row["seconds"] += job.seconds
            row["longest"] = max(row["longest"], job.seconds)
    return sorted([*rows.values(), *recorded.values()], key=lambda row: (-row["seconds"], row["rule"]))


def _empty(study: str, kind: str) -> dict[str, Any]:
    return dict(zip(COST_COLUMNS, (study, kind, 0, 0.0, 0.0, None, None), strict=True))


def _measured(path: Path) -> list[dict[str, float]]:
    """The lines of a benchmark file that hold a time; Snakemake writes `-` or NA where it could not measure."""
    try:
        head, *lines = [text.split("\t") for text in read_text(path).splitlines()]
    except (InputError, ValueError):
        return []
    rows = []
    for line in lines:
        row = {}
        for name, text in zip(head, line, strict=False):
            try:
                row[name] = float(text)
            except ValueError:
                continue
        if "s" in row:
            rows.append({name: value for name, value in row.items() if value == value})
    return rows
