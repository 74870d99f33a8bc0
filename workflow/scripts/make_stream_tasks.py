"""Make some tasks of a stream suite: each task's description, its splits and its counts."""

import json
from pathlib import Path

from taskneurons.lineage.runinfo import run_info
from taskneurons.tasks.storage import write_task
from taskneurons.tasks.stream.suite import stream_suite

settings = json.loads(snakemake.params.settings)
run_info(snakemake.log[0])
folders = {Path(path).parent.name: Path(path).parent for path in snakemake.output}
for task, splits, counts in stream_suite(**settings):
    write_task(folders[task.name], task, splits, counts)
