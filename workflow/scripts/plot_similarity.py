"""Figures of one model: similarity of parameters by layer (Figure 3), beside transfer (Table 4)."""

import json
from pathlib import Path

from taskneurons.evidence.data import described_tasks
from taskneurons.evidence.figures.parameter_similarity import draw_correlations, draw_similarity_layers, draw_transfer
from taskneurons.evidence.similarity import SIMILARITY_COLUMNS, read_cells, read_layer_summary
from taskneurons.evidence.similarity_correlation import gather_transfer, read_correlations
from taskneurons.evidence.tuned import read_tuned
from taskneurons.lineage.runinfo import run_info

settings = json.loads(snakemake.params.settings)
run_info(snakemake.log[0])
run = {"suite": settings["suite"], "model": settings["model"], "dpi": settings["figures"]["dpi"]}
names = ("layers", "transfer", "correlation")
paths = {name: [path for path in snakemake.output if Path(path).stem == name] for name in names}
tasks, found = described_tasks(snakemake.input.tasks), read_correlations(snakemake.input.correlation)
cells, scores = read_cells(snakemake.input.cells, SIMILARITY_COLUMNS), read_tuned(snakemake.input.transfer)
own = [row for row in cells if (row["suite"], row["model"]) == (run["suite"], run["model"])]
draw_similarity_layers(read_layer_summary(snakemake.input.layers), paths["layers"], **run)
draw_transfer(gather_transfer(own, scores, tasks), found, tasks, paths["transfer"], **run)
draw_correlations(found, tasks, paths["correlation"], **run)
