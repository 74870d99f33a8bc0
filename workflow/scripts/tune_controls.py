"""Tune a base model on each of some tasks alone: the control models (Zhao et al. 2024)."""

import json
from pathlib import Path

from taskneurons.engine.layers_study import tune_controls
from taskneurons.lineage.runinfo import run_info
from taskneurons.models.device import granted_device

settings = json.loads(snakemake.params.settings)
device = granted_device(snakemake.resources.gpu, threads=snakemake.threads)
run_info(snakemake.log[0], device=str(device))
folders = {Path(path).parent.name: Path(path).parent for path in snakemake.input.tasks}
outs = {Path(path).parent.name: Path(path).parent for path in snakemake.output}
tune_controls(
    Path(snakemake.input.base[0]).parent,
    {task: folders[task] for task in settings["tasks"]},
    outs,
    tuning=settings["tuning"],
    schedule=settings["schedule"],
    seed=int(snakemake.wildcards.seed),
    device=device,
    dtype=settings["dtype"],
    resume=Path(".taskneurons/resume") / next(iter(outs.values())).parent,
    checkpoint_minutes=snakemake.resources.checkpoint_minutes,
)
