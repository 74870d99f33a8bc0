"""Train growing shares of the neurons of a group of tasks (Leng & Xiong 2025, Figures 2 and 6)."""

import json
from pathlib import Path

from taskneurons.engine.cells import Bench, Recipe
from taskneurons.engine.proportion_study import train_proportions
from taskneurons.engine.rates import Selection, common_rate
from taskneurons.evidence.tuned import COLUMNS
from taskneurons.files import read_csv, write_csv
from taskneurons.lineage.runinfo import run_info
from taskneurons.models.device import granted_device

settings = json.loads(snakemake.params.settings)
device = granted_device(snakemake.resources.gpu, threads=snakemake.threads)
run_info(snakemake.log[0], device=str(device))
seed = int(snakemake.wildcards.seed)
paths = {Path(path).stem: Path(path) for path in snakemake.output}
bench = Bench.load(
    Path(snakemake.input.base[0]).parent,
    {Path(path).parent.name: Path(path).parent for path in snakemake.input.tasks},
    Recipe(**settings["recipe"], seed=seed, limit=settings["test_examples"]),
    device=device,
    dtype=settings["dtype"],
    resume=Path(".taskneurons/resume") / Path(snakemake.output[0]).with_suffix(""),
    job=snakemake.params.settings + snakemake.params.code,
    checkpoint_minutes=snakemake.resources.checkpoint_minutes,
    full=False,
)
scores = bench.scores({Path(path).stem: path for path in snakemake.input.scores})
run = {"study": "proportion", "suite": settings["suite"], "model": settings["model"], "seed": seed}
for group, tasks in settings["groups"].items():
    rows = train_proportions(
        bench,
        scores,
        group,
        tasks,
        settings["unseen"],
        common_rate(read_csv(snakemake.input.tried)),
        selection=Selection(**settings["selection"]),
        percents=settings["percents"],
        random_draws=settings["random_draws"],
    )
    write_csv(paths[group], [run | row for row in rows], COLUMNS)
