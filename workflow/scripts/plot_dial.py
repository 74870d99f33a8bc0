"""Figure of the dial: transfer, overlap and similarity of parameters against the number of shared skills."""

import json

from taskneurons.evidence.dial import read_dial, read_dial_summary
from taskneurons.evidence.figures.dial import draw_dial
from taskneurons.lineage.runinfo import run_info

settings = json.loads(snakemake.params.settings)
run_info(snakemake.log[0])
draw_dial(
    read_dial(snakemake.input.rows),
    read_dial_summary(snakemake.input.summary),
    snakemake.output,
    suite=settings["suite"],
    model=settings["model"],
    selection=settings["selection"],
    dpi=settings["figures"]["dpi"],
)
