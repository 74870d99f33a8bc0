"""Answer with NCFT's patches weighted by similarity: the readings of W-NCFT, or the dynamic weightings.

One that has chosen another learning rate than NCFT learns the streams anew.
"""

import json
from dataclasses import replace
from pathlib import Path

from taskneurons.continual.ncft import of_patch
from taskneurons.continual.sequence import follow, identity
from taskneurons.continual.stages import Stages
from taskneurons.continual.weightings import weighting
from taskneurons.continual.workshop import Workshop
from taskneurons.engine.cells import Recipe
from taskneurons.evidence.stream_rows import COLUMNS
from taskneurons.files import read_csv, read_json, write_csv
from taskneurons.lineage.runinfo import run_info
from taskneurons.models.device import granted_device
from taskneurons.neurons.patches import load_patch

settings = json.loads(snakemake.params.settings)
device = granted_device(snakemake.resources.gpu, threads=snakemake.threads)
run_info(snakemake.log[0], device=str(device))
run = {"suite": settings["suite"], "model": settings["model"], "seed": int(snakemake.wildcards.seed)}
resume = Path(".taskneurons/resume") / Path(snakemake.output[0]).parent.parent / settings["kind"]
workshop = Workshop.load(
    Path(snakemake.input.base[0]).parent,
    {Path(path).parent.name: Path(path).parent for path in snakemake.input.tasks},
    Recipe(**settings["recipe"], seed=run["seed"]),
    device=device,
    dtype=settings["dtype"],
    resume=resume / "tuning.safetensors",
    checkpoint_minutes=snakemake.resources.checkpoint_minutes,
)
chosen = read_json(snakemake.input.chosen)
stages = Stages(resume, identity(workshop, snakemake.params.code))
patches = {(Path(path).parent.name, Path(path).stem): path for path in snakemake.input.patches}
learning = {Path(path).stem: path for path in snakemake.input.learning}
for path in map(Path, snakemake.output):
    name, order = path.parent.name, path.stem
    tasks = tuple(settings["orders"][order])
    costs = {(int(row["stage"]), row["metric"]): float(row["value"]) for row in read_csv(learning[order])}
    learned = [
        replace(
            of_patch(load_patch(patches[order, f"{number}_{task}"])),
            seconds=costs[number, "seconds"],
            loss=costs[number, "loss"],
        )
        for number, task in enumerate(tasks, start=1)
    ]
    rate, temperature = chosen[name]["learning_rate"], chosen[name]["temperature"]
    method = weighting(name, rate, settings["methods"], temperature=temperature)
    same = rate == chosen["ncft"]["learning_rate"]
    rows, _ = follow(workshop, method, tasks, stages, learned=learned if same else None)
    write_csv(path, [run | {"method": name, "order": order} | row for row in rows], COLUMNS)
stages.finish(keep=False)
