"""Scores at every overlap that was set, and the test of their trend, beside Tables 9 to 11."""

from pathlib import Path

from taskneurons.evidence.controlled_overlap import (
    SUMMARY_COLUMNS,
    TABLES,
    TREND_COLUMNS,
    controlled_summary,
    controlled_trend,
)
from taskneurons.evidence.data import described_tasks
from taskneurons.evidence.published import read_published
from taskneurons.evidence.tuned import read_tuned
from taskneurons.files import write_csv
from taskneurons.lineage.runinfo import run_info

run_info(snakemake.log[0])
rows = read_tuned(snakemake.input.rows)
tasks = described_tasks(snakemake.input.tasks)
folder = Path(snakemake.input.published[0]).parent
published = {table: read_published(folder, table) for table in TABLES.values()}
write_csv(snakemake.output.summary, controlled_summary(rows, tasks, published), SUMMARY_COLUMNS)
write_csv(snakemake.output.trend, controlled_trend(rows, tasks, published), TREND_COLUMNS)
