"""Pre-train one model from scratch on its suite's text."""

import json
from pathlib import Path

from taskneurons.engine.execution import Execution
from taskneurons.engine.models_study import pretrain_from_scratch
from taskneurons.lineage.runinfo import run_info

settings = json.loads(snakemake.params.settings)
out = Path(snakemake.output.training).parent
execution = Execution.granted(
    snakemake.resources.gpu,
    snakemake.threads,
    resume=Path(".taskneurons/resume") / f"{out}.safetensors",
    checkpoint_minutes=snakemake.resources.checkpoint_minutes,
)
run_info(snakemake.log[0], device=str(execution.device))
pretrain_from_scratch(
    snakemake.input.corpus,
    Path(snakemake.input.tokenizer[0]).parent,
    out,
    name=settings["name"],
    model=settings["model"],
    seed=int(snakemake.wildcards.seed),
    execution=execution,
)
