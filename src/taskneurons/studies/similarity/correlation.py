"""Correlation of the similarity of parameters with transfer (Leng & Xiong 2025, Table 4).

For each test task there are as many points as training tasks: the model tuned on a training task has a similarity
between its task's neurons and those of the test task, and a gain on the test task. For one test task and seed the gain
is the score less a constant, so that it correlates as the score does. Six points say little: an interval stands beside
every coefficient, and beside the printed ones the interval and p-value that six points give them. Intervals are those
of Fisher's z, transformed back. No coefficients are averaged here: the rows of the mean over seeds correlate
mean similarities with mean gains.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations, product
from math import sqrt
from typing import Literal

import numpy as np
from jaxtyping import Float

from taskneurons.errors import InputError
from taskneurons.evidence.papers import PaperCorrelation, printed_name
from taskneurons.evidence.tasks import SCORE, DescribedTask, Kind, kind_of, task_kinds
from taskneurons.evidence.trained import Trained
from taskneurons.measures.crossed import (
    Coefficient,
    Correlation,
    correlation,
    crossed_test,
    fisher_interval,
    selected_correlation,
)
from taskneurons.measures.stats import holm
from taskneurons.studies.similarity.rows import (
    MEAN,
    MEASURES,
    OUTCOMES,
    STATES,
    CorrelationRow,
    Outcome,
    SimilarityRow,
    State,
)

COEFFICIENTS: tuple[Coefficient, ...] = ("pearson", "spearman")
GIVEN = ("", "kind", "kind, means of tasks", "kind, family, means of tasks")
"""What pooled tests take out: whether both tasks are of one kind, of one family; each task's mean."""
PUBLISHED_MODELS = 6
_SELECTED_UP_TO = 7
"""Models up to which the p-value of a chosen layer is exact."""


@dataclass(frozen=True)
class Setting:
    """How the neurons were selected.

    Attributes: as the columns of `SimilarityRow`.
    """

    estimator: str
    selection: str
    percent: float


@dataclass(frozen=True, eq=False)
class Transfer:
    """Similarity and gain of the models of one run, of one seed or of the mean over seeds.

    Attributes:
        model, suite, seed: the run.
        setting: of the neurons.
        train, test: names of the tasks, the order of rows and columns.
        layers: state -> measure -> (layer, training task, test task); NaN where not available.
        gains: outcome -> (training task, test task).
    """

    model: str
    suite: str
    seed: int | Literal["mean"]
    setting: Setting
    train: tuple[str, ...]
    test: tuple[str, ...]
    layers: Mapping[State, Mapping[str, Float[np.ndarray, "layer train test"]]]
    gains: Mapping[Outcome, Float[np.ndarray, "train test"]]

    def mean(self, state: State, measure: str) -> Float[np.ndarray, "train test"]:
        """The mean over the layers in which every pair of tasks has a value."""
        curves = self.layers[state][measure]
        known = np.isfinite(curves).all(axis=(1, 2))
        return curves[known].mean(axis=0) if known.any() else np.full(curves.shape[1:], np.nan)


def gather_transfer(
    cells: Sequence[SimilarityRow], scores: Iterable[Trained], tasks: Sequence[DescribedTask]
) -> list[Transfer]:
    """Similarities beside gains, for each seed of each model, and for the mean over seeds where there are several.

    Args:
        cells: of `tables.gather_similarity`.
        scores: of `gather_trained`: conditions zero_shot and full.
        tasks: of every suite in the rows.

    Raises:
        InputError: a pair of tasks has a similarity but no score.
    """
    kinds = task_kinds(tasks)
    values = {
        (row.suite, row.model, row.seed, row.train_task, row.test_task, row.metric): row.value for row in scores
    }  # fmt: skip
    runs: dict[tuple[str, str], dict[int, list[SimilarityRow]]] = defaultdict(lambda: defaultdict(list))
    for row in cells:
        runs[row.suite, row.model][row.seed].append(row)
    found = []
    for by_seed in runs.values():
        own = [_of_seed(rows, values, kinds) for _, rows in sorted(by_seed.items())]
        found += own
        if len(own) > 1:
            found.append(_mean(own))
    return found


def correlations(
    transfers: Iterable[Transfer],
    tasks: Sequence[DescribedTask],
    published: Sequence[PaperCorrelation],
    *,
    draws: int,
) -> list[CorrelationRow]:
    """Table 4: correlation of similarity and gain over the models, for each test task, and over all cells together.

    Args:
        transfers: of `gather_transfer`.
        tasks: of every suite in the rows.
        published: rows of Table 4.
        draws: random labellings where not all are tried.
    """
    described = {(task.suite, task.name): task for task in tasks}
    printed = list(dict.fromkeys(row.test_task for row in published))
    rows: list[CorrelationRow] = []
    for transfer in transfers:
        own = {name: described[transfer.suite, name] for name in (*transfer.train, *transfer.test)}
        mirrors = {name: printed_name(name, own[name].source, printed) for name in transfer.test}
        of_seed = [
            _beside(row, mirrors[row.group], published) for row in _per_task(transfer, whole=transfer.seed == MEAN)
        ]
        rows += _adjusted(of_seed)
        rows += _pooled(transfer, own, draws)
    return rows


def p_of_printed(value: float, n: int, coefficient: Coefficient) -> float:
    """Two-sided p of a printed coefficient of n points: Pearson's by the t distribution, Spearman's exactly.

    A printed value may be larger by half of its last digit, which an exact null of steps must allow for.
    """
    if coefficient == "pearson":
        # stdtr is the distribution function behind scipy.stats.t, whose import would triple a table's job.
        from scipy.special import stdtr

        if abs(value) >= 1:
            return 0.0
        return 2 * float(stdtr(n - 2, -abs(value) * sqrt((n - 2) / (1 - value**2))))
    ranks = np.arange(n) - (n - 1) / 2
    null = np.array([ranks[list(order)] @ ranks for order in permutations(range(n))]) / (ranks @ ranks)
    return float((np.abs(null) >= abs(value) - 0.005 - 1e-12).mean())


_Scores = Mapping[tuple[str, str, int, str | None, str, str], float]
"""(suite, model, seed, training task or None, test task, metric) -> score."""


def _of_seed(cells: Sequence[SimilarityRow], scores: _Scores, kinds: Mapping[tuple[str, str], Kind]) -> Transfer:
    first = cells[0]
    train = tuple(dict.fromkeys(row.train_task for row in cells))
    test = tuple(dict.fromkeys(row.test_task for row in cells))
    depth = 1 + max(row.layer for row in cells)
    layers = {
        state: {measure: np.full((depth, len(train), len(test)), np.nan) for measure in MEASURES} for state in STATES
    }
    for row in cells:
        place = row.layer, train.index(row.train_task), test.index(row.test_task)
        for measure in MEASURES:
            value: float | None = getattr(row, measure)
            if value is not None:
                layers[row.state][measure][place] = value
    gains = {outcome: np.empty((len(train), len(test))) for outcome in OUTCOMES}
    run = first.suite, first.model, first.seed
    for (i, task), (j, other) in product(enumerate(train), enumerate(test)):
        score = SCORE[kind_of(kinds, first.suite, other)]
        gains["gain"][i, j] = _gain(scores, run, task, other, score)
        gains["loss_gain"][i, j] = -_gain(scores, run, task, other, "loss")
    setting = Setting(first.estimator, first.selection, first.percent)
    return Transfer(first.model, first.suite, first.seed, setting, train, test, layers, gains)


def _gain(scores: _Scores, run: tuple[str, str, int], train: str, test: str, metric: str) -> float:
    """What the tuned model scores above the untuned one."""
    found = []
    for task in (train, None):
        if (*run, task, test, metric) not in scores:
            named = ", ".join(str(part) for part in (*run, task, test, metric) if part is not None)
            raise InputError(f"similarities without the score of {named}", where="similarity study")
        found.append(scores[(*run, task, test, metric)])
    return found[0] - found[1]


def _mean(transfers: Sequence[Transfer]) -> Transfer:
    layers = {
        state: {measure: np.mean([one.layers[state][measure] for one in transfers], axis=0) for measure in MEASURES}
        for state in STATES
    }
    gains = {outcome: np.mean([one.gains[outcome] for one in transfers], axis=0) for outcome in OUTCOMES}
    return replace(transfers[0], seed=MEAN, layers=layers, gains=gains)


def _per_task(transfer: Transfer, *, whole: bool) -> Iterator[CorrelationRow]:
    """Rows of each test task; those of the chosen layer only where `whole` says that no further seed will come."""
    for measure, outcome, coefficient in product(MEASURES, OUTCOMES, COEFFICIENTS):
        similarity = transfer.mean("tuned", measure)
        for column, task in enumerate(transfer.test):
            gain = transfer.gains[outcome][:, column].tolist()
            found = correlation(similarity[:, column].tolist(), gain, coefficient)
            yield _row(transfer, task, measure, outcome, coefficient, "mean", found)
            if whole and len(transfer.train) <= _SELECTED_UP_TO:
                curves = transfer.layers["tuned"][measure][:, :, column]
                layer, best = selected_correlation(curves, gain, coefficient)
                yield _row(transfer, task, measure, outcome, coefficient, f"layer {layer} (selected)", best)


def _row(
    transfer: Transfer,
    task: str,
    measure: str,
    outcome: Outcome,
    coefficient: Coefficient,
    layers: str,
    found: Correlation,
) -> CorrelationRow:
    return CorrelationRow(
        study="similarity",
        model=transfer.model,
        suite=transfer.suite,
        seed=transfer.seed,
        **vars(transfer.setting),
        state="tuned",
        scope="test_task",
        group=task,
        measure=measure,
        outcome=outcome,
        layers=layers,
        coefficient=coefficient,
        given="",
        n=found.n,
        value=found.value,
        low=found.low,
        high=found.high,
        p_value=found.p_value,
        permutations=found.permutations or None,
        exact=found.exact,
        reason=found.reason,
    )


def _pooled(transfer: Transfer, described: Mapping[str, DescribedTask], draws: int) -> Iterator[CorrelationRow]:
    train, test = ([described[name] for name in names] for names in (transfer.train, transfer.test))
    same = {
        "kind": np.array([[float(one.kind == other.kind) for other in test] for one in train]),
        "family": np.array([[float(one.family == other.family) for other in test] for one in train]),
    }
    for state, measure, outcome, given in product(STATES, MEASURES, OUTCOMES, GIVEN):
        found = crossed_test(
            transfer.mean(state, measure),
            transfer.gains[outcome],
            nuisance=[matrix for name, matrix in same.items() if name in given],
            centred="means" in given,
            draws=draws,
        )
        yield CorrelationRow(
            study="similarity",
            model=transfer.model,
            suite=transfer.suite,
            seed=transfer.seed,
            **vars(transfer.setting),
            state=state,
            scope="pooled",
            group="all",
            measure=measure,
            outcome=outcome,
            layers="mean",
            coefficient="spearman within test tasks",
            given=given,
            n=found.rows * found.columns,
            value=found.value,
            p_value=found.p_value,
            permutations=found.permutations or None,
            exact=found.exact,
            reason=found.reason,
        )


def _beside(row: CorrelationRow, theirs: str | None, published: Sequence[PaperCorrelation]) -> CorrelationRow:
    """With the printed coefficient of the paper's task that the test task mirrors, and what six points make of it."""
    if theirs is None or (row.measure, row.outcome, row.layers) != ("masked_cosine", "gain", "mean"):
        return row
    row = replace(row, published_task=theirs)
    for one in published:
        if (one.test_task, one.coefficient) == (theirs, row.coefficient):
            low, high = fisher_interval(one.r, PUBLISHED_MODELS, one.coefficient)
            row = replace(
                row,
                published=one.r,
                published_p=one.p_value,
                published_low=low,
                published_high=high,
                published_p_exact=p_of_printed(one.r, PUBLISHED_MODELS, one.coefficient),
            )
    return row


def _adjusted(rows: Sequence[CorrelationRow]) -> list[CorrelationRow]:
    """With p-values adjusted over the test tasks of one measure, outcome, coefficient and way of taking layers."""

    def family(row: CorrelationRow) -> tuple[str, str, str, bool]:
        return row.measure, row.outcome, row.coefficient, row.layers == "mean"

    families: dict[tuple[str, str, str, bool], list[float]] = defaultdict(list)
    for row in rows:
        if row.p_value is not None:
            families[family(row)].append(row.p_value)
    values = {name: iter(holm(own)) for name, own in families.items()}
    return [row if row.p_value is None else replace(row, p_holm=next(values[family(row)])) for row in rows]
