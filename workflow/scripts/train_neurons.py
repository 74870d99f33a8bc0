"""Train the neurons of some tasks and what they are compared with (Leng & Xiong 2025, Tables 2 and 7, Figure 5 c-d)."""

import json
from pathlib import Path

from taskneurons.engine.cells import Bench, Recipe
from taskneurons.engine.rates import Selection
from taskneurons.engine.training_study import rates_by_size, train_tasks
from taskneurons.evidence.tuned import COLUMNS
from taskneurons.files import read_csv, write_csv
from taskneurons.lineage.runinfo import run_info
from taskneurons.models.device import granted_device
from taskneurons.neurons.patches import save_patch
from taskneurons.tasks.storage import read_task

settings = json.loads(snakemake.params.settings)
device = granted_device(snakemake.resources.gpu, threads=snakemake.threads)
run_info(snakemake.log[0], device=str(device))
seed = int(snakemake.wildcards.seed)
first = seed == settings["first_seed"]
folders = {Path(path).parent.name: Path(path).parent for path in snakemake.input.tasks}
tables = {Path(path).stem: Path(path) for path in snakemake.output.rows}
patches = {Path(path).stem: Path(path) for path in snakemake.output.patches}
bench = Bench.load(
    Path(snakemake.input.base[0]).parent,
    folders,
    Recipe(**settings["recipe"], seed=seed),
    device=device,
    dtype=settings["dtype"],
    resume=Path(".taskneurons/resume") / tables[settings["tasks"][0]].with_suffix(""),
    job=snakemake.params.settings + snakemake.params.code,
    checkpoint_minutes=snakemake.resources.checkpoint_minutes,
    full=True,
)
run = {"study": "training", "suite": settings["suite"], "model": settings["model"], "seed": seed}
for task, rows, own in train_tasks(
    bench,
    bench.scores({Path(path).stem: path for path in snakemake.input.scores}),
    {name: (task.kind, task.family) for name, task in ((name, read_task(path)) for name, path in folders.items())},
    settings["tasks"],
    rates_by_size(read_csv(snakemake.input.tried)),
    selection=Selection(**settings["selection"]),
    percents=[*settings["percents"], *(settings["first_seed_percents"] if first else [])],
    random_draws=settings["random_draws"],
    pairs=first or settings["pairs"] == "all",
):
    write_csv(tables[task], [run | row for row in rows], COLUMNS)
    save_patch(patches[task], own[settings["percents"][0]])
