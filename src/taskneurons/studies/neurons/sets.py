"""From scores to sets of neurons: scores that compare tasks, and what selections make of scores; no model runs."""

from dataclasses import dataclass

from taskneurons.job import Job
from taskneurons.neurons.controls import Matching, select_with_controls
from taskneurons.neurons.scores import DERIVED, NeuronScores
from taskneurons.neurons.selection import Selection
from taskneurons.neurons.sets import save_sets

# Jobs


@dataclass(frozen=True)
class DeriveSettings:
    """Settings of `derive_scores`.

    Attributes:
        estimator: contrast or entropy.
    """

    estimator: str


def derive_scores(job: Job[DeriveSettings]) -> None:
    """Scores that compare each task with the others, from the Taylor scores of all tasks."""
    paths = job.outputs.by_stem("scores")
    measured = {task: NeuronScores.load(path) for task, path in job.inputs.by_stem("scores").items()}
    for task, scores in DERIVED[job.settings.estimator](measured).items():
        scores.save(paths[task])


@dataclass(frozen=True)
class SelectSettings:
    """Settings of `select_neurons`.

    Attributes:
        selection: how the sets are made.
        random_draws: random control sets of each task.
        random_matching: what random sets have in common with the task's; see `random_like`.
    """

    selection: Selection
    random_draws: int
    random_matching: Matching


def select_neurons(job: Job[SelectSettings]) -> None:
    """The neuron set of each of some tasks with its controls: the bottom of the ranking and random draws."""
    selection, paths = job.settings.selection, job.outputs.by_stem("sets")
    for scores in map(NeuronScores.load, job.inputs["scores"]):
        sets = select_with_controls(
            scores,
            selection,
            draws=job.settings.random_draws,
            matching=job.settings.random_matching,
            seed=job.seed,
        )
        made = {name: str(value) for name, value in vars(selection).items()}
        save_sets(paths[scores.task], sets, {"task": scores.task, "model": scores.model_digest, **made})
