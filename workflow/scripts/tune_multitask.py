"""Tune a base model on all tasks of its suite together."""

import json
from pathlib import Path

from taskneurons.engine.execution import Execution, Schedule
from taskneurons.engine.models_study import tune_on_tasks
from taskneurons.lineage.runinfo import run_info

settings = json.loads(snakemake.params.settings)
out = Path(snakemake.output.training).parent
folders = {Path(path).parent.name: Path(path).parent for path in snakemake.input.tasks}
execution = Execution.granted(
    snakemake.resources.gpu,
    snakemake.threads,
    dtype=settings["dtype"],
    resume=Path(".taskneurons/resume") / f"{out}.safetensors",
    checkpoint_minutes=snakemake.resources.checkpoint_minutes,
)
run_info(snakemake.log[0], device=str(execution.device))
tune_on_tasks(
    Path(snakemake.input.base[0]).parent,
    [folders[task] for task in settings["tasks"]],
    out,
    name=f"{settings['model']}-multitask",
    schedule=Schedule(**settings["multitask"], seed=int(snakemake.wildcards.seed)),
    execution=execution,
)
