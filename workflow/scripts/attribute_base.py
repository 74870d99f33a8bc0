"""Attribution scores of some tasks on the pre-trained model, whole and by halves of the examples."""

import json
from pathlib import Path

from taskneurons.engine.base_scores import attribute_with_halves
from taskneurons.engine.execution import Execution
from taskneurons.lineage.runinfo import run_info

settings = json.loads(snakemake.params.settings)
execution = Execution.granted(snakemake.resources.gpu, snakemake.threads, dtype=settings.pop("dtype"))
run_info(snakemake.log[0], device=str(execution.device))
folders = {Path(path).parent.name: Path(path).parent for path in snakemake.input.tasks}
whole = {Path(path).stem: path for path in snakemake.output.scores}
parts = {Path(path).stem: path for path in snakemake.output.halves}
for scores, halves in attribute_with_halves(
    Path(snakemake.input.checkpoint[0]).parent,
    [folders[task] for task in settings.pop("tasks")],
    execution,
    **settings,
):
    scores.save(whole[scores.task])
    for number, half in enumerate(halves):
        half.save(parts[f"{scores.task}.{number}"])
