"""The command of a DVC stage: make one study, prove that nothing of it is left to do, and write its records.

It is the only way to `dvc.lock`: `dvc commit` would write whatever lies there as up to date.
"""

import os
import subprocess

from taskneurons.lineage import active, kept, record
from taskneurons.lineage.graph import Graph
from taskneurons.lineage.plan import planned_jobs, snakemake

PROFILE = "TASKNEURONS_PROFILE"


def run_stage(study: str) -> int:
    """Make what is left of a study with all cores; artifacts that nothing asks for any more are removed.

    The environment variable TASKNEURONS_PROFILE names another workflow profile, such as profiles/slurm.

    Returns:
        0, or the exit status of what failed.
    """
    if planned_jobs(study):
        profile = ["--workflow-profile", os.environ[PROFILE]] if PROFILE in os.environ else []
        done = subprocess.run(snakemake("--cores", "all", *profile, "--", study), check=False)
        if done.returncode:
            return done.returncode
        if left := planned_jobs(study):
            print(f"{study}: {left.total()} jobs are left after the run: {', '.join(sorted(left))}")
            return 1
    else:
        print(f"{study}: nothing is left to make")
    active.claim()
    graph = Graph.load()
    kept.prune(graph)
    record.export(graph)
    active.release()
    return 0
