"""Four small tasks with scores of a small model's neurons, and what fine-tunes the model on them."""

from pathlib import Path
from typing import Any

import numpy as np
from small_checkpoint import ECHO, MOOD, lay_checkpoint, lay_task

from taskneurons.engine.evaluation import Evaluation
from taskneurons.engine.execution import Execution
from taskneurons.engine.fine_tuner import FineTuner, Recipe
from taskneurons.models.load import load_checkpoint
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.selection import Selection
from taskneurons.tasks.task import Task

RATE = 3e-2
# At this rate a full tuning of the small model explodes; that of a few neurons does not.
WILD = 1e3
TASKS = {
    "mood": MOOD,
    "echo": ECHO,
    "temper": Task("temper", "nature", "classification", ("mood of {input} :",), ("good", "bad")),
    "repeat": Task("repeat", "speech", "generation", ("say {input} again :",)),
}
TENTH, QUARTER = (Selection("taylor", percent, "model") for percent in (10, 25))
RECIPE = Recipe(steps=6, batch_size=4, warmup=1, seed=0, evaluation=Evaluation(batch_size=3, max_new_tokens=4))


def lay(folder: Path) -> Path:
    """Write the checkpoint `model`, the tasks, and scores of the model for each task, which are random."""
    lay_checkpoint(folder / "model")
    digest = load_checkpoint(folder / "model").digest
    for number, (name, task) in enumerate(TASKS.items()):
        lay_task(folder / name, task)
        drawn = np.random.default_rng(number).random((3, 2, 32), dtype=np.float32)
        NeuronScores(*drawn, name, digest, "taylor", 12, 40).save(folder / f"{name}.safetensors")
    return folder


def make_tuner(folder: Path, resume: Path, recipe: Recipe = RECIPE, *, job: str = "job") -> FineTuner:
    """The tuner of what lies in a folder."""
    tasks = {name: folder / name for name in TASKS}
    return FineTuner.load(folder / "model", tasks, recipe, Execution(resume=resume), job=job)


def scores_of(tuner: FineTuner, folder: Path) -> dict[str, NeuronScores]:
    """The scores of all tasks."""
    return tuner.scores({name: folder / f"{name}.safetensors" for name in TASKS})


def inputs_of(folder: Path, **more: Path) -> dict[str, Any]:
    """The inputs of a job that trains neurons."""
    return {
        "base": tuple((folder / "model").iterdir()),
        "tasks": tuple(path for name in TASKS for path in (folder / name).iterdir()),
        "scores": tuple(folder / f"{name}.safetensors" for name in TASKS),
        **{name: (path,) for name, path in more.items()},
    }
