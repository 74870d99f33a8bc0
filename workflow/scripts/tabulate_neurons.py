"""Gather the neuron sets of every run into one table: the share of each layer."""

import json

from taskneurons.evidence.tables import NEURON_COLUMNS, neuron_table
from taskneurons.files import write_csv
from taskneurons.lineage.runinfo import run_info

settings = json.loads(snakemake.params.settings)
run_info(snakemake.log[0])
cells = [
    {
        "suite": suite,
        "model": model,
        "seed": seed,
        "estimator": selection["estimator"],
        "percent": selection["percent"],
        "selection": selection["within"],
        "train_task": task,
    }
    for suite, model, seed in settings["runs"]
    for selection in settings["selections"]
    for task in settings["tasks"][suite]
]
write_csv(snakemake.output[0], neuron_table(zip(cells, snakemake.input, strict=True)), NEURON_COLUMNS)
