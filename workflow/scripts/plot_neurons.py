"""Figures of one model: the scores of each task, and in which layers its neurons lie."""

import json
from pathlib import Path

from taskneurons.evidence.data import described_tasks
from taskneurons.evidence.figures.layers import draw_layers
from taskneurons.evidence.figures.scores import draw_scores
from taskneurons.evidence.tables import read_neuron_table
from taskneurons.lineage.runinfo import run_info
from taskneurons.neurons.scores import NeuronScores

settings = json.loads(snakemake.params.settings)
run_info(snakemake.log[0])
tasks = described_tasks(snakemake.input.tasks)
run = {"suite": settings["suite"], "model": settings["model"], "dpi": settings["figures"]["dpi"]}
for name, percent in settings["scores"].items():
    estimator = name.removeprefix("scores-")
    scores = [NeuronScores.load(path) for path in snakemake.input.scores if Path(path).parent.name == estimator]
    figures = [path for path in snakemake.output if Path(path).stem == name]
    draw_scores(scores, tasks, figures, percent=percent, **run)
rows = read_neuron_table(snakemake.input.table)
for name, selection in settings["layers"].items():
    figures = [path for path in snakemake.output if Path(path).stem == name]
    draw_layers(rows, tasks, figures, estimator=selection["estimator"], percent=selection["percent"], **run)
