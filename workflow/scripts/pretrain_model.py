"""Pre-train one model from scratch on its suite's text."""

import json
from pathlib import Path

from taskneurons.engine.models_study import pretrain_from_scratch
from taskneurons.lineage.runinfo import run_info
from taskneurons.models.device import granted_device

settings = json.loads(snakemake.params.settings)
device = granted_device(snakemake.resources.gpu, threads=snakemake.threads)
run_info(snakemake.log[0], device=str(device))
out = Path(snakemake.output.training).parent
pretrain_from_scratch(
    snakemake.input.corpus,
    Path(snakemake.input.tokenizer[0]).parent,
    out,
    name=settings["name"],
    model=settings["model"],
    seed=int(snakemake.wildcards.seed),
    device=device,
    resume=Path(".taskneurons/resume") / f"{out}.safetensors",
    checkpoint_minutes=snakemake.resources.checkpoint_minutes,
)
