"""Similarity of parameters beside transfer: cells, layers (Figure 3), correlations (Table 4)."""

import json
from pathlib import Path

from taskneurons.evidence.data import described_tasks
from taskneurons.evidence.published import read_published
from taskneurons.evidence.similarity import LAYER_COLUMNS, SIMILARITY_COLUMNS, gather_similarity, layer_summary
from taskneurons.evidence.similarity_correlation import CORRELATION_COLUMNS, correlations, gather_transfer
from taskneurons.evidence.tables import task_kinds
from taskneurons.evidence.tuned import COLUMNS, gather_tuned
from taskneurons.files import write_csv
from taskneurons.lineage.runinfo import run_info

settings = json.loads(snakemake.params.settings)
run_info(snakemake.log[0])
tasks = described_tasks(snakemake.input.tasks)
cells, scores = gather_similarity(snakemake.input.cells), gather_tuned(snakemake.input.scores, "similarity")
write_csv(snakemake.output.cells, cells, SIMILARITY_COLUMNS)
write_csv(snakemake.output.transfer, scores, COLUMNS)
write_csv(snakemake.output.layers, layer_summary(cells, task_kinds(tasks)), LAYER_COLUMNS)
published = read_published(Path(snakemake.input.published).parent, "T4")
found = correlations(gather_transfer(cells, scores, tasks), tasks, published, draws=settings["draws"])
write_csv(snakemake.output.correlation, found, CORRELATION_COLUMNS)
