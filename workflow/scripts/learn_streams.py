"""Learn streams of tasks with one method, and test all tasks after every stage (Leng & Xiong 2025, Table 5)."""

import json
from pathlib import Path

from taskneurons.continual.catalogue import learner
from taskneurons.continual.ncft import as_patch
from taskneurons.continual.sequence import follow, identity
from taskneurons.continual.stages import Stages
from taskneurons.continual.workshop import Workshop
from taskneurons.engine.cells import Recipe
from taskneurons.evidence.stream_rows import COLUMNS
from taskneurons.files import read_json, write_csv
from taskneurons.lineage.runinfo import run_info
from taskneurons.models.device import granted_device
from taskneurons.neurons.patches import save_patch

settings = json.loads(snakemake.params.settings)
device = granted_device(snakemake.resources.gpu, threads=snakemake.threads)
run_info(snakemake.log[0], device=str(device))
run = {"suite": settings["suite"], "model": settings["model"], "seed": int(snakemake.wildcards.seed)}
tables = {Path(path).stem: path for path in snakemake.output.rows}
place = Path(snakemake.output.rows[0]).parent
workshop = Workshop.load(
    Path(snakemake.input.base[0]).parent,
    {Path(path).parent.name: Path(path).parent for path in snakemake.input.tasks},
    Recipe(**settings["recipe"], seed=run["seed"]),
    device=device,
    dtype=settings["dtype"],
    resume=Path(".taskneurons/resume") / place / "tuning.safetensors",
    checkpoint_minutes=snakemake.resources.checkpoint_minutes,
)
name = settings["method"]
chosen = read_json(snakemake.input.chosen)[settings["chosen_as"]]
stages = Stages(Path(".taskneurons/stages") / place, identity(workshop, snakemake.params.code))
for order, tasks in settings["orders"].items():
    method = learner(
        name, chosen["learning_rate"], settings["methods"], tasks=len(tasks), strength=chosen.get("strength")
    )
    rows, seen = follow(workshop, method, tuple(tasks), stages)
    write_csv(tables[order], [run | {"method": name, "order": order} | row for row in rows], COLUMNS)
    if settings["patches"]:
        for number, learned in enumerate(seen, start=1):
            save_patch(place / order / f"{number}_{learned.task}.safetensors", as_patch(learned))
stages.finish(keep=bool(snakemake.resources.keep_stages))
