"""Tune a base model on all tasks of its suite together."""

import json
from pathlib import Path

from taskneurons.engine.models_study import tune_on_tasks
from taskneurons.lineage.runinfo import run_info
from taskneurons.models.device import granted_device

settings = json.loads(snakemake.params.settings)
device = granted_device(snakemake.resources.gpu, threads=snakemake.threads)
run_info(snakemake.log[0], device=str(device))
out = Path(snakemake.output.training).parent
folders = {Path(path).parent.name: Path(path).parent for path in snakemake.input.tasks}
tune_on_tasks(
    Path(snakemake.input.base[0]).parent,
    [folders[task] for task in settings["tasks"]],
    out,
    name=f"{settings['model']}-multitask",
    multitask=settings["multitask"],
    seed=int(snakemake.wildcards.seed),
    device=device,
    dtype=settings["dtype"],
    resume=Path(".taskneurons/resume") / f"{out}.safetensors",
    checkpoint_minutes=snakemake.resources.checkpoint_minutes,
)
