"""Figures 2 and 6: scores and losses while a growing share of the neurons is trained."""

import json
from pathlib import Path

from taskneurons.evidence.figures.proportion import draw_proportion
from taskneurons.evidence.tuned import read_tuned
from taskneurons.lineage.runinfo import run_info

settings = json.loads(snakemake.params.settings)
run_info(snakemake.log[0])
rows = read_tuned(snakemake.input.rows)
for name, (how, measure) in settings["drawn"].items():
    draw_proportion(
        rows,
        settings["groups"],
        [path for path in snakemake.output if Path(path).stem == name],
        suite=settings["suite"],
        model=settings["model"],
        how=how,
        measure=measure,
        dpi=settings["figures"]["dpi"],
    )
