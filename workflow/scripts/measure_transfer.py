"""What the control models of some tasks do on every other task, and how like the control models of those they are."""

import json
from pathlib import Path

from taskneurons.engine.evaluation import Evaluation
from taskneurons.engine.execution import Execution
from taskneurons.engine.layers_study import Representation, transfer_tasks
from taskneurons.evidence.layers_joint import TRANSFER_COLUMNS
from taskneurons.files import write_csv
from taskneurons.lineage.runinfo import run_info

settings = json.loads(snakemake.params.settings)
execution = Execution.granted(snakemake.resources.gpu, snakemake.threads, dtype=settings["dtype"])
run_info(snakemake.log[0], device=str(execution.device))
paths = {Path(path).stem: Path(path) for path in snakemake.output}
folders = {Path(path).parent.name: Path(path).parent for path in snakemake.input.tasks}
controls = {Path(path).parent.name: Path(path).parent for path in snakemake.input.controls}
run = {key: settings[key] for key in ("model", "suite")} | {"seed": int(snakemake.wildcards.seed)}
for task, rows in transfer_tasks(
    Path(snakemake.input.base[0]).parent,
    settings["tasks"],
    {task: folders[task] for task in settings["test_tasks"]},
    controls,
    Representation(**settings["comparison"]),
    execution,
    evaluation=Evaluation(**settings["evaluation"]),
):
    write_csv(paths[task], [{"study": "layers", **run, **row} for row in rows], TRANSFER_COLUMNS)
