"""Gains with intervals, the test of the diagonals, and our values beside those of Tables 2 and 7."""

from pathlib import Path

from taskneurons.evidence.data import described_tasks
from taskneurons.evidence.published import read_published
from taskneurons.evidence.training import TRAINING_COLUMNS, training_summary
from taskneurons.evidence.training_matrix import DIAGONAL_COLUMNS, training_diagonal
from taskneurons.evidence.training_published import PUBLISHED_COLUMNS, training_published
from taskneurons.evidence.tuned import read_tuned
from taskneurons.files import read_json, write_csv
from taskneurons.lineage.runinfo import run_info

run_info(snakemake.log[0])
rows = read_tuned(snakemake.input.rows)
tasks = described_tasks(snakemake.input.tasks)
folder = Path(snakemake.input.published[0]).parent
published = {table: read_published(folder, table) for table in ("T2", "T7")}
summary = training_summary(rows, tasks)
write_csv(snakemake.output.summary, summary, TRAINING_COLUMNS)
write_csv(snakemake.output.diagonal, training_diagonal(rows, tasks), DIAGONAL_COLUMNS)
# results/models/<suite>/<model>/... of a model made here, results/models/imported/<model>/... of any other.
architectures = {Path(path).parts[3]: read_json(path)["architecture"] for path in snakemake.input.checkpoints}
compared = training_published(summary, published, tasks, architectures)
write_csv(snakemake.output.published, compared, PUBLISHED_COLUMNS)
