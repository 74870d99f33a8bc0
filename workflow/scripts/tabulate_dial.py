"""Gather transfer, overlap and similarity of all pairs of tasks of the dial; what follows the shared skills."""

import json

from taskneurons.evidence.dial import (
    PAIR_COLUMNS,
    SUMMARY_COLUMNS,
    dial_pairs,
    gather_measured,
    gather_sets,
    summarise_dial,
)
from taskneurons.files import write_csv
from taskneurons.lineage.runinfo import run_info

settings = json.loads(snakemake.params.settings)
run_info(snakemake.log[0])
sets = gather_sets(snakemake.input.sets, snakemake.input.multitask)
pairs = list(dial_pairs(gather_measured(snakemake.input.rows), sets, settings["selections"]))
write_csv(snakemake.output.rows, pairs, PAIR_COLUMNS)
write_csv(snakemake.output.summary, summarise_dial(pairs, draws=settings["draws"]), SUMMARY_COLUMNS)
