"""The sets of the tasks of one run, from all examples and from either half of them, and what two unions share.

A set made of half of the examples and one made of the other half differ by chance of the examples alone. Their overlap
is the ceiling of what two tasks can be expected to share, and is beside them too low: whole sets rest on twice as many
examples. So it stands beside the overlap of one half of a task with the other half of another one as well.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from pathlib import Path
from statistics import fmean

import numpy as np
from jaxtyping import Int

from taskneurons.errors import InputError
from taskneurons.measures.overlap_null import OverlapChance, overlap_chance
from taskneurons.neurons.scores import NeuronScores, Within
from taskneurons.neurons.sets import NeuronSet

STUDY = "overlap"


@dataclass(frozen=True)
class ScoredRun:
    """The scores of all tasks on one pre-trained model.

    Attributes:
        suite, model, seed: the run.
        whole: scores of all attribution examples by task.
        halves: scores of the two halves of them.

    Raises:
        InputError: the tasks differ, or scores are of another model, shape or estimator than the first.
    """

    suite: str
    model: str
    seed: int
    whole: Mapping[str, NeuronScores]
    halves: Mapping[str, tuple[NeuronScores, NeuronScores]]

    def __post_init__(self) -> None:
        if not self.whole or set(self.whole) != set(self.halves):
            raise InputError(f"scores of {sorted(self.whole)}, halves of {sorted(self.halves)}", where=self.model)
        first = self._first
        for task in self.whole:
            for scores in (self.whole[task], *self.halves[task]):
                if scores.model_digest != first.model_digest or scores.shape != first.shape:
                    raise InputError(
                        f"scored on the model {scores.model_digest[:12]}, the first is of {first.model_digest[:12]}",
                        where=f"{self.suite}, {self.model}, seed {self.seed}: {task}",
                        remedy="Make the scores again with this model",
                    )
                if scores.estimator != first.estimator:
                    raise InputError(f"scored by {scores.estimator}, not by {first.estimator} as the first", where=task)

    @property
    def shape(self) -> tuple[int, int]:
        """(layers, neurons of a layer)."""
        return self._first.shape

    @property
    def estimator(self) -> str:
        """What the scores are."""
        return self._first.estimator

    def sets(self, percent: float, within: Within) -> "TaskSets":
        """The sets of every task whose scores tell its neurons apart.

        Args:
            percent, within: see `NeuronScores.top`.
        """
        reasons = {
            task: "all scores are equal, so that no neuron stands out"
            for task, whole in self.whole.items()
            if any(float(np.ptp(scores.scores)) == 0 for scores in (whole, *self.halves[task]))
        }
        known = [task for task in self.whole if task not in reasons]
        whole = {task: self.whole[task].top(percent, within) for task in known}
        halves = {task: [half.top(percent, within) for half in self.halves[task]] for task in known}
        return TaskSets(self, percent, within, whole, halves, reasons)

    @property
    def _first(self) -> NeuronScores:
        return next(iter(self.whole.values()))


@dataclass(frozen=True)
class TaskSets:
    """The sets of the tasks of one run at one share.

    Attributes:
        run: whose they are.
        percent, within: see `NeuronScores.top`.
        whole: a set by task.
        halves: two sets by task.
        reasons: tasks without sets, and why.
    """

    run: ScoredRun
    percent: float
    within: Within
    whole: Mapping[str, NeuronSet]
    halves: Mapping[str, Sequence[NeuronSet]]
    reasons: Mapping[str, str]

    @property
    def size(self) -> int:
        """Neurons of a layer."""
        return self.run.shape[1]

    @property
    def setting(self) -> tuple[str, str, str, int, str, str, float]:
        """The first cells of every row: study, model, suite, seed, estimator, selection, percent."""
        run = self.run
        return STUDY, run.model, run.suite, run.seed, run.estimator, self.within, self.percent

    def union(self, tasks: Iterable[str]) -> NeuronSet:
        """The union of the sets of some tasks."""
        return reduce(or_, (self.whole[task] for task in tasks))

    def counts(self, tasks: Iterable[str], layer: int | None) -> Int[np.ndarray, "task layer"]:
        """Members in each layer, or in one alone, one row a task."""
        return np.stack([members(self.whole[task], layer) for task in tasks])

    def why_not(self, tasks: Iterable[str]) -> str:
        """Why some of the tasks have no set; empty when all have."""
        return "; ".join(f"{task}: {self.reasons[task]}" for task in tasks if task in self.reasons)

    def crossed(self, first: Sequence[str], second: Sequence[str]) -> float:
        """The overlap, in percent, of the unions of the halves of some tasks with the other halves of others."""
        ways = [
            100 * self._half(first, half).jaccard(self._half(second, 1 - half))
            for half in (0, 1)
        ]  # fmt: skip
        return fmean(ways)

    def ceiling(self, first: Sequence[str], second: Sequence[str]) -> float:
        """The geometric mean of the overlaps, in percent, that two unions have with themselves, half with half."""
        own = [100 * self._half(tasks, 0).jaccard(self._half(tasks, 1)) for tasks in (first, second)]
        return float(np.sqrt(own[0] * own[1]))

    def _half(self, tasks: Iterable[str], half: int) -> NeuronSet:
        return reduce(or_, (self.halves[task][half] for task in tasks))


def read_scored_runs(paths: Iterable[str | Path]) -> list[ScoredRun]:
    """The scores of all runs, in the order in which the runs first appear.

    Args:
        paths: `.../<suite>/<model>/seed<seed>/base/scores/<task>.safetensors` and
            `.../<suite>/<model>/seed<seed>/base/halves/<task>.<half>.safetensors`.

    Raises:
        InputError: a file is unreadable or of another task, a half is missing, or as `ScoredRun`.
    """
    found: dict[tuple[str, str, str], list[Path]] = defaultdict(list)
    for path in map(Path, paths):
        suite, model, seed = path.parts[-6:-3]
        found[suite, model, seed].append(path)
    return [_read(suite, model, int(seed.removeprefix("seed")), own) for (suite, model, seed), own in found.items()]


def _read(suite: str, model: str, seed: int, paths: Iterable[Path]) -> ScoredRun:
    whole: dict[str, NeuronScores] = {}
    halves: dict[str, dict[str, NeuronScores]] = defaultdict(dict)
    for path in paths:
        scores = NeuronScores.load(path)
        task, _, half = path.stem.partition(".")
        if scores.task != task:
            raise InputError(f"holds the scores of {scores.task}", where=str(path))
        if half:
            halves[task][half] = scores
        else:
            whole[task] = scores
    for task, of_task in halves.items():
        if set(of_task) != {"0", "1"}:
            raise InputError(f"halves 0 and 1 were expected, not {', '.join(of_task)}", where=f"{model}: {task}")
    both = {task: (of_task["0"], of_task["1"]) for task, of_task in halves.items()}
    return ScoredRun(suite, model, seed, dict(sorted(whole.items())), both)


def members(neurons: NeuronSet, layer: int | None) -> Int[np.ndarray, " layer"]:
    """The number of members in each layer, or in one alone."""
    counts = neurons.layers()
    return counts if layer is None else counts[layer : layer + 1]


def jaccard(one: NeuronSet, other: NeuronSet, layer: int | None = None) -> float | None:
    """The overlap in percent, in one layer or in all; None where both sets are empty there."""
    shared, either = (members(part, layer).sum() for part in (one & other, one | other))
    return 100 * float(shared / either) if either else None


def chance(counts: Sequence[np.ndarray], size: int, shared: int | None = None) -> OverlapChance:
    """What two sets share by chance that are not both empty.

    Args:
        counts: members of either set in each stratum.
        size, shared: see `overlap_chance`.
    """
    one, other = counts
    found = overlap_chance(one, other, size, shared)
    if found is None:
        raise InputError("two empty sets of neurons were compared")
    return found
