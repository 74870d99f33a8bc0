"""Scores under each condition, and the drops against the original model, over seeds (Leng & Xiong 2025, Table 1)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, stdev
from typing import Any, NamedTuple

import numpy as np

from taskneurons.evidence.intervals import in_words
from taskneurons.evidence.measurements import CONDITIONS, NO_SETTING, Condition, Measurement, Metric
from taskneurons.evidence.tasks import KINDS, MEANS, DescribedTask, Kind, kind_of, task_kinds
from taskneurons.measures.stats import Interval, paired_difference, t_interval
from taskneurons.studies.deactivation.chance import at_chance, guessed
from taskneurons.studies.deactivation.rows import Group, SummaryRow


class Case(NamedTuple):
    """What one row of the summary is about: a task or the average over a kind, under a condition, by a metric."""

    group: Group
    condition: Condition
    task: str
    kind: Kind
    metric: Metric


Values = dict[int, dict[int | str | None, float]]
"""Seed -> random draw, or task whose set it is -> value."""


def group_of(row: Measurement) -> Group:
    """The run and the setting of a measurement; the original model has no setting."""
    setting = NO_SETTING if row.condition == "original" else row.setting
    return Group(row.suite, row.model, **vars(setting))


def summarise_deactivation(rows: Iterable[Measurement], tasks: Sequence[DescribedTask]) -> list[SummaryRow]:
    """Means over seeds with t intervals, and drops against the original model paired by seed.

    Within a seed the random draws, and the sets of the other tasks, are averaged first; `draws` says how many there
    were and `draw_sd` is their standard deviation, averaged over seeds. The tasks `mean_cls` and `mean_gen` are
    averages over all tasks of that kind that the original model does better than by chance, made within each seed
    that has them all (for `random`, `draw_sd` is then that of the average of each draw). `interval` is `95 % t`, or
    says why there is none. A score stands beside the level of chance, and `at_chance` says whether it is no better:
    such a task tells nothing.

    Args:
        rows: of any runs.
        tasks: of every suite in the rows.

    Returns:
        By run, setting, condition, kind, task in the order of the suite with the average last, and metric.

    Raises:
        InputError: a row's task is not described in `tasks`.
    """
    rows, kinds = list(rows), task_kinds(tasks)
    known = {(task.suite, task.name): task for task in tasks}
    cases: dict[Case, Values] = defaultdict(lambda: defaultdict(dict))
    counts: dict[Case, int] = {}
    for row in rows:
        kind = kind_of(kinds, row.suite, row.test_task)
        case = Case(group_of(row), row.condition, row.test_task, kind, row.metric)
        repeat = row.draw if row.condition == "random" else row.train_task
        cases[case][row.seed][repeat] = row.value
        counts[case] = min(row.n, counts.get(case, row.n))
    _add_kind_means(cases, counts, guessed(rows, tasks))

    by_seed = {
        case: {seed: fmean(repeats.values()) for seed, repeats in values.items()} for case, values in cases.items()
    }
    summary = []
    for case, values in cases.items():
        group, own = case.group, by_seed[case]
        untouched = case._replace(group=Group(group.suite, group.model, **vars(NO_SETTING)), condition="original")
        original = by_seed.get(untouched, {})
        of_seeds = [own[seed] for seed in sorted(own)]
        interval = t_interval(of_seeds)
        drop = paired_difference(own, original) if case.metric == "loss" else paired_difference(original, own)
        spreads = [stdev(repeats.values()) for repeats in values.values() if len(repeats) > 1]
        task = None if case.metric == "loss" else known.get((group.suite, case.task))
        summary.append(
            SummaryRow(
                **vars(group),
                condition=case.condition,
                task=case.task,
                kind=case.kind,
                metric=case.metric,
                seeds=len(own),
                value=float(np.mean(of_seeds)),
                low=interval.low,
                high=interval.high,
                interval=in_words(interval),
                **_drop_columns(None if case.condition == "original" else drop),
                draws=min(map(len, values.values())),
                draw_sd=fmean(spreads) if spreads else None,
                n=counts[case],
                chance=None if task is None else task.chance,
                at_chance=None if task is None else at_chance(fmean(own.values()), counts[case], task),
            )
        )
    places = {(task.suite, task.name): place for place, task in enumerate(tasks)}
    return sorted(summary, key=lambda row: _order(row, places))


def _drop_columns(drop: Interval | None) -> dict[str, Any]:
    if drop is None:
        return {"drop": None, "drop_low": None, "drop_high": None, "drop_interval": ""}
    return {"drop": drop.mean, "drop_low": drop.low, "drop_high": drop.high, "drop_interval": in_words(drop)}


def _order(row: SummaryRow, places: Mapping[tuple[str, str], int]) -> tuple[Any, ...]:
    setting = tuple((cell is not None, cell or 0) for cell in vars(row.setting).values())
    place = places.get((row.suite, row.task), len(places))
    return row.suite, row.model, setting, CONDITIONS.index(row.condition), KINDS.index(row.kind), place, row.metric


def _add_kind_means(cases: dict[Case, Values], counts: dict[Case, int], left_out: set[tuple[str, str, str]]) -> None:
    """Add the average over each kind of tasks as one more task."""
    members: dict[Case, list[Case]] = defaultdict(list)
    expected: dict[tuple[str, str, Kind], set[str]] = defaultdict(set)
    for case in cases:
        suite, model = case.group.suite, case.group.model
        if (suite, model, case.task) not in left_out:
            members[case._replace(task=MEANS[case.kind])].append(case)
            expected[suite, model, case.kind].add(case.task)
    for mean, of_tasks in members.items():
        if {case.task for case in of_tasks} != expected[mean.group.suite, mean.group.model, mean.kind]:
            continue
        for seed in set.intersection(*(set(cases[case]) for case in of_tasks)):
            repeats = set.intersection(*(set(cases[case][seed]) for case in of_tasks))
            if mean.condition == "random" and repeats:
                # The same draws for every task, so that their spread is that of the whole average.
                cases[mean][seed] = {draw: fmean(cases[case][seed][draw] for case in of_tasks) for draw in repeats}
            else:
                cases[mean][seed] = {None: fmean(fmean(cases[case][seed].values()) for case in of_tasks)}
        if mean in cases:
            counts[mean] = sum(counts[case] for case in of_tasks)
