"""Where the CPU time of a run goes: the jobs by study and rule, the start-up of their processes, the scheduling.

    python -m benchmarks.workflow --check                      a run that was made before
    python -m benchmarks.workflow --make deactivation --check  make it now, and measure Snakemake itself too

The CPU time of a job is what Snakemake wrote to logs/benchmarks. It samples a job twice a second for the first quarter
of a minute, then each half minute; what a job does after its last sample is missing, so that the share of the start-up
comes out too high rather than too low. The start-up of a job is measured here and now, in fresh processes: Python, what
Snakemake puts before each script, and the imports at the head of the script.
"""

import ast
import os
import resource
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.measure import Bar, conclude, options, print_table, process_seconds, versions
from taskneurons.errors import InputError
from taskneurons.files import read_jsonl, read_text

MOST_SHARE = 0.25
MOST_LIGHT_START = 2.0
MOST_HELP = 0.2
# The jobs that make tables and figures, by the verb of their script.
LIGHT_VERBS = ("tabulate", "summarise", "plot")
COLUMNS = ("study", "rule", "jobs", "cpu_seconds", "wall_seconds", "start_seconds_each", "start_seconds")
PREAMBLE = "import pickle; from snakemake.logging import logger; from snakemake.iocontainers import Snakemake"


@dataclass(frozen=True)
class Job:
    """One finished job, as Snakemake's benchmark file has it.

    Attributes:
        study: the study it belongs to.
        kind: verb and noun, with which the names of its rule and of its benchmark file begin.
        cpu: CPU seconds up to Snakemake's last sample.
        wall: seconds from begin to end.
    """

    study: str
    kind: str
    cpu: float
    wall: float


def read_jobs(root: Path, *, since: float = 0.0) -> list[Job]:
    """The jobs of a run that ended after `since` (seconds since the epoch).

    Raises:
        InputError: there are none.
    """
    folder = root / "logs" / "benchmarks"
    jobs = []
    for path in sorted(folder.rglob("*.tsv")):
        if path.stat().st_mtime < since:
            continue
        names, values = (line.split("\t") for line in read_text(path).splitlines()[:2])
        found = dict(zip(names, values, strict=True))
        # A job that ended before the first sample has no figure.
        cpu = 0.0 if found["cpu_time"] in ("NA", "-") else float(found["cpu_time"])
        jobs.append(Job(path.relative_to(folder).parts[0], _kind(path.stem), cpu, float(found["s"])))
    if not jobs:
        raise InputError("no job ended", where=str(folder), remedy="Make results first: snakemake --cores all")
    return jobs


def read_scripts(root: Path) -> dict[str, str]:
    """The script of each kind of job: the one of its name, else that of the kind which ran the same code.

    Raises:
        InputError: no script is known for a kind.
    """
    names = {path.stem for path in (root / "workflow" / "scripts").glob("*.py")}
    code_of = {
        _kind(record["rule"]): record["code"]
        for path in sorted((root / "lineage").glob("*.jsonl"))
        for record in read_jsonl(path)
    }
    script_of = {code: kind for kind, code in code_of.items() if kind in names}
    if unknown := [kind for kind, code in code_of.items() if code not in script_of]:
        raise InputError(f"the scripts of {unknown} are not known", where=str(root / "lineage"))
    return {kind: script_of[code] for kind, code in code_of.items()}


def _kind(name: str) -> str:
    """`plot_drops` of `plot_drops_synthetic_llama`: a rule is named by a verb and a noun."""
    return "_".join(name.split("_")[:2])


def start_seconds(root: Path, script: str, repeats: int) -> float:
    """CPU seconds until the first line of a script that is no import."""
    tree = ast.parse(read_text(root / "workflow" / "scripts" / f"{script}.py"))
    imports = [ast.unparse(node) for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    return process_seconds([sys.executable, "-c", "\n".join([PREAMBLE, *imports])], cwd=root, repeats=repeats)


def make(root: Path, targets: Sequence[str], cores: int) -> tuple[float, float]:
    """Run Snakemake; CPU seconds of it and all its jobs, and of its main process alone.

    Raises:
        InputError: it fails.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = psutil.Popen(
        [sys.executable, "-m", "snakemake", "--cores", str(cores), "--quiet", "all", "--", *targets], cwd=root
    )
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
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, own


def main(arguments: list[str] | None = None) -> int:
    """Measure, print tables, write JSON, compare with the bars."""
    parser = options(__doc__)
    parser.set_defaults(repeats=3)
    parser.add_argument("--root", type=Path, default=Path(), help="folder of the run (this one)")
    parser.add_argument("--make", nargs="*", metavar="TARGET", help="run Snakemake first, for these targets or for all")
    parser.add_argument("--cores", type=int, default=2, help="of --make (2)")
    chosen = parser.parse_args(arguments)
    root = chosen.root.resolve()
    # Of this run's own code, which need not be that of the installed package.
    os.environ["PYTHONPATH"] = str(root / "src")

    total = scheduling = None
    since = 0.0
    if chosen.make is not None:
        since = time.time()
        total, scheduling = make(root, chosen.make, chosen.cores)
    jobs, scripts = read_jobs(root, since=since), read_scripts(root)
    starts = {script: start_seconds(root, script, chosen.repeats) for script in sorted(set(scripts.values()))}
    help_seconds = process_seconds(
        [sys.executable, "-c", "import sys; from taskneurons.cli import main; sys.exit(main(['--help']))"],
        cwd=root,
        repeats=chosen.repeats,
    )

    rows = []
    for (study, kind), count in sorted(Counter((job.study, job.kind) for job in jobs).items()):
        of_kind = [job for job in jobs if (job.study, job.kind) == (study, kind)]
        start = starts[scripts[kind]]
        cpu, wall = sum(job.cpu for job in of_kind), sum(job.wall for job in of_kind)
        rows.append((study, kind, count, cpu, wall, start, count * start))
    print_table(COLUMNS, rows)
    of_jobs, of_starts = sum(job.cpu for job in jobs), sum(starts[scripts[job.kind]] for job in jobs)
    light = {script: start for script, start in starts.items() if script.startswith(LIGHT_VERBS)}
    print_table(
        ["CPU seconds", ""],
        [
            ("whole run", total),
            ("jobs, as sampled", of_jobs),
            ("start-up of the jobs", of_starts),
            ("Snakemake's main process", scheduling),
        ],
    )
    if total is None or scheduling is None:
        share = Bar("start-up, without scheduling / CPU time of the jobs", of_starts / of_jobs, MOST_SHARE)
    else:
        share = Bar("start-up and scheduling / CPU time", (of_starts + scheduling) / total, MOST_SHARE)
    bars = [
        share,
        Bar(
            f"start-up of a table or figure job ({max(light, key=light.__getitem__)}), s",
            max(light.values()),
            MOST_LIGHT_START,
        ),
        Bar("taskneurons --help, s", help_seconds, MOST_HELP),
    ]
    measurements = {
        "rules": [dict(zip(COLUMNS, row, strict=True)) for row in rows],
        "cpu_seconds": total,
        "cpu_seconds_of_jobs": of_jobs,
        "cpu_seconds_of_starts": of_starts,
        "cpu_seconds_of_scheduling": scheduling,
        "starts": starts,
        "software": versions("snakemake", "torch", "transformers"),
    }
    return conclude(bars, measurements, chosen)


if __name__ == "__main__":
    sys.exit(main())
