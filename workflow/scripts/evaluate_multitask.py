"""Evaluate a multi-task model on the test split of some of its tasks."""

import json
from pathlib import Path

from taskneurons.engine.evaluation_study import evaluate_tasks
from taskneurons.evidence.tidy import COLUMNS
from taskneurons.files import write_csv
from taskneurons.lineage.runinfo import run_info
from taskneurons.models.device import granted_device

settings = json.loads(snakemake.params.settings)
device = granted_device(snakemake.resources.gpu, threads=snakemake.threads)
run_info(snakemake.log[0], device=str(device))
paths = {Path(path).stem: Path(path) for path in snakemake.output}
folders = {Path(path).parent.name: Path(path).parent for path in snakemake.input.tasks}
run = {"suite": settings["suite"], "model": settings["model"], "seed": int(snakemake.wildcards.seed)}
for task, rows in evaluate_tasks(
    Path(snakemake.input.checkpoint[0]).parent,
    [folders[task] for task in settings["tasks"]],
    **settings["evaluation"],
    device=device,
    dtype=settings["dtype"],
):
    write_csv(paths[task], [{"study": "models", **run, **row} for row in rows], COLUMNS)
