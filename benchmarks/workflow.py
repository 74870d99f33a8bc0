"""What the workflow itself costs beside its jobs: Snakemake's main process, the start-up of processes.

    python -m benchmarks.workflow --make deactivation --check  make it now, and measure Snakemake itself too
    python -m benchmarks.workflow --check                      start-up alone, beside a run that was made before

The CPU time of the jobs is what their records say; `taskneurons results` and the report sum it by study.
"""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from benchmarks.measure import Bar, conclude, options, print_table, process_seconds, versions
from taskneurons.errors import InputError
from taskneurons.files import read_jsonl

MOST_SHARE = 0.15
MOST_LIGHT_START = 0.8
MOST_HELP = 0.2
STARTS = {
    "table job": "import taskneurons.studies.training.tables",
    "figure job": "import taskneurons.studies.training.figures",
}


def jobs_seconds(root: Path) -> float:
    """CPU seconds of all jobs that the lineage records know.

    Raises:
        InputError: they know none.
    """
    records = [record for path in sorted((root / "lineage").glob("*.jsonl")) for record in read_jsonl(path)]
    seconds = {(record["rule"], record["started"]): record.get("cpu_seconds") or 0.0 for record in records}
    if not sum(seconds.values()):
        raise InputError("no job said its CPU time", where=str(root / "lineage"), remedy="Run `taskneurons results`")
    return sum(seconds.values())


def make(root: Path, targets: Sequence[str], cores: int) -> float:
    """Run Snakemake; CPU seconds of its main process.

    Raises:
        InputError: it fails.
    """
    command = [sys.executable, "-m", "snakemake", "--cores", str(cores), "--quiet", "all", "--", *targets]
    process = psutil.Popen(command, cwd=root)
    own = 0.0
    while process.poll() is None:
        try:
            spent = process.cpu_times()
            own = max(own, spent.user + spent.system)
        except psutil.NoSuchProcess:
            pass
        time.sleep(0.2)
    if process.returncode:
        raise InputError(f"snakemake ended with status {process.returncode}", where=str(root))
    return own


def plan_seconds(root: Path) -> float:
    """CPU seconds of `snakemake --dry-run` with its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--dry-run", "--quiet", "all"]
    subprocess.run(command, cwd=root, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(arguments: list[str] | None = None) -> int:
    """Measure, print tables, write JSON, compare with the bars."""
    parser = options(__doc__, repeats=3)
    parser.add_argument("--root", type=Path, default=Path(), help="folder of the run (this one)")
    parser.add_argument("--make", nargs="*", metavar="TARGET", help="run Snakemake first, for these targets or for all")
    parser.add_argument("--cores", type=int, default=2, help="of --make (2)")
    chosen = parser.parse_args(arguments)
    root = chosen.root.resolve()
    # Of this run's own code, which need not be that of the installed package.
    os.environ["PYTHONPATH"] = str(root / "src")

    scheduling = planning = None
    if chosen.make is not None:
        scheduling, planning = make(root, chosen.make, chosen.cores), plan_seconds(root)
    of_jobs = jobs_seconds(root)
    starts = {
        name: process_seconds([sys.executable, "-c", code], cwd=root, repeats=chosen.repeats)
        for name, code in STARTS.items()
    }
    asks = "import sys; from taskneurons.cli import main; sys.exit(main(['--help']))"
    helping = process_seconds([sys.executable, "-c", asks], cwd=root, repeats=chosen.repeats)
    figures = {
        "jobs, as recorded": of_jobs,
        "Snakemake's main process": scheduling,
        "snakemake --dry-run": planning,
        **{f"start-up of a {name}": seconds for name, seconds in starts.items()},
        "taskneurons --help": helping,
    }
    print_table(["CPU seconds", ""], list(figures.items()))
    bars = [Bar(f"start-up of a {name}, s", seconds, MOST_LIGHT_START) for name, seconds in starts.items()] + [
        Bar("taskneurons --help, s", helping, MOST_HELP)
    ]
    if scheduling is not None:
        bars.append(Bar("Snakemake's main process / CPU time of the jobs", scheduling / of_jobs, MOST_SHARE))
    measurements = {"cpu_seconds": figures, "software": versions("snakemake", "torch", "transformers")}
    return conclude(bars, measurements, chosen)


if __name__ == "__main__":
    sys.exit(main())
