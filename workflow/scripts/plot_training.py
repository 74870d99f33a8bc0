"""Tables 2 and 7 and Figure 5 c-d as figures: what training neurons gives to every task."""

import json
from pathlib import Path

from taskneurons.evidence.data import described_tasks
from taskneurons.evidence.figures.training import draw_training
from taskneurons.evidence.figures.training_matrix import draw_training_matrix
from taskneurons.evidence.training_matrix import MATRICES
from taskneurons.evidence.tuned import read_tuned
from taskneurons.lineage.runinfo import run_info

settings = json.loads(snakemake.params.settings)
run_info(snakemake.log[0])
rows, tasks = read_tuned(snakemake.input.rows), described_tasks(snakemake.input.tasks)
run = {"suite": settings["suite"], "model": settings["model"], "dpi": settings["figures"]["dpi"]}
for name, figure in settings["drawn"].items():
    paths = [path for path in snakemake.output if Path(path).stem == name]
    setting = {key: figure[key] for key in ("estimator", "percent", "selection")}
    if figure["shows"] in MATRICES:
        draw_training_matrix(rows, tasks, paths, matrix=figure["shows"], **setting, **run)
    else:
        draw_training(rows, tasks, paths, measure=figure["shows"], **setting, **run)
