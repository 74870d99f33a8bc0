"""Scores that compare a task with the others (contrast, entropy), from the Taylor scores of all tasks."""

import json
from pathlib import Path

from taskneurons.lineage.runinfo import run_info
from taskneurons.neurons.scores import DERIVED, NeuronScores

settings = json.loads(snakemake.params.settings)
run_info(snakemake.log[0])
paths = {Path(path).stem: Path(path) for path in snakemake.output}
measured = {Path(path).stem: NeuronScores.load(path) for path in snakemake.input}
for task, scores in DERIVED[settings["estimator"]](measured).items():
    scores.save(paths[task])
