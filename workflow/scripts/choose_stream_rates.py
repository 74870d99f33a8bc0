"""Choose how a group of methods learns, by the validation split of the development order."""

import json
from dataclasses import asdict
from pathlib import Path

from pydantic import TypeAdapter

from taskneurons.continual.choosing import Grid, choose
from taskneurons.continual.sequence import identity
from taskneurons.continual.stages import Stages
from taskneurons.continual.stream_tuner import StreamTuner
from taskneurons.engine.execution import Execution
from taskneurons.engine.fine_tuner import Recipe
from taskneurons.files import write_csv, write_json
from taskneurons.lineage.runinfo import run_info

settings = json.loads(snakemake.params.settings)
resume = Path(".taskneurons/resume") / Path(snakemake.output.chosen).with_suffix("")
execution = Execution.granted(
    snakemake.resources.gpu,
    snakemake.threads,
    dtype=settings["dtype"],
    resume=resume,
    checkpoint_minutes=snakemake.resources.checkpoint_minutes,
)
run_info(snakemake.log[0], device=str(execution.device))
tuner = StreamTuner.load(
    Path(snakemake.input.base[0]).parent,
    {Path(path).parent.name: Path(path).parent for path in snakemake.input.tasks},
    TypeAdapter(Recipe).validate_python(settings["recipe"] | {"seed": settings["seed"], "split": "validation"}),
    execution,
    job=snakemake.params.code,
)
stages = Stages(resume / "stages", identity(tuner))
asked = settings["trials"]
chosen, trials = choose(
    tuner,
    settings["methods"],
    tuple(settings["order"]),
    stages,
    asked["settings"],
    Grid(asked["rates"], asked["strengths"], asked["temperatures"]),
    weightings=asked["weightings"],
)
write_json(snakemake.output.chosen, chosen)
columns = ("method", "learning_rate", "strength", "temperature", "accuracy", "chosen")
write_csv(snakemake.output.tried, map(asdict, trials), columns)
stages.finish(keep=False)
