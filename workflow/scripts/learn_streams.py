"""Learn streams of tasks with one method, and test all tasks after every stage (Leng & Xiong 2025, Table 5)."""

import json
from dataclasses import asdict
from pathlib import Path

from pydantic import TypeAdapter

from taskneurons.continual.catalogue import learner
from taskneurons.continual.ncft import as_patch
from taskneurons.continual.sequence import follow, identity
from taskneurons.continual.stages import Stages
from taskneurons.continual.stream_tuner import StreamTuner
from taskneurons.engine.execution import Execution
from taskneurons.engine.fine_tuner import Recipe
from taskneurons.evidence.stream_rows import COLUMNS
from taskneurons.files import read_json, write_csv
from taskneurons.lineage.runinfo import run_info
from taskneurons.neurons.patches import save_patch

settings = json.loads(snakemake.params.settings)
run = {"suite": settings["suite"], "model": settings["model"], "seed": int(snakemake.wildcards.seed)}
tables = {Path(path).stem: path for path in snakemake.output.rows}
place = Path(snakemake.output.rows[0]).parent
execution = Execution.granted(
    snakemake.resources.gpu,
    snakemake.threads,
    dtype=settings["dtype"],
    resume=Path(".taskneurons/resume") / place,
    checkpoint_minutes=snakemake.resources.checkpoint_minutes,
)
run_info(snakemake.log[0], device=str(execution.device))
tuner = StreamTuner.load(
    Path(snakemake.input.base[0]).parent,
    {Path(path).parent.name: Path(path).parent for path in snakemake.input.tasks},
    TypeAdapter(Recipe).validate_python(settings["recipe"] | {"seed": run["seed"]}),
    execution,
    job=snakemake.params.code,
)
name = settings["method"]
chosen = read_json(snakemake.input.chosen)[settings["chosen_as"]]
stages = Stages(Path(".taskneurons/stages") / place, identity(tuner))
for order, tasks in settings["orders"].items():
    method = learner(
        name, chosen["learning_rate"], settings["methods"], tasks=len(tasks), strength=chosen.get("strength")
    )
    scores, seen = follow(tuner, method, tuple(tasks), stages)
    write_csv(tables[order], [run | {"method": name, "order": order} | asdict(score) for score in scores], COLUMNS)
    if settings["patches"]:
        for number, learned in enumerate(seen, start=1):
            save_patch(place / order / f"{number}_{learned.task}.safetensors", as_patch(learned))
stages.finish(keep=bool(snakemake.resources.keep_stages))
