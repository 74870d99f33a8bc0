"""Overlap of the neurons of tasks beside chance and ceiling: every two tasks, and the groups of Table 8."""

import json
from pathlib import Path

from taskneurons.evidence.data import described_tasks
from taskneurons.evidence.overlap import PAIR_COLUMNS, SUMMARY_COLUMNS, overlap_summary, pair_table, read_scored_run
from taskneurons.evidence.published import read_published
from taskneurons.files import write_csv
from taskneurons.lineage.runinfo import run_info

settings = json.loads(snakemake.params.settings)
run_info(snakemake.log[0])
tasks = {}
for task in described_tasks(snakemake.input.tasks):
    tasks.setdefault(task["suite"], {})[task["name"]] = task
runs = [
    read_scored_run(
        suite,
        model,
        seed,
        [path for path in snakemake.input.scores if Path(path).parts[2:5] == (suite, model, f"seed{seed}")],
    )
    for suite, model, seed in settings["runs"]
]
within, percents = settings["within"], settings["percents"]
published = read_published(Path(snakemake.input.published).parent, "T8")
pairs = pair_table(runs, tasks, percents=percents, within=within)
write_csv(snakemake.output.pairs, pairs, PAIR_COLUMNS)
summary = overlap_summary(
    runs, settings["groups"], tasks, published, percents=percents, within=within, permutations=settings["permutations"]
)
write_csv(snakemake.output.summary, summary, SUMMARY_COLUMNS)
