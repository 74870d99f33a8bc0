"""Figures of one model's overlap of neurons: Table 8 beside chance, by layer, every two tasks."""

import json
from pathlib import Path

from taskneurons.evidence.data import described_tasks
from taskneurons.evidence.figures.overlap import draw_overlap, draw_overlap_layers, draw_overlap_pairs
from taskneurons.evidence.overlap import read_overlap, read_overlap_pairs
from taskneurons.lineage.runinfo import run_info

settings = json.loads(snakemake.params.settings)
run_info(snakemake.log[0])
run = {"suite": settings["suite"], "model": settings["model"], "dpi": settings["figures"]["dpi"]}
paths = {}
for path in snakemake.output:
    paths.setdefault(Path(path).stem.split("-")[0], []).append(path)
summary, percent = read_overlap(snakemake.input.summary), settings["percent"]
draw_overlap(summary, paths["shares"], **run)
draw_overlap_layers(summary, paths["layers"], percent=percent, **run)
pairs, tasks = read_overlap_pairs(snakemake.input.pairs), described_tasks(snakemake.input.tasks)
draw_overlap_pairs(pairs, summary, tasks, paths["pairs"], percent=percent, **run)
