"""Train neurons of which a chosen share lies in a test task's set (Leng & Xiong 2025, Tables 9 to 11)."""

import json
from pathlib import Path

from taskneurons.engine.cells import Bench, Recipe
from taskneurons.engine.overlap_study import train_with_overlap
from taskneurons.engine.rates import Selection
from taskneurons.evidence.tuned import COLUMNS
from taskneurons.files import read_json, write_csv
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
run = {"study": "overlap", "suite": settings["suite"], "model": settings["model"], "seed": seed}
for combination, tasks in settings["combinations"].items():
    rows = train_with_overlap(
        bench,
        scores,
        **tasks,
        rates=read_json(snakemake.input.rates),
        selection=Selection(**settings["selection"]),
        percents=settings["percents"],
        overlaps=settings["overlaps"],
        choices=settings["choices"],
    )
    write_csv(paths[combination], [run | row for row in rows], COLUMNS)
