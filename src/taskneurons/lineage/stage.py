"""The command of a DVC stage: make one study, prove that nothing of it is left to do, and write its records.

It is the only way to `dvc.lock`: `dvc commit` would write whatever lies there as up to date.
"""

import os
import subprocess
import sys

from taskneurons.lineage import active, kept, record
from taskneurons.lineage.graph import Graph
from taskneurons.lineage.plan import planned_jobs, snakemake

PROFILE = "TASKNEURONS_PROFILE"
NOTHING = "Nothing to be done (all requested files are present and up to date)."


def run_stage(study: str) -> int:
    """Make a study with all cores; artifacts that nothing asks for any more are removed.

    The environment variable TASKNEURONS_PROFILE names another workflow profile, such as profiles/slurm.

    Returns:
        0, or the exit status of what failed.
    """
    profile = ["--workflow-profile", os.environ[PROFILE]] if PROFILE in os.environ else []
    status, nothing = _run(snakemake("--cores", "all", *profile, "--", study))
    if status:
        return status
    # Snakemake has just read everything where it says that there is nothing to do.
    if not nothing and (left := planned_jobs(study)):
        print(f"{study}: {left.total()} jobs are left after the run: {', '.join(sorted(left))}")
        return 1
    active.claim()
    graph = Graph.load()
    kept.prune(graph)
    record.export(graph)
    active.release()
    return 0


def _run(command: list[str]) -> tuple[int, bool]:
    """Run Snakemake and pass on what it says; its status, and whether it said that there is nothing to do."""
    nothing = False
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as run:
        assert run.stderr is not None
        for line in run.stderr:
            nothing |= line.strip() == NOTHING
            print(line, end="", file=sys.stderr, flush=True)
    return run.returncode, nothing
