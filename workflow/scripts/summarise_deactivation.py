"""Means and intervals over seeds, the test of the diagonal, and our values beside the published ones."""

from pathlib import Path

from taskneurons.evidence.data import described_tasks
from taskneurons.evidence.published import read_published
from taskneurons.evidence.tables import (
    DIAGONAL_COLUMNS,
    PUBLISHED_COLUMNS,
    SUMMARY_COLUMNS,
    compare_with_published,
    diagonal_tests,
    summarise_deactivation,
)
from taskneurons.evidence.tidy import read_tidy
from taskneurons.files import read_json, write_csv
from taskneurons.lineage.runinfo import run_info

run_info(snakemake.log[0])
rows = read_tidy(snakemake.input.rows)
tasks = described_tasks(snakemake.input.tasks)
folder = Path(snakemake.input.published[0]).parent
published = {table: read_published(folder, table) for table in ("T1", "T6")}
summary = summarise_deactivation(rows, tasks)
write_csv(snakemake.output.summary, summary, SUMMARY_COLUMNS)
write_csv(snakemake.output.diagonal, diagonal_tests(rows, tasks), DIAGONAL_COLUMNS)
architectures = {Path(path).parts[3]: read_json(path)["architecture"] for path in snakemake.input.checkpoints}
compared = compare_with_published(summary, published, tasks, architectures)
write_csv(snakemake.output.published, compared, PUBLISHED_COLUMNS)
