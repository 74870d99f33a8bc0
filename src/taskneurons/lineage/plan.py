"""What Snakemake would run now."""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

from taskneurons.errors import InputError
from taskneurons.lineage.graph import GRAPH, Graph

DRY = ("-n", "--quiet", "rules", "host", "reason", "--")
"""The arguments of a dry run that prints how many jobs there are of each rule, before the targets."""
_ROW = re.compile(r"^(\S+) +(\d+)$")


def snakemake(*arguments: str) -> list[str]:
    """The command line of Snakemake under the Python that runs now."""
    return [sys.executable, "-m", "snakemake", *arguments]


def planned_jobs(*targets: str, folder: Path = Path()) -> Counter[str]:
    """Count the jobs that a run would do, by rule; targets themselves are not counted.

    Args:
        targets: studies or artifacts; none means everything.
        folder: the folder of the workflow.

    Raises:
        InputError: Snakemake cannot plan; the message is its own.
    """
    done = subprocess.run(
        snakemake(*DRY, *targets),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise InputError(f"Snakemake cannot plan: {(done.stdout + done.stderr).strip()}", where=str(folder))
    return jobs_in(done.stdout, Graph.load(folder / GRAPH))


def jobs_in(plan: str, graph: Graph) -> Counter[str]:
    """Count the jobs of what a dry run printed, by rule; targets themselves are not counted."""
    jobs: Counter[str] = Counter()
    # The table stands before and after the list of jobs.
    for text in plan.partition("Job stats:")[2].partition("Job stats:")[0].splitlines():
        if (row := _ROW.match(text)) and row[1] in graph.study_of:
            jobs[row[1]] = int(row[2])
    return jobs
