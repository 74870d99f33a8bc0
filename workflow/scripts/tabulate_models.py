"""Gather the evaluations of every multi-task model into one tidy table."""

from taskneurons.evidence.tidy import COLUMNS, gather
from taskneurons.files import write_csv
from taskneurons.lineage.runinfo import run_info

run_info(snakemake.log[0])
write_csv(snakemake.output[0], gather(snakemake.input, "models"), COLUMNS)
