"""Gather the comparisons of all runs; their means over tasks and families; the map of the layers."""

import json

from taskneurons.evidence.layers import (
    LAYER_COLUMNS,
    MAP_COLUMNS,
    SUMMARY_COLUMNS,
    gather_layers,
    layer_maps,
    summarise_layers,
)
from taskneurons.files import write_csv
from taskneurons.lineage.runinfo import run_info

settings = json.loads(snakemake.params.settings)
run_info(snakemake.log[0])
rows = gather_layers(snakemake.input)
write_csv(snakemake.output.rows, rows, LAYER_COLUMNS)
write_csv(snakemake.output.summary, summarise_layers(rows), SUMMARY_COLUMNS)
write_csv(snakemake.output.map, layer_maps(rows, alpha=settings["alpha"], draws=settings["draws"]), MAP_COLUMNS)
