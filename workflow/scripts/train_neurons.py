"""Train the neurons of some tasks and what they are compared with (Leng & Xiong 2025, Tables 2 and 7, Figure 5 c-d)."""

import json
from pathlib import Path

from pydantic import TypeAdapter

from taskneurons.engine.execution import Execution
from taskneurons.engine.fine_tuner import FineTuner, Recipe
from taskneurons.engine.rates import read_trials
from taskneurons.engine.training_study import rates_by_size, train_tasks
from taskneurons.evidence.tuned import COLUMNS
from taskneurons.files import write_csv
from taskneurons.lineage.runinfo import run_info
from taskneurons.neurons.patches import save_patch
from taskneurons.neurons.selection import Selection
from taskneurons.tasks.storage import read_task

settings = json.loads(snakemake.params.settings)
seed = int(snakemake.wildcards.seed)
first = seed == settings["first_seed"]
folders = {Path(path).parent.name: Path(path).parent for path in snakemake.input.tasks}
tables = {Path(path).stem: Path(path) for path in snakemake.output.rows}
patches = {Path(path).stem: Path(path) for path in snakemake.output.patches}
execution = Execution.granted(
    snakemake.resources.gpu,
    snakemake.threads,
    dtype=settings["dtype"],
    resume=Path(".taskneurons/resume") / tables[settings["tasks"][0]].with_suffix(""),
    checkpoint_minutes=snakemake.resources.checkpoint_minutes,
)
run_info(snakemake.log[0], device=str(execution.device))
tuner = FineTuner.load(
    Path(snakemake.input.base[0]).parent,
    folders,
    TypeAdapter(Recipe).validate_python(settings["recipe"] | {"seed": seed}),
    execution,
    job=snakemake.params.settings + snakemake.params.code,
    full=True,
)
percents = [*settings["percents"], *(settings["first_seed_percents"] if first else [])]
selections = [Selection(percent=percent, **settings["selection"]) for percent in percents]
run = {"study": "training", "suite": settings["suite"], "model": settings["model"], "seed": seed}
for task, rows, own in train_tasks(
    tuner,
    tuner.scores({Path(path).stem: path for path in snakemake.input.scores}),
    {name: (task.kind, task.family) for name, task in ((name, read_task(path)) for name, path in folders.items())},
    settings["tasks"],
    rates_by_size(read_trials(snakemake.input.tried)),
    selections=selections,
    random_draws=settings["random_draws"],
    pairs=first or settings["pairs"] == "all",
):
    write_csv(tables[task], [run | row for row in rows], COLUMNS)
    save_patch(patches[task], own[selections[0]])
