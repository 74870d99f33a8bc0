"""Tune a base model on many tasks together: the held-out model, and with LoRA the experimental one."""

import json
from pathlib import Path

from taskneurons.engine.layers_study import tune_generalists
from taskneurons.lineage.runinfo import run_info
from taskneurons.models.device import granted_device

settings = json.loads(snakemake.params.settings)
device = granted_device(snakemake.resources.gpu, threads=snakemake.threads)
run_info(snakemake.log[0], device=str(device))
folders = {Path(path).parent.name: Path(path).parent for path in snakemake.input.tasks}
outs = {Path(path).parent.name: Path(path).parent for path in snakemake.output}
tune_generalists(
    Path(snakemake.input.base[0]).parent,
    {task: folders[task] for task in settings["tasks"]},
    outs,
    held_out=settings["held_out"],
    tuning=settings["tuning"],
    schedule=settings["schedule"],
    seed=int(snakemake.wildcards.seed),
    device=device,
    dtype=settings["dtype"],
    resume=Path(".taskneurons/resume") / next(iter(outs.values())).parent,
    checkpoint_minutes=snakemake.resources.checkpoint_minutes,
)
