"""Answer with NCFT's patches weighted by similarity: the readings of W-NCFT, or the dynamic weightings.

One that has chosen another learning rate than NCFT learns the streams anew.
"""

import json
from dataclasses import asdict, replace
from pathlib import Path

from pydantic import TypeAdapter

from taskneurons.continual.ncft import of_patch
from taskneurons.continual.sequence import follow, identity
from taskneurons.continual.stages import Stages
from taskneurons.continual.stream_tuner import StreamTuner
from taskneurons.continual.weightings import weighting
from taskneurons.engine.execution import Execution
from taskneurons.engine.fine_tuner import Recipe
from taskneurons.evidence.stream_rows import COLUMNS
from taskneurons.files import read_csv, read_json, write_csv
from taskneurons.lineage.runinfo import run_info
from taskneurons.neurons.patches import load_patch

settings = json.loads(snakemake.params.settings)
run = {"suite": settings["suite"], "model": settings["model"], "seed": int(snakemake.wildcards.seed)}
resume = Path(".taskneurons/resume") / Path(snakemake.output[0]).parent.parent / settings["kind"]
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
    TypeAdapter(Recipe).validate_python(settings["recipe"] | {"seed": run["seed"]}),
    execution,
    job=snakemake.params.code,
)
chosen = read_json(snakemake.input.chosen)
stages = Stages(resume, identity(tuner))
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
    scores, _ = follow(tuner, method, tasks, stages, learned=learned if same else None)
    write_csv(path, [run | {"method": name, "order": order} | asdict(score) for score in scores], COLUMNS)
stages.finish(keep=False)
