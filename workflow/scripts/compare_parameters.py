"""Tune the whole model on each training task; compare parameters of neurons, and test (Figure 3, Table 4)."""

import json
from pathlib import Path

from pydantic import TypeAdapter

from taskneurons.engine.execution import Execution
from taskneurons.engine.fine_tuner import FineTuner, Recipe
from taskneurons.engine.rates import read_rates
from taskneurons.engine.similarity_study import compare_parameters
from taskneurons.evidence.similarity import CELL_COLUMNS
from taskneurons.evidence.tuned import COLUMNS
from taskneurons.files import write_csv
from taskneurons.lineage.runinfo import run_info
from taskneurons.neurons.selection import Selection

settings = json.loads(snakemake.params.settings)
seed = int(snakemake.wildcards.seed)
execution = Execution.granted(
    snakemake.resources.gpu,
    snakemake.threads,
    dtype=settings["dtype"],
    resume=Path(".taskneurons/resume") / Path(snakemake.output[0]).parent,
    checkpoint_minutes=snakemake.resources.checkpoint_minutes,
)
run_info(snakemake.log[0], device=str(execution.device))
tuner = FineTuner.load(
    Path(snakemake.input.base[0]).parent,
    {Path(path).parent.name: Path(path).parent for path in snakemake.input.tasks},
    TypeAdapter(Recipe).validate_python(settings["recipe"] | {"seed": seed, "limit": settings["test_examples"]}),
    execution,
    job=snakemake.params.settings + snakemake.params.code,
    full=True,
)
run = {"study": "similarity", "suite": settings["suite"], "model": settings["model"], "seed": seed}
selection = Selection(percent=settings["percent"], **settings["selection"])
chosen = {"estimator": selection.estimator, "selection": selection.within, "percent": selection.percent}
scored, compared = [], []
for rows, found in compare_parameters(
    tuner,
    tuner.scores({Path(path).stem: path for path in snakemake.input.scores}),
    settings["tasks"],
    settings["unseen"],
    read_rates(snakemake.input.rates),
    selection=selection,
):
    scored += [run | row for row in rows]
    compared += [run | chosen | row for row in found]
write_csv(snakemake.output.scores, scored, COLUMNS)
write_csv(snakemake.output.cells, compared, CELL_COLUMNS)
