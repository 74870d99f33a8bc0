"""Which tasks can tell, and whether what two tasks share goes with what training on one gives the other."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from statistics import fmean

import numpy as np
from jaxtyping import Float

from taskneurons.job import Job
from taskneurons.measures.crossed import CrossedTest, crossed_test
from taskneurons.measures.stats import t_interval
from taskneurons.studies.kinds.rows import (
    CORRELATIONS,
    GIVENS,
    OUTCOMES,
    PAIR,
    PAIRS,
    PREDICTORS,
    STATES,
    TASKS,
    CorrelationRow,
    Given,
    Outcome,
    PairRow,
    Pairs,
    Predictor,
    StateRow,
    TaskRow,
)

WORDS: tuple[Predictor, ...] = ("prompt_words", "answer_words")
"""What two tasks share on the surface."""


def judge(rows: Iterable[StateRow], *, learned: float, full: float) -> list[TaskRow]:
    """Say of every task whether it can tell, from its means over seeds.

    Args:
        rows: of all runs.
        learned: lowest score above that of a constant answer, in points, with which a task counts as learned.
        full: highest score before any training of a task that only tests, %.
    """
    runs: dict[tuple[str, str, str], list[StateRow]] = defaultdict(list)
    for row in rows:
        runs[row.suite, row.model, row.task].append(row)
    found = []
    for (suite, model, task), own in runs.items():
        first = own[0]
        untuned, tuned = fmean(row.untuned for row in own), fmean(row.tuned for row in own)
        reason = ""
        reached = tuned if first.use == "trained" else max(untuned, tuned)
        if reached < (first.constant or 0) + learned:
            reason = "not learned"
        elif first.use == "tested" and untuned > full:
            reason = "nothing left to gain"
        found.append(
            TaskRow(
                suite, model, task, first.family, first.use, len(own), first.constant, untuned, tuned, not reason,
                reason,
            )
        )  # fmt: skip
    return TASKS.sorted(found)


@dataclass(frozen=True, eq=False)
class Crossed:
    """The pairs of one run whose tasks can tell, as matrices of training x test tasks.

    Attributes:
        seeds: of each seed, what two tasks share and what training gives.
        same: whether both tasks are of one family.
    """

    seeds: tuple[Mapping[str, Float[np.ndarray, "train test"]], ...]
    same: Float[np.ndarray, "train test"]

    @classmethod
    def of(cls, rows: Sequence[PairRow], tells: frozenset[str]) -> "Crossed":
        """The matrices of one run, of the tasks that can tell."""
        own = [row for row in rows if {row.train_task, row.test_task} <= tells]
        train = {task: place for place, task in enumerate(dict.fromkeys(row.train_task for row in own))}
        test = {task: place for place, task in enumerate(dict.fromkeys(row.test_task for row in own))}
        shape, names = (len(train), len(test)), [*OUTCOMES, "jaccard", *WORDS]
        same = np.zeros(shape)
        seeds: dict[int, dict[str, np.ndarray]] = {}
        for row in own:
            place = train[row.train_task], test[row.test_task]
            matrices = seeds.setdefault(row.seed, {name: np.full(shape, np.nan) for name in names})
            for name in names:
                matrices[name][place] = getattr(row, name)
            same[place] = row.train_family == row.test_family
        return cls(tuple(seeds.values()), same)

    @property
    def mean(self) -> dict[str, Float[np.ndarray, "train test"]]:
        """The matrices of the mean over seeds."""
        return {name: np.mean([one[name] for one in self.seeds], axis=0) for name in self.seeds[0]}

    def test(
        self, matrices: Mapping[str, np.ndarray], asked: tuple[Pairs, Predictor, Outcome, Given], *, draws: int
    ) -> CrossedTest:
        """One test of one seed or of the mean.

        Pairs of one family are left out by a nuisance for each of them, which takes its cell to zero.

        Args:
            matrices: of the seed or the mean.
            asked: which pairs, which predictor, which outcome, what is given.
            draws: permutations.
        """
        pairs, predictor, outcome, given = asked
        nuisance = [matrices[name] for name in WORDS] if "words" in given else []
        if pairs == "across":
            for place in np.argwhere(self.same):
                cell = np.zeros_like(self.same)
                cell[tuple(place)] = 1
                nuisance.append(cell)
        shared = self.same if predictor == "same_family" else matrices[predictor]
        return crossed_test(shared, matrices[outcome], nuisance=nuisance, centred="means" in given, draws=draws)


def correlations(rows: Sequence[PairRow], tasks: Iterable[TaskRow], *, draws: int) -> list[CorrelationRow]:
    """Every test of every run.

    Args:
        rows: pairs of tasks.
        tasks: which of them can tell.
        draws: permutations where they are not enumerated.
    """
    tells: dict[tuple[str, str], set[str]] = defaultdict(set)
    for task in tasks:
        if task.tells:
            tells[task.suite, task.model].add(task.task)
    runs: dict[tuple[str, str], list[PairRow]] = defaultdict(list)
    for row in rows:
        runs[row.suite, row.model].append(row)
    found = []
    for (suite, model), own in runs.items():
        crossed = Crossed.of(own, frozenset(tells[suite, model]))
        seeds = len({row.seed for row in own})
        for asked in product(PAIRS, PREDICTORS, OUTCOMES, GIVENS):
            pairs, predictor, outcome, given = asked
            if (predictor == "same_family" and pairs == "across") or (predictor in WORDS and "words" in given):
                continue
            found.append(
                _tested(CorrelationRow(suite, model, pairs, predictor, outcome, given, seeds, 0, 0, 0), crossed, draws)
            )
    return CORRELATIONS.sorted(found)


def _tested(row: CorrelationRow, crossed: Crossed, draws: int) -> CorrelationRow:
    trained, tested = crossed.same.shape
    n = int(crossed.same.size - (crossed.same.sum() if row.pairs == "across" else 0))
    row = replace(row, trained=trained, tested=tested, n=n)
    if not crossed.seeds:
        return replace(row, reason="no pair of tasks can tell")
    asked = row.pairs, row.predictor, row.outcome, row.given
    each = [crossed.test(matrices, asked, draws=1).value for matrices in crossed.seeds]
    values = [value for value in each if value is not None]
    joined = crossed.test(crossed.mean, asked, draws=draws)
    interval = t_interval(values)
    return replace(
        row,
        value=interval.mean,
        low=interval.low,
        high=interval.high,
        joined=joined.value,
        p_value=joined.p_value,
        permutations=joined.permutations or None,
        reason=joined.reason,
    )


# Jobs


@dataclass(frozen=True)
class TabulateSettings:
    """Settings of `tabulate`.

    Attributes:
        learned: lowest score above that of a constant answer with which a task counts as learned, points.
        full: highest score before any training of a task that only tests, %.
        draws: permutations where they are not enumerated.
    """

    learned: float
    full: float
    draws: int


def tabulate(job: Job[TabulateSettings]) -> None:
    """Gather the pairs of all runs, say which tasks can tell, and test what they share against transfer."""
    settings = job.settings
    pairs = PAIR.gather(job.inputs["pairs"])
    tasks = judge(STATES.gather(job.inputs["states"]), learned=settings.learned, full=settings.full)
    PAIR.write(job.outputs.one("pairs"), PAIR.sorted(pairs))
    TASKS.write(job.outputs.one("tasks"), tasks)
    CORRELATIONS.write(job.outputs.one("correlation"), correlations(pairs, tasks, draws=settings.draws))
