"""Put the adapter of the experimental model into the weights of its base: a checkpoint with neurons of its own."""

import json
from pathlib import Path

from taskneurons.engine.merging import merge_adapter
from taskneurons.lineage.runinfo import run_info
from taskneurons.models.device import granted_device

settings = json.loads(snakemake.params.settings)
device = granted_device(snakemake.resources.gpu, threads=snakemake.threads)
run_info(snakemake.log[0], device=str(device))
merge_adapter(
    Path(snakemake.input.base[0]).parent,
    Path(snakemake.input.adapter[0]).parent,
    Path(snakemake.output[0]).parent,
    name=f"{settings['model']}-experimental",
    device=device,
    dtype=settings["dtype"],
)
