"""Make some tasks of one suite: each task's description, its splits and the counts of what was dropped."""

import json
from pathlib import Path

from taskneurons.lineage.runinfo import run_info
from taskneurons.tasks.sources import make_tasks
from taskneurons.tasks.storage import write_task

settings = json.loads(snakemake.params.settings)
run_info(snakemake.log[0])
folders = {Path(path).parent.name: Path(path).parent for path in snakemake.output}
for task, splits, counts in make_tasks(settings["suite"], settings["tasks"]):
    write_task(folders[task.name], task, splits, counts)
