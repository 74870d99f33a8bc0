"""The overlap of the unions of groups of tasks beside chance (Leng & Xiong 2025, Table 8).

Chance comes in three forms. `model`: every task's set lies anywhere in the model. `layer`: every set keeps its number
of neurons in each layer, since most task neurons crowd into few layers and meet there whatever they do. `unions`: the
union of a group is kept as it is and moved as one inside the layers, since the tasks of a group share neurons, which
makes their union smaller.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from taskneurons.errors import InputError
from taskneurons.measures.overlap_null import independent_jaccard, union_draws
from taskneurons.studies.overlap.means import ONE_SEED, blank, mean_over_seeds
from taskneurons.studies.overlap.rows import GROUPS, SummaryRow
from taskneurons.studies.overlap.sets import TaskSets, jaccard, members


def union_rows(
    found: Sequence[TaskSets], groups: Mapping[str, Sequence[str]], group: str, layer: int | None, permutations: int
) -> Iterator[SummaryRow]:
    """Rows of one row of Table 8: each seed, and their mean.

    Args:
        found: the sets of each seed of one model.
        groups: the tasks of `train_classification`, `test_classification` and so on.
        group: of `GROUPS`.
        layer: one alone; None: all together.
        permutations: draws of each null.

    Raises:
        InputError: a task has no scores.
    """
    of_training, of_test = GROUPS[group]
    trained, tested = groups[f"train_{of_training}"], groups[f"test_{of_test}"]
    rows: list[SummaryRow] = []
    nulls: list[_Null] = []
    for sets in found:
        if absent := {*trained, *tested} - set(sets.run.whole):
            raise InputError(f"task `{min(absent)}` of the groups has no scores", where=sets.run.suite)
        row = blank(sets, "unions", group, layer)
        reason = sets.why_not((*trained, *tested))
        value = None if reason else jaccard(sets.union(trained), sets.union(tested), layer)
        if value is None:
            reason = reason or "no neurons of either group lie in this layer"
            rows.append(replace(row, interval=ONE_SEED, reason=reason))
            continue
        nulls.append(_null(sets, trained, tested, layer, permutations))
        row = replace(row, value=value, interval=ONE_SEED)
        if layer is None:
            row = replace(
                row,
                expected_model=_independent(sets, trained, tested),
                value_halves=sets.crossed(trained, tested),
                ceiling=sets.ceiling(trained, tested),
            )
        rows.append(_beside(row, nulls[-1]))
    yield from rows
    if len(rows) > 1:
        mean = mean_over_seeds(rows)
        # Permutations of all seeds are averaged one by one, so that p is that of the mean.
        yield mean if mean.reason else _beside(mean, _mean(nulls))


@dataclass(frozen=True)
class _Null:
    """Overlaps of permuted sets, in percent; those over the model are not drawn for a single layer."""

    layer: np.ndarray
    unions: np.ndarray
    model: np.ndarray | None


@dataclass(frozen=True)
class _Beside:
    """A value beside its permuted ones."""

    expected: float | None = None
    low: float | None = None
    high: float | None = None
    excess: float | None = None
    p: float | None = None


def _null(sets: TaskSets, trained: Sequence[str], tested: Sequence[str], layer: int | None, permutations: int) -> _Null:
    def draw(first: np.ndarray, second: np.ndarray, size: int) -> np.ndarray:
        return 100 * union_draws(first, second, size, draws=permutations, seed=sets.run.seed)

    first, second = (sets.counts(tasks, layer) for tasks in (trained, tested))
    one, other = (members(sets.union(tasks), layer)[None] for tasks in (trained, tested))
    model = None
    if layer is None:
        one_layer, other_layer = (counts.sum(axis=1, keepdims=True) for counts in (first, second))
        model = draw(one_layer, other_layer, sets.size * first.shape[1])
    return _Null(draw(first, second, sets.size), draw(one, other, sets.size), model)


def _independent(sets: TaskSets, trained: Sequence[str], tested: Sequence[str]) -> float | None:
    size = sets.size * sets.run.shape[0]
    one, other = (sets.counts(tasks, None).sum(axis=1, keepdims=True) / size for tasks in (trained, tested))
    expected = independent_jaccard(one, other)
    return None if expected is None else 100 * expected


def _mean(nulls: Sequence[_Null]) -> _Null:
    model = [null.model for null in nulls if null.model is not None]
    return _Null(
        np.mean([null.layer for null in nulls], axis=0),
        np.mean([null.unions for null in nulls], axis=0),
        np.mean(model, axis=0) if model else None,
    )


def _beside(row: SummaryRow, null: _Null) -> SummaryRow:
    model, layer, unions = (_against(row.value, drawn) for drawn in (null.model, null.layer, null.unions))
    return replace(
        row,
        null_model=model.expected,
        null_model_low=model.low,
        null_model_high=model.high,
        excess_model=model.excess,
        p_model=model.p,
        null_layer=layer.expected,
        null_layer_low=layer.low,
        null_layer_high=layer.high,
        excess_layer=layer.excess,
        p_layer=layer.p,
        null_unions=unions.expected,
        excess_unions=unions.excess,
        p_unions=unions.p,
    )


def _against(value: float | None, null: np.ndarray | None) -> _Beside:
    if value is None or null is None:
        return _Beside()
    expected = float(null.mean())
    low, high = np.quantile(null, [0.025, 0.975])
    tails = int((null >= value - 1e-9).sum()), int((null <= value + 1e-9).sum())
    p = min(1.0, 2 * (1 + min(tails)) / (1 + len(null)))
    return _Beside(expected, float(low), float(high), value - expected, p)
