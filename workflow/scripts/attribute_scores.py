"""Attribution scores of some tasks on the multi-task model (Leng & Xiong 2025, Eq. 3 and its alternatives)."""

import json
from pathlib import Path

from taskneurons.engine.execution import Execution
from taskneurons.engine.neurons_study import attribute_tasks
from taskneurons.lineage.runinfo import run_info

settings = json.loads(snakemake.params.settings)
execution = Execution.granted(snakemake.resources.gpu, snakemake.threads, dtype=settings["dtype"])
run_info(snakemake.log[0], device=str(execution.device))
paths = {(Path(path).parent.name, Path(path).stem): Path(path) for path in snakemake.output}
folders = {Path(path).parent.name: Path(path).parent for path in snakemake.input.tasks}
for scores in attribute_tasks(
    Path(snakemake.input.checkpoint[0]).parent,
    [folders[task] for task in settings["tasks"]],
    execution,
    **settings["attribution"],
):
    scores.save(paths[scores.estimator, scores.task])
