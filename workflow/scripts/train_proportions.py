"""Train growing shares of the neurons of a group of tasks (Leng & Xiong 2025, Figures 2 and 6)."""

import json
from pathlib import Path

from pydantic import TypeAdapter

from taskneurons.engine.execution import Execution
from taskneurons.engine.fine_tuner import FineTuner, Recipe
from taskneurons.engine.proportion_study import train_proportions
from taskneurons.engine.rates import common_rate, read_trials
from taskneurons.engine.task_groups import TaskGroup
from taskneurons.evidence.tuned import COLUMNS
from taskneurons.files import write_csv
from taskneurons.lineage.runinfo import run_info
from taskneurons.neurons.selection import Selection

settings = json.loads(snakemake.params.settings)
seed = int(snakemake.wildcards.seed)
paths = {Path(path).stem: Path(path) for path in snakemake.output}
execution = Execution.granted(
    snakemake.resources.gpu,
    snakemake.threads,
    dtype=settings["dtype"],
    resume=Path(".taskneurons/resume") / Path(snakemake.output[0]).with_suffix(""),
    checkpoint_minutes=snakemake.resources.checkpoint_minutes,
)
run_info(snakemake.log[0], device=str(execution.device))
tuner = FineTuner.load(
    Path(snakemake.input.base[0]).parent,
    {Path(path).parent.name: Path(path).parent for path in snakemake.input.tasks},
    TypeAdapter(Recipe).validate_python(settings["recipe"] | {"seed": seed, "limit": settings["test_examples"]}),
    execution,
    job=snakemake.params.settings + snakemake.params.code,
    full=False,
)
scores = tuner.scores({Path(path).stem: path for path in snakemake.input.scores})
run = {"study": "proportion", "suite": settings["suite"], "model": settings["model"], "seed": seed}
for group, tasks in settings["groups"].items():
    rows = train_proportions(
        tuner,
        scores,
        TaskGroup(group, tuple(tasks), tuple(settings["unseen"])),
        common_rate(read_trials(snakemake.input.tried)),
        selections=[Selection(percent=percent, **settings["selection"]) for percent in settings["percents"]],
        random_draws=settings["random_draws"],
    )
    write_csv(paths[group], [run | row for row in rows], COLUMNS)
