"""Table 1 or 6 as a figure: what each condition leaves of every task."""

import json

from taskneurons.evidence.data import described_tasks
from taskneurons.evidence.figures.drops import draw_drops
from taskneurons.evidence.tidy import gather
from taskneurons.lineage.runinfo import run_info

settings = json.loads(snakemake.params.settings)
run_info(snakemake.log[0])
draw_drops(
    gather(snakemake.input.rows, "deactivation"),
    described_tasks(snakemake.input.tasks),
    snakemake.output,
    suite=settings["suite"],
    model=settings["model"],
    estimator=settings["selection"]["estimator"],
    percent=settings["selection"]["percent"],
    selection=settings["selection"]["within"],
    dpi=settings["figures"]["dpi"],
)
