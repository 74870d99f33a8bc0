"""Read some tasks of FLAN 2021: each task's description, its splits and the counts of what was dropped."""

import json
from pathlib import Path

from taskneurons.lineage.runinfo import run_info
from taskneurons.tasks.flan import flan_suite
from taskneurons.tasks.storage import write_task

settings = json.loads(snakemake.params.settings)
run_info(snakemake.log[0])
folders = {Path(path).parent.name: Path(path).parent for path in snakemake.output}
suite = {key: value for key, value in settings["suite"].items() if key not in ("source", "tasks", "corpus")}
for task, splits, counts in flan_suite(settings["tasks"], **suite):
    write_task(folders[task.name], task, splits, counts)
