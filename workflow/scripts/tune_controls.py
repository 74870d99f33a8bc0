"""Tune a base model on each of some tasks alone: the control models (Zhao et al. 2024)."""

import json
from pathlib import Path

from taskneurons.engine.execution import Execution, Schedule
from taskneurons.engine.layers_study import adapter_form, tune_controls
from taskneurons.lineage.runinfo import run_info

settings = json.loads(snakemake.params.settings)
folders = {Path(path).parent.name: Path(path).parent for path in snakemake.input.tasks}
outs = {Path(path).parent.name: Path(path).parent for path in snakemake.output}
execution = Execution.granted(
    snakemake.resources.gpu,
    snakemake.threads,
    dtype=settings["dtype"],
    resume=Path(".taskneurons/resume") / next(iter(outs.values())).parent,
    checkpoint_minutes=snakemake.resources.checkpoint_minutes,
)
run_info(snakemake.log[0], device=str(execution.device))
tune_controls(
    Path(snakemake.input.base[0]).parent,
    {task: folders[task] for task in settings["tasks"]},
    outs,
    Schedule(**settings["schedule"], seed=int(snakemake.wildcards.seed)),
    execution,
    lora=adapter_form(settings["tuning"]),
)
