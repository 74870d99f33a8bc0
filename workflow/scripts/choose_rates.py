"""Choose the learning rate of every arm from one grid, by the validation loss of two pilot tasks."""

import json
from pathlib import Path

from taskneurons.engine.cells import Bench, Recipe
from taskneurons.engine.rates import Selection, choose_rates
from taskneurons.files import write_csv, write_json
from taskneurons.lineage.runinfo import run_info
from taskneurons.models.device import granted_device
from taskneurons.tasks.storage import read_task

settings = json.loads(snakemake.params.settings)
device = granted_device(snakemake.resources.gpu, threads=snakemake.threads)
run_info(snakemake.log[0], device=str(device))
folders = {Path(path).parent.name: Path(path).parent for path in snakemake.input.tasks}
bench = Bench.load(
    Path(snakemake.input.base[0]).parent,
    folders,
    Recipe(**settings["recipe"], seed=settings["seed"], split="validation", metrics=("loss",)),
    device=device,
    dtype=settings["dtype"],
    resume=Path(".taskneurons/resume") / Path(snakemake.output.rates).with_suffix(""),
    job=snakemake.params.settings + snakemake.params.code,
    checkpoint_minutes=snakemake.resources.checkpoint_minutes,
    full=True,
)
rates, tried = choose_rates(
    bench,
    bench.scores({Path(path).stem: path for path in snakemake.input.scores}),
    {name: (task.kind, task.family) for name, task in ((name, read_task(path)) for name, path in folders.items())},
    settings["pilots"],
    grid=settings["learning_rates"],
    methods=settings["methods"],
    conditions=settings["conditions"],
    percents=settings["percents"],
    selection=Selection(**settings["selection"]),
)
write_json(snakemake.output.rates, rates)
write_csv(snakemake.output.tried, tried, list(tried[0]))
