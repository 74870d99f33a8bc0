"""Compare base, experimental and held-out model with the control model of each of some tasks, layer by layer."""

import json
from pathlib import Path

from taskneurons.engine.evaluation import Evaluation
from taskneurons.engine.execution import Execution
from taskneurons.engine.layers_study import Comparison, compare_tasks
from taskneurons.evidence.layers import LAYER_COLUMNS
from taskneurons.files import write_csv
from taskneurons.lineage.runinfo import run_info

settings = json.loads(snakemake.params.settings)
execution = Execution.granted(snakemake.resources.gpu, snakemake.threads, dtype=settings["dtype"])
run_info(snakemake.log[0], device=str(execution.device))
paths = {Path(path).stem: Path(path) for path in snakemake.output}
folders = {Path(path).parent.name: Path(path).parent for path in snakemake.input.tasks}
controls = {Path(path).parent.name: Path(path).parent for path in snakemake.input.controls}
seed = int(snakemake.wildcards.seed)
run = {"study": "layers", "model": settings["model"], "suite": settings["suite"], "seed": seed}
for task, rows in compare_tasks(
    {role: Path(snakemake.input[role][0]).parent for role in ("base", "experimental", "held_out")},
    {task: folders[task] for task in settings["tasks"]},
    controls,
    Comparison(**settings["comparison"]),
    execution,
    evaluation=Evaluation(**settings["evaluation"]),
    seed=seed,
):
    write_csv(paths[task], [{**run, **row} for row in rows], LAYER_COLUMNS)
