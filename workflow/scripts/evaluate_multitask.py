"""Evaluate a multi-task model on the test split of some of its tasks."""

import json
from dataclasses import asdict
from pathlib import Path

from taskneurons.engine.evaluation import Evaluation
from taskneurons.engine.evaluation_study import evaluate_tasks
from taskneurons.engine.execution import Execution
from taskneurons.evidence.tidy import COLUMNS
from taskneurons.files import write_csv
from taskneurons.lineage.runinfo import run_info

settings = json.loads(snakemake.params.settings)
execution = Execution.granted(snakemake.resources.gpu, snakemake.threads, dtype=settings["dtype"])
run_info(snakemake.log[0], device=str(execution.device))
paths = {Path(path).stem: Path(path) for path in snakemake.output}
folders = {Path(path).parent.name: Path(path).parent for path in snakemake.input.tasks}
run = {"suite": settings["suite"], "model": settings["model"], "seed": int(snakemake.wildcards.seed)}
for task, scores in evaluate_tasks(
    Path(snakemake.input.checkpoint[0]).parent,
    [folders[task] for task in settings["tasks"]],
    Evaluation(**settings["evaluation"]),
    execution,
):
    facts = {"study": "models", **run, "condition": "original"}
    write_csv(paths[task], [{**facts, **asdict(score)} for score in scores], COLUMNS)
