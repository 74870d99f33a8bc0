"""Figures of one model's layers: Z1 to Z4 of Zhao et al. 2024, the map, neurons beside representations."""

import json
from pathlib import Path

from taskneurons.evidence.figures.families import draw_families
from taskneurons.evidence.figures.joint import draw_joint
from taskneurons.evidence.figures.layer_map import draw_layer_map
from taskneurons.evidence.figures.similarity import draw_similarity
from taskneurons.evidence.layers import read_layer_rows, read_maps
from taskneurons.evidence.layers_joint import read_joint, read_pairs
from taskneurons.lineage.runinfo import run_info

settings = json.loads(snakemake.params.settings)
run_info(snakemake.log[0])
rows, maps = read_layer_rows(snakemake.input.rows), read_maps(snakemake.input.map)
run = {"suite": settings["suite"], "model": settings["model"], "dpi": settings["figures"]["dpi"]}
paths = {
    name: [path for path in snakemake.output if Path(path).stem == name]
    for name in ("similarity", "map", "families", "joint")
}
draw_similarity(rows, paths["similarity"], **run)
draw_layer_map(rows, maps, paths["map"], **run)
draw_families(rows, paths["families"], **run)
draw_joint(
    read_joint(snakemake.input.joint),
    read_pairs(snakemake.input.pairs),
    maps,
    paths["joint"],
    selection=settings["selection"],
    histogram=settings["histogram"],
    **run,
)
