"""Scores, neuron sets and similarities of parameters in a base and in the models that were tuned on one task each."""

import json
from pathlib import Path

from pydantic import TypeAdapter

from taskneurons.engine.dial_study import Sample, measure_models
from taskneurons.engine.evaluation import Evaluation
from taskneurons.engine.execution import Execution
from taskneurons.files import write_csv
from taskneurons.lineage.runinfo import run_info
from taskneurons.neurons.selection import Selection
from taskneurons.neurons.sets import save_sets
from taskneurons.studies.dial.rows import MEASURED
from taskneurons.tasks.dial.ring import Ring

settings = json.loads(snakemake.params.settings)
execution = Execution.granted(snakemake.resources.gpu, snakemake.threads, dtype=settings["dtype"])
run_info(snakemake.log[0], device=str(execution.device))
folders = {Path(path).parent.name: Path(path).parent for path in snakemake.input.tasks}
changes = {Path(path).parent.name: Path(path).parent for path in snakemake.input.changes}
tables = {Path(path).stem: path for path in snakemake.output.rows}
sets = {Path(path).stem: path for path in snakemake.output.sets}
run = {key: settings[key] for key in ("model", "suite")} | {"seed": int(snakemake.wildcards.seed)}
ring, tasks = Ring(**settings["ring"]), settings["tasks"]
for name, rows, selected, header in measure_models(
    Path(snakemake.input.base[0]).parent,
    {task: folders[task] for task in tasks},
    {task: changes[task] for task in tasks},
    execution,
    selections=TypeAdapter(list[Selection]).validate_python(settings["selections"]),
    scored=Sample(settings["examples"], settings["attribution_batch_size"]),
    test_examples=settings["test_examples"],
    evaluation=Evaluation(**settings["evaluation"]),
):
    save_sets(sets[name], selected, header)
    if name in tables:
        source = name if name in tasks else None
        shared = {task: ring.shared(source, task) if source else None for task in tasks}
        facts = {"study": "dial", **run, "train_task": source}
        write_csv(
            tables[name], [{**facts, "shared": shared[row["test_task"]], **row} for row in rows], MEASURED.columns
        )
