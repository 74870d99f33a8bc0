"""Gather what the trained models of a study score into one tidy table."""

import json

from taskneurons.evidence.tuned import COLUMNS, gather_tuned
from taskneurons.files import write_csv
from taskneurons.lineage.runinfo import run_info

settings = json.loads(snakemake.params.settings)
run_info(snakemake.log[0])
write_csv(snakemake.output[0], gather_tuned(snakemake.input, settings["study"]), COLUMNS)
