"""Choose the learning rate of every arm from one grid, by the validation loss of two pilot tasks."""

import json
from pathlib import Path

from pydantic import TypeAdapter

from taskneurons.engine.execution import Execution
from taskneurons.engine.fine_tuner import FineTuner, Recipe
from taskneurons.engine.rates import choose_rates, write_rates, write_trials
from taskneurons.lineage.runinfo import run_info
from taskneurons.neurons.selection import Selection
from taskneurons.tasks.storage import read_task

settings = json.loads(snakemake.params.settings)
folders = {Path(path).parent.name: Path(path).parent for path in snakemake.input.tasks}
execution = Execution.granted(
    snakemake.resources.gpu,
    snakemake.threads,
    dtype=settings["dtype"],
    resume=Path(".taskneurons/resume") / Path(snakemake.output.rates).with_suffix(""),
    checkpoint_minutes=snakemake.resources.checkpoint_minutes,
)
run_info(snakemake.log[0], device=str(execution.device))
tuner = FineTuner.load(
    Path(snakemake.input.base[0]).parent,
    folders,
    TypeAdapter(Recipe).validate_python(
        settings["recipe"] | {"seed": settings["seed"], "split": "validation", "metrics": ("loss",)}
    ),
    execution,
    job=snakemake.params.settings + snakemake.params.code,
    full=True,
)
rates, trials = choose_rates(
    tuner,
    tuner.scores({Path(path).stem: path for path in snakemake.input.scores}),
    {name: (task.kind, task.family) for name, task in ((name, read_task(path)) for name, path in folders.items())},
    settings["pilots"],
    grid=settings["learning_rates"],
    methods=settings["methods"],
    conditions=settings["conditions"],
    selections=[Selection(percent=percent, **settings["selection"]) for percent in settings["percents"]],
)
write_rates(snakemake.output.rates, rates)
write_trials(snakemake.output.tried, trials)
