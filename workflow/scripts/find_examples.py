"""The test examples that activate the top neurons of a run most, for the cards of the report's atlas."""

import json
from pathlib import Path

from taskneurons.engine.execution import Execution
from taskneurons.engine.top_examples import COLUMNS, top_examples, top_neurons
from taskneurons.files import write_csv
from taskneurons.lineage.runinfo import run_info
from taskneurons.neurons.scores import NeuronScores

settings = json.loads(snakemake.params.settings)
execution = Execution.granted(snakemake.resources.gpu, snakemake.threads, dtype=settings["dtype"])
run_info(snakemake.log[0], device=str(execution.device))
folders = {Path(path).parent.name: Path(path).parent for path in snakemake.input.tasks}
rows = top_examples(
    Path(snakemake.input.checkpoint[0]).parent,
    {task: folders[task] for task in settings["tasks"]},
    top_neurons([NeuronScores.load(path) for path in snakemake.input.scores], settings["neurons"]),
    execution,
    examples=settings["examples"],
    batch_size=settings["batch_size"],
)
write_csv(snakemake.output[0], rows, COLUMNS)
