"""Train neurons of which a chosen share lies in a test task's set (Leng & Xiong 2025, Tables 9 to 11)."""

import json
from pathlib import Path

from pydantic import TypeAdapter

from taskneurons.engine.execution import Execution
from taskneurons.engine.fine_tuner import FineTuner, Recipe
from taskneurons.engine.overlap_study import train_with_overlap
from taskneurons.engine.rates import read_rates
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
run = {"study": "overlap", "suite": settings["suite"], "model": settings["model"], "seed": seed}
for combination, tasks in settings["combinations"].items():
    rows = train_with_overlap(
        tuner,
        scores,
        TypeAdapter(TaskGroup).validate_python(tasks),
        read_rates(snakemake.input.rates),
        selections=[Selection(percent=percent, **settings["selection"]) for percent in settings["percents"]],
        overlaps=settings["overlaps"],
        choices=settings["choices"],
    )
    write_csv(paths[combination], [run | row for row in rows], COLUMNS)
