"""Streams of tasks as figures: accuracy at the end, Figure 4, every stage, costs, ranks, what was tried."""

import json
from pathlib import Path

from taskneurons.evidence.continual import read_streams
from taskneurons.evidence.continual_rates import read_rates
from taskneurons.evidence.continual_summary import read_methods, read_summary
from taskneurons.evidence.data import described_tasks
from taskneurons.evidence.figures.continual_cost import draw_continual_cost
from taskneurons.evidence.figures.continual_methods import draw_continual_methods
from taskneurons.evidence.figures.continual_rates import draw_continual_rates
from taskneurons.evidence.figures.ranks import draw_ranks
from taskneurons.evidence.figures.retention import draw_retention
from taskneurons.evidence.figures.stages import draw_stages
from taskneurons.files import read_csv
from taskneurons.lineage.runinfo import run_info

settings = json.loads(snakemake.params.settings)
run_info(snakemake.log[0])
run = {"suite": settings["suite"], "model": settings["model"], "dpi": settings["figures"]["dpi"]}
rows, summary = read_streams(snakemake.input.rows), read_summary(snakemake.input.summary)
methods, trials = read_methods(snakemake.input.methods), read_rates(snakemake.input.rates)
published, tasks = read_csv(snakemake.input.published), described_tasks(snakemake.input.tasks)
draw = {
    "methods": lambda paths: draw_continual_methods(rows, summary, published, paths, **run),
    "retention": lambda paths: draw_retention(rows, paths, benchmarks=settings["benchmarks"], **run),
    "stages": lambda paths: draw_stages(rows, tasks, paths, order=settings["order"], **run),
    "cost": lambda paths: draw_continual_cost(summary, paths, **run),
    "ranks": lambda paths: draw_ranks(methods, paths, **run),
    "rates": lambda paths: draw_continual_rates(trials, paths, **run),
}
for name in dict.fromkeys(Path(path).stem for path in snakemake.output):
    draw[name]([path for path in snakemake.output if Path(path).stem == name])
