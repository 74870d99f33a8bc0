"""Tables 9 to 11 as a figure: scores against the overlap that was set, beside the printed ones."""

import json
from pathlib import Path

from taskneurons.evidence.controlled_overlap import TABLES
from taskneurons.evidence.data import described_tasks
from taskneurons.evidence.figures.controlled_overlap import draw_controlled_overlap
from taskneurons.evidence.published import read_published
from taskneurons.evidence.tuned import read_tuned
from taskneurons.lineage.runinfo import run_info

settings = json.loads(snakemake.params.settings)
run_info(snakemake.log[0])
folder = Path(snakemake.input.published[0]).parent
draw_controlled_overlap(
    read_tuned(snakemake.input.rows),
    described_tasks(snakemake.input.tasks),
    {table: read_published(folder, table) for table in TABLES.values()},
    snakemake.output,
    suite=settings["suite"],
    model=settings["model"],
    dpi=settings["figures"]["dpi"],
)
