"""Measures of every stream, ranks of the methods over orders, and our values beside those of Table 5."""

import json
from pathlib import Path

from taskneurons.evidence.continual import read_streams, sequences
from taskneurons.evidence.continual_published import PUBLISHED_COLUMNS, published_streams
from taskneurons.evidence.continual_summary import (
    METHOD_COLUMNS,
    SUMMARY_COLUMNS,
    summarise_methods,
    summarise_streams,
)
from taskneurons.evidence.data import described_tasks
from taskneurons.evidence.published import read_published
from taskneurons.files import write_csv
from taskneurons.lineage.runinfo import run_info

settings = json.loads(snakemake.params.settings)
run_info(snakemake.log[0])
rows = read_streams(snakemake.input.rows)
folder = Path(snakemake.input.published[0]).parent
published = {table: read_published(folder, table) for table in ("T5", "T14")}
summary = summarise_streams(rows, settings["benchmarks"])
write_csv(snakemake.output.summary, summary, SUMMARY_COLUMNS)
write_csv(snakemake.output.methods, summarise_methods(summary), METHOD_COLUMNS)
compared = published_streams(summary, published, sequences(rows), described_tasks(snakemake.input.tasks))
write_csv(snakemake.output.published, compared, PUBLISHED_COLUMNS)
