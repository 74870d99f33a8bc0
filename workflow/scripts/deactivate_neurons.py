"""Deactivate the neuron sets of some tasks and evaluate (Leng & Xiong 2025, Tables 1 and 6, Figure 5 a-b)."""

import json
from pathlib import Path

from taskneurons.engine.deactivation_study import deactivate_tasks
from taskneurons.engine.evaluation import Evaluation
from taskneurons.engine.execution import Execution
from taskneurons.evidence.tidy import COLUMNS
from taskneurons.files import write_csv
from taskneurons.lineage.runinfo import run_info

settings = json.loads(snakemake.params.settings)
execution = Execution.granted(snakemake.resources.gpu, snakemake.threads, dtype=settings["dtype"])
run_info(snakemake.log[0], device=str(execution.device))
paths = {Path(path).stem: Path(path) for path in snakemake.output}
sets = {Path(path).stem: path for path in snakemake.input.sets}
scores = {Path(path).stem: path for path in snakemake.input.scores}
folders = {Path(path).parent.name: Path(path).parent for path in snakemake.input.tasks}
run = {"suite": settings["suite"], "model": settings["model"], "seed": int(snakemake.wildcards.seed)}
selection = settings["selection"]
key = {"percent": selection["percent"], "estimator": selection["estimator"], "selection": selection["within"]}
for task, rows in deactivate_tasks(
    Path(snakemake.input.checkpoint[0]).parent,
    [folders[task] for task in settings["test_tasks"]],
    {task: (sets[task], scores[task]) for task in settings["tasks"]},
    execution,
    **settings["deactivation"],
    evaluation=Evaluation(**settings["evaluation"]),
):
    write_csv(paths[task], [{"study": "deactivation", **run, **key, **row} for row in rows], COLUMNS)
