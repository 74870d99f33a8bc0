"""The neuron set of each of some tasks with its controls: the bottom of the ranking and random draws."""

import json
from dataclasses import asdict
from pathlib import Path

from taskneurons.lineage.runinfo import run_info
from taskneurons.neurons.controls import select_with_controls
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.selection import Selection
from taskneurons.neurons.sets import save_sets

settings = json.loads(snakemake.params.settings)
run_info(snakemake.log[0])
selection = Selection(**settings["selection"])
paths = {Path(path).stem: Path(path) for path in snakemake.output}
for scores in map(NeuronScores.load, snakemake.input):
    sets = select_with_controls(
        scores,
        selection,
        draws=settings["random_draws"],
        matching=settings["random_matching"],
        seed=int(snakemake.wildcards.seed),
    )
    header = {"task": scores.task, "model": scores.model_digest}
    header |= {key: str(value) for key, value in asdict(selection).items()}
    save_sets(paths[scores.task], sets, header)
