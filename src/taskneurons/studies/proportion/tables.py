"""Growing shares of the trained neurons: tables of Figures 2 and 6 of Leng & Xiong 2025."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any, NamedTuple

import numpy as np

from taskneurons.evidence.changes import called
from taskneurons.evidence.could_show import SETTINGS, SettingRow, setting_rows
from taskneurons.evidence.intervals import stated
from taskneurons.evidence.tasks import KINDS, DescribedTask, Kind, described_tasks
from taskneurons.evidence.trained import TRAINED, Trained, gather_trained
from taskneurons.job import Job, NoSettings
from taskneurons.measures.stats import holm
from taskneurons.measures.trend import Block, rank_correlation
from taskneurons.studies.proportion.rows import (
    CONDITIONS,
    SCOPES,
    SUMMARY,
    TREND,
    Condition,
    How,
    Scope,
    SummaryRow,
    TrendRow,
)
from taskneurons.studies.proportion.scopes import Groups, Scoped, TaskGroups, scoped

PUBLISHED: Mapping[tuple[How, Kind, Scope], str] = {
    ("joint", "classification", "ID-CLS"): "rises to 70 %, then falls",
    ("joint", "generation", "ID-GEN"): "rises to 50 %, then falls",
    ("joint", "classification", "OOD-CLS"): "rises",
    ("joint", "generation", "OOD-GEN"): "rises",
    ("joint", "generation", "OOD-CLS"): "rises",
    ("joint", "classification", "OOD-GEN"): "does not transfer",
    ("single", "classification", "ID-CLS"): "rises",
    ("single", "generation", "ID-GEN"): "rises",
}
"""What Figures 2 and 6 are said to show."""


class Curve(NamedTuple):
    """What the values of a curve over growing shares have in common."""

    suite: str
    model: str
    estimator: str | None
    selection: str | None
    trained: Kind
    how: How
    scope: Scope
    condition: Condition
    metric: str

    @property
    def sign(self) -> float:
        """By which a value is multiplied so that more is better."""
        return -1.0 if self.metric == "loss" else 1.0


class Pair(NamedTuple):
    """A value, and that of the untrained model on the same task; NaN where it was not measured."""

    trained: float
    untrained: float


Units = Mapping[str, Mapping[int, Pair]]
"""The mean values of each task and seed."""


def proportion_summary(rows: Sequence[Trained], groups: Groups) -> list[SummaryRow]:
    """Mean score of each scope at each share, beside random neurons and the untrained model; see `SummaryRow`.

    Args:
        rows: of the study.
        groups: tasks that are trained on and that only test, by suite.

    Raises:
        InputError: as `scoped`.
    """
    untrained = {_tested(row): row.value for row in rows if row.condition == "zero_shot"}
    values: dict[tuple[Curve, float], list[Scoped]] = defaultdict(list)
    for value in scoped(rows, groups):
        values[_curve(value), value.percent].append(value)
    units = {point: _units(own, untrained) for point, own in values.items()}
    summary = []
    for (curve, percent), own in values.items():
        row = _mean(curve, percent, own, units[curve, percent])
        random = units.get((curve._replace(condition="random"), percent))
        if curve.condition != "random" and random:
            row = _over_random(row, units[curve, percent], random, curve.sign)
        summary.append(row)
    return sorted(summary, key=lambda row: (*_order(row), row.percent))


def proportion_trend(rows: Sequence[Trained], groups: Groups) -> list[TrendRow]:
    """Does the score go with the share of the trained neurons? See `TrendRow`.

    Since one model stands behind several tested tasks, the shares of a series are permuted for all of them together
    (`taskneurons.measures.trend`).

    Args:
        rows: of the study.
        groups: tasks that are trained on and that only test, by suite.

    Raises:
        InputError: as `scoped`.
    """
    curves: dict[Curve, list[Scoped]] = defaultdict(list)
    for value in scoped(rows, groups):
        curves[_curve(value)].append(value)
    trends = [_trend(curve, own) for curve, own in curves.items()]
    families: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for place, row in enumerate(trends):
        if row.p_value is not None:
            metric = "score" if row.metric in ("accuracy", "rougeL") else row.metric
            families[row.suite, row.model, metric].append(place)
    for family in families.values():
        known = [p for place in family if (p := trends[place].p_value) is not None]
        for place, p in zip(family, holm(known), strict=True):
            trends[place] = replace(trends[place], p_holm=p)
    return sorted(trends, key=_order)


def rates_of(values: Iterable[Scoped]) -> str:
    """The learning rates of some values, in words."""
    rates = {value.row.learning_rate for value in values if value.row.learning_rate is not None}
    return ", ".join(f"{rate:g}" for rate in sorted(rates))


def _curve(value: Scoped) -> Curve:
    row = value.row
    return Curve(
        row.suite, row.model, row.estimator, row.selection, value.trained, value.how, value.scope, value.condition,
        row.metric,
    )  # fmt: skip


def _tested(row: Trained) -> tuple[str, str, int, str, str]:
    """The run and the test that a value belongs to."""
    return row.suite, row.model, row.seed, row.test_task, row.metric


def _units(values: Iterable[Scoped], untrained: Mapping[tuple[str, str, int, str, str], float]) -> Units:
    """Means over random draws and, where tasks were trained together, for each tested task, else for each trained one.

    Args:
        values: of one curve at one share.
        untrained: what the untrained model scores in each test.
    """
    found: dict[str, dict[int, list[Pair]]] = defaultdict(lambda: defaultdict(list))
    for value in values:
        row = value.row
        unit = row.test_task if value.how == "joint" else str(row.train_task)
        found[unit][row.seed].append(Pair(row.value, untrained.get(_tested(row), math.nan)))
    return {
        unit: {seed: Pair(*map(fmean, zip(*pairs, strict=True))) for seed, pairs in seeds.items()}
        for unit, seeds in found.items()
    }


def _mean(curve: Curve, percent: float, values: Sequence[Scoped], units: Units) -> SummaryRow:
    """The row of one share without its difference to random neurons."""
    rows = [value.row for value in values]
    before = fmean(fmean(pair.untrained for pair in seeds.values()) for seeds in units.values())
    mean = stated([{seed: pair.trained for seed, pair in seeds.items()} for seeds in units.values()])
    change = stated(
        [
            {seed: curve.sign * (pair.trained - pair.untrained) for seed, pair in seeds.items()}
            for seeds in units.values()
        ]
    )
    fewest: dict[str, int] = {}
    for row in rows:
        fewest[row.test_task] = min(row.n, fewest.get(row.test_task, row.n))
    return SummaryRow(
        **curve._asdict(),
        percent=percent,
        share=fmean(row.share for row in rows if row.share is not None),
        learning_rate=rates_of(values),
        before=before if math.isfinite(before) else None,
        after=mean.mean,
        low=mean.low,
        high=mean.high,
        interval=mean.interval,
        change=change.mean,
        change_low=change.low,
        change_high=change.high,
        change_interval=change.interval,
        called=called(change.low, change.high, seen=curve.scope.startswith("ID")),
        seeds=len({seed for seeds in units.values() for seed in seeds}),
        tasks=len(units),
        draws=len({row.draw for row in rows}),
        n=sum(fewest.values()),
    )


def _over_random(row: SummaryRow, units: Units, random: Units, sign: float) -> SummaryRow:
    over = stated(
        [
            {
                seed: sign * (pair.trained - random[unit][seed].trained)
                for seed, pair in seeds.items()
                if seed in random.get(unit, {})
            }
            for unit, seeds in units.items()
        ]
    )
    return replace(
        row,
        over_random=over.mean,
        over_random_low=over.low,
        over_random_high=over.high,
        over_random_interval=over.interval,
    )


def _trend(curve: Curve, values: Sequence[Scoped]) -> TrendRow:
    """The trend of one curve, its p-value not adjusted."""
    series = _series(values, curve.sign)
    trend = rank_correlation(series)
    by_percent: dict[float, list[float]] = defaultdict(list)
    for value in values:
        by_percent[value.percent].append(curve.sign * value.row.value)
    means = {percent: fmean(found) for percent, found in sorted(by_percent.items())}
    first, last = min(means), max(means)
    return TrendRow(
        **curve._asdict(),
        correlation=trend.value,
        p_value=trend.p_value,
        p_holm=None,
        permutations=trend.permutations or None,
        exact=trend.exact if trend.permutations else None,
        models=trend.units,
        series=len(series),
        first_percent=first,
        last_percent=last,
        change=means[last] - means[first],
        best_percent=max(means, key=lambda percent: means[percent]),
        learning_rates=rates_of(values),
        published=PUBLISHED.get((curve.how, curve.trained, curve.scope), ""),
        reason=trend.reason,
    )


def _series(values: Iterable[Scoped], sign: float) -> list[Block]:
    """For each seed and trained data: the shares of the models, and what each tested task scores."""
    series: dict[tuple[int, str | None], dict[tuple[float, int], dict[str, float]]] = {}
    for value in values:
        row = value.row
        models = series.setdefault((row.seed, row.train_task), defaultdict(dict))
        models[value.percent, -1 if row.draw is None else row.draw][row.test_task] = sign * row.value
    blocks = []
    for models in series.values():
        tasks = sorted({task for scores in models.values() for task in scores})
        responses = [[scores.get(task, np.nan) for task in tasks] for scores in models.values()]
        blocks.append((np.array([percent for percent, _ in models]), np.array(responses)))
    return blocks


def _order(row: SummaryRow | TrendRow) -> tuple[Any, ...]:
    return (
        row.suite, row.model, row.estimator, row.selection, KINDS.index(row.trained), row.how,
        SCOPES.index(row.scope), row.metric, CONDITIONS.index(row.condition),
    )  # fmt: skip


def settings_of(rows: Sequence[Trained], tasks: Sequence[DescribedTask], groups: Groups) -> list[SettingRow]:
    """Whether joint training could show an effect on unseen tasks: see `SettingRow`. What was trained are task neurons.

    Args:
        rows: of the study.
        tasks: of every suite in the rows.
        groups: tasks that are trained on and that only test, by suite.

    Raises:
        InputError: a row's task is not described in `tasks`.
    """
    unseen = {task for own in groups.values() for kind in KINDS for task in own.unseen(kind)}
    pairs = [(trained, tested) for trained in KINDS for tested in KINDS]
    return setting_rows(rows, tasks, pairs, unseen, lambda row: row.condition == "task")


# Jobs


@dataclass(frozen=True)
class SummariseSettings:
    """Settings of `summarise`.

    Attributes:
        groups: tasks that are trained on and that only test, by suite.
    """

    groups: Mapping[str, TaskGroups]


def tabulate(job: Job[NoSettings]) -> None:
    """Gather what the trained models score."""
    TRAINED.write(job.outputs.one("table"), gather_trained(job.inputs["rows"], "proportion"))


def summarise(job: Job[SummariseSettings]) -> None:
    """Scores at every share of the neurons with intervals, and the test of their trend (Figures 2 and 6)."""
    rows = TRAINED.read(job.inputs.one("rows"))
    SUMMARY.write(job.outputs.one("summary"), proportion_summary(rows, job.settings.groups))
    TREND.write(job.outputs.one("trend"), proportion_trend(rows, job.settings.groups))
    tasks = described_tasks(job.inputs["tasks"])
    SETTINGS.write(job.outputs.one("setting"), settings_of(rows, tasks, job.settings.groups))
