"""Rows of the summary without numbers, and the mean of rows over seeds."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from statistics import fmean

from taskneurons.measures.stats import Interval, t_interval
from taskneurons.studies.overlap.rows import MEAN, Scope, SummaryRow
from taskneurons.studies.overlap.sets import TaskSets

ONE_SEED = f"not available: {t_interval([0.0]).reason}"
"""Why one seed has no interval."""


def blank(sets: TaskSets, scope: Scope, group: str, layer: int | None = None) -> SummaryRow:
    """A row of one seed that says what will be measured."""
    return SummaryRow(*sets.setting, scope, group, layer)


def mean_over_seeds(rows: Sequence[SummaryRow]) -> SummaryRow:
    """The mean over seeds of values, chance, excess and ceilings, with t intervals of values and excesses.

    Args:
        rows: one a seed. Where one has a reason, the mean has no numbers and names it.
    """
    first = rows[0]
    mean = SummaryRow(
        first.study, first.model, first.suite, MEAN, first.estimator, first.selection, first.percent,
        first.scope, first.group, first.layer,
    )  # fmt: skip
    reasons = [f"seed {row.seed}: {row.reason}" for row in rows if row.reason]
    if reasons:
        return replace(mean, reason="; ".join(reasons))
    value = _interval(row.value for row in rows)
    model = _interval(row.excess_model for row in rows)
    layer = _interval(row.excess_layer for row in rows)
    return replace(
        mean,
        value=value.mean,
        low=value.low,
        high=value.high,
        expected_model=_mean(row.expected_model for row in rows),
        null_model=_mean(row.null_model for row in rows),
        excess_model=model.mean,
        excess_model_low=model.low,
        excess_model_high=model.high,
        null_layer=_mean(row.null_layer for row in rows),
        excess_layer=layer.mean,
        excess_layer_low=layer.low,
        excess_layer_high=layer.high,
        value_halves=_mean(row.value_halves for row in rows),
        ceiling=_mean(row.ceiling for row in rows),
        interval="95 % t over seeds" if value.available else f"not available: {value.reason}",
    )


def _known(values: Iterable[float | None]) -> list[float]:
    """All values, or none where one is missing."""
    every = list(values)
    known = [value for value in every if value is not None]
    return known if len(known) == len(every) else []


def _mean(values: Iterable[float | None]) -> float | None:
    known = _known(values)
    return fmean(known) if known else None


def _interval(values: Iterable[float | None]) -> Interval:
    return t_interval(_known(values))
