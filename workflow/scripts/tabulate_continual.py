"""Gather the rows of all streams of tasks, and what was tried on the development order."""

from taskneurons.evidence.continual import gather_streams
from taskneurons.evidence.continual_rates import RATE_COLUMNS, rate_table
from taskneurons.evidence.stream_rows import COLUMNS
from taskneurons.files import write_csv
from taskneurons.lineage.runinfo import run_info

run_info(snakemake.log[0])
write_csv(snakemake.output.rows, gather_streams(snakemake.input.rows), COLUMNS)
write_csv(snakemake.output.rates, rate_table(snakemake.input.rates), RATE_COLUMNS)
