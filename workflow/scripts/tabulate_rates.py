"""Gather the learning rates that were tried for every arm of the studies that train neurons."""

import json

from taskneurons.evidence.rates import RATE_COLUMNS, rate_table
from taskneurons.files import write_csv
from taskneurons.lineage.runinfo import run_info

settings = json.loads(snakemake.params.settings)
run_info(snakemake.log[0])
files = zip(settings["of"], snakemake.input, strict=True)
write_csv(snakemake.output[0], rate_table(files), RATE_COLUMNS)
