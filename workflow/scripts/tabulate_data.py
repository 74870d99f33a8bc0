"""Gather what was read, kept and dropped of every task of every suite into one table."""

from pathlib import Path

from taskneurons.evidence.data import DATA_COLUMNS, data_table
from taskneurons.files import read_json, write_csv
from taskneurons.lineage.runinfo import run_info

run_info(snakemake.log[0])
counts = {(Path(path).parts[2], Path(path).parent.name): read_json(path) for path in snakemake.input}
write_csv(snakemake.output[0], data_table(counts), DATA_COLUMNS)
