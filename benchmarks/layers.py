"""What the layers study costs: the CPU time of its jobs, and of those that make the models and neurons it stands on.

    python -m benchmarks.layers --check                the run in this folder
    python -m benchmarks.layers --root FOLDER          a run somewhere else

Counted are the jobs of the study, and the jobs of the suites that it has jobs for: their data, tokenizers,
models, scores and sets. The CPU time of a job is what Snakemake wrote to logs/benchmarks (see `benchmarks.workflow`).
"""

import sys
from collections import defaultdict
from pathlib import Path

from benchmarks.measure import Bar, conclude, options, print_table
from taskneurons.errors import InputError
from taskneurons.files import read_text

CORES, MOST_MINUTES = 2, 7.0
STUDY = "layers"


def costs(root: Path) -> dict[tuple[str, str], tuple[int, float, float]]:
    """(study, verb and noun of the rule) -> jobs, CPU seconds, wall seconds.

    Raises:
        InputError: no job of the study ended.
    """
    folder = root / "logs" / "benchmarks"
    suites = {path.name for path in (folder / STUDY).glob("*/")}
    if not suites:
        raise InputError("no job of the study ended", where=str(folder), remedy="Make it first: snakemake layers")
    found: dict[tuple[str, str], tuple[int, float, float]] = defaultdict(lambda: (0, 0.0, 0.0))
    for path in sorted(folder.rglob("*.tsv")):
        study, *places = path.relative_to(folder).parts
        if study != STUDY and places[0] not in suites:
            continue
        names, values = (line.split("\t") for line in read_text(path).splitlines()[:2])
        cells = dict(zip(names, values, strict=True))
        # A job that ended before the first sample has no figure.
        cpu = 0.0 if cells["cpu_time"] in ("NA", "-") else float(cells["cpu_time"])
        key = (study, "_".join(path.stem.split("_")[:2]))
        jobs, seconds, wall = found[key]
        found[key] = (jobs + 1, seconds + cpu, wall + float(cells["s"]))
    return dict(found)


def main(arguments: list[str] | None = None) -> int:
    """Add up, print, compare with the bar."""
    parser = options(__doc__)
    parser.add_argument("--root", type=Path, default=Path(), help="folder of the run (this one)")
    chosen = parser.parse_args(arguments)
    found = costs(chosen.root.resolve())
    rows = [(study, kind, *cells) for (study, kind), cells in found.items()]
    print_table(["study", "jobs that", "jobs", "CPU s", "wall s"], rows)
    total = sum(cpu for _, cpu, _ in found.values())
    own = sum(cpu for (study, _), (_, cpu, _) in found.items() if study == STUDY)
    print_table(["CPU s", ""], [("the study's own jobs", own), ("with data, models and neurons of its suites", total)])
    bar = Bar(f"CPU minutes / {CORES} cores", total / 60 / CORES, MOST_MINUTES)
    columns = ("study", "kind", "jobs", "cpu_seconds", "wall_seconds")
    measurements = {
        "rules": [dict(zip(columns, row, strict=True)) for row in rows],
        "cpu_seconds": total,
        "cpu_seconds_of_study": own,
    }
    return conclude([bar], measurements, chosen)


if __name__ == "__main__":
    sys.exit(main())
