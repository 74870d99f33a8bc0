"""Choose how a group of methods learns, by the validation split of the development order."""

import json
from pathlib import Path

from taskneurons.continual.choosing import choose
from taskneurons.continual.sequence import identity
from taskneurons.continual.stages import Stages
from taskneurons.continual.workshop import Workshop
from taskneurons.engine.cells import Recipe
from taskneurons.files import write_csv, write_json
from taskneurons.lineage.runinfo import run_info
from taskneurons.models.device import granted_device

settings = json.loads(snakemake.params.settings)
device = granted_device(snakemake.resources.gpu, threads=snakemake.threads)
run_info(snakemake.log[0], device=str(device))
resume = Path(".taskneurons/resume") / Path(snakemake.output.chosen).with_suffix("")
workshop = Workshop.load(
    Path(snakemake.input.base[0]).parent,
    {Path(path).parent.name: Path(path).parent for path in snakemake.input.tasks},
    Recipe(**settings["recipe"], seed=settings["seed"], split="validation"),
    device=device,
    dtype=settings["dtype"],
    resume=resume / "tuning.safetensors",
    checkpoint_minutes=snakemake.resources.checkpoint_minutes,
)
stages = Stages(resume / "stages", identity(workshop, snakemake.params.code))
chosen, tried = choose(workshop, settings["methods"], tuple(settings["order"]), stages, **settings["trials"])
write_json(snakemake.output.chosen, chosen)
columns = ("method", "learning_rate", "strength", "temperature", "accuracy", "chosen")
write_csv(snakemake.output.tried, tried, columns)
stages.finish(keep=False)
