"""Put the adapter of the experimental model into the weights of its base: a checkpoint with neurons of its own."""

import json
from pathlib import Path

from taskneurons.engine.execution import Execution
from taskneurons.engine.merging import merge_adapter
from taskneurons.lineage.runinfo import run_info

settings = json.loads(snakemake.params.settings)
execution = Execution.granted(snakemake.resources.gpu, snakemake.threads, dtype=settings["dtype"])
run_info(snakemake.log[0], device=str(execution.device))
merge_adapter(
    Path(snakemake.input.base[0]).parent,
    Path(snakemake.input.adapter[0]).parent,
    Path(snakemake.output[0]).parent,
    execution,
    name=f"{settings['model']}-experimental",
)
