"""Tune the whole model on each training task; compare parameters of neurons, and test (Figure 3, Table 4)."""

import json
from pathlib import Path

from taskneurons.engine.cells import Bench, Recipe
from taskneurons.engine.rates import Selection
from taskneurons.engine.similarity_study import compare_parameters
from taskneurons.evidence.tuned import COLUMNS
from taskneurons.files import read_json, write_csv
from taskneurons.lineage.runinfo import run_info
from taskneurons.models.device import granted_device
from taskneurons.studies.similarity.rows import CELLS

settings = json.loads(snakemake.params.settings)
device = granted_device(snakemake.resources.gpu, threads=snakemake.threads)
run_info(snakemake.log[0], device=str(device))
seed = int(snakemake.wildcards.seed)
bench = Bench.load(
    Path(snakemake.input.base[0]).parent,
    {Path(path).parent.name: Path(path).parent for path in snakemake.input.tasks},
    Recipe(**settings["recipe"], seed=seed, limit=settings["test_examples"]),
    device=device,
    dtype=settings["dtype"],
    resume=Path(".taskneurons/resume") / Path(snakemake.output[0]).parent,
    job=snakemake.params.settings + snakemake.params.code,
    checkpoint_minutes=snakemake.resources.checkpoint_minutes,
    full=True,
)
run = {"study": "similarity", "suite": settings["suite"], "model": settings["model"], "seed": seed}
selection = Selection(**settings["selection"])
chosen = {"estimator": selection.estimator, "selection": selection.within, "percent": settings["percent"]}
scored, compared = [], []
for rows, found in compare_parameters(
    bench,
    bench.scores({Path(path).stem: path for path in snakemake.input.scores}),
    settings["tasks"],
    settings["unseen"],
    read_json(snakemake.input.rates),
    selection=selection,
    percent=settings["percent"],
):
    scored += [run | row for row in rows]
    compared += [run | chosen | row for row in found]
write_csv(snakemake.output.scores, scored, COLUMNS)
write_csv(snakemake.output.cells, compared, CELLS.columns)
