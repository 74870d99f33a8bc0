"""Attribution scores of some tasks on the multi-task model (Leng & Xiong 2025, Eq. 3 and its alternatives)."""

import json
from pathlib import Path

from taskneurons.engine.neurons_study import attribute_tasks
from taskneurons.lineage.runinfo import run_info
from taskneurons.models.device import granted_device

settings = json.loads(snakemake.params.settings)
device = granted_device(snakemake.resources.gpu, threads=snakemake.threads)
run_info(snakemake.log[0], device=str(device))
paths = {(Path(path).parent.name, Path(path).stem): Path(path) for path in snakemake.output}
folders = {Path(path).parent.name: Path(path).parent for path in snakemake.input.tasks}
for scores in attribute_tasks(
    Path(snakemake.input.checkpoint[0]).parent,
    [folders[task] for task in settings["tasks"]],
    **settings["attribution"],
    device=device,
    dtype=settings["dtype"],
):
    scores.save(paths[scores.estimator, scores.task])
