"""What each task gains when neurons are trained (Leng & Xiong 2025, Tables 2 and 7), with intervals and tests."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, stdev
from typing import Any, Literal, NamedTuple

from taskneurons.evidence.chance import at_chance
from taskneurons.evidence.intervals import Stated, signed_rank, stated
from taskneurons.evidence.tasks import KINDS, MEANS, DescribedTask, Kind, kind_of, task_kinds
from taskneurons.evidence.trained import CONDITIONS, UNSELECTED, Condition, Trained
from taskneurons.measures.stats import holm
from taskneurons.studies.training.rows import NO_SETTING, Setting, SummaryRow, setting_of


class Cell(NamedTuple):
    """What the values of one row of the table have in common."""

    suite: str
    model: str
    setting: Setting
    condition: Condition
    task: str
    kind: Kind | Literal["all"]
    metric: str


Repeats = dict[int | None, float]
"""The value of each random draw."""
PerSeed = Mapping[Cell, Mapping[int, float]]


def arms(rows: Iterable[Trained]) -> list[Trained]:
    """The rows of the table: every task tested by the model that was trained on it, and the untrained model.

    Of the models that train another task's neurons only the table's arm is taken, whose rows have a draw.
    """
    return [
        row
        for row in rows
        if row.condition == "zero_shot"
        or (row.train_task == row.test_task and (row.condition != "other_task" or row.draw is not None))
    ]


def training_summary(rows: Iterable[Trained], tasks: Sequence[DescribedTask]) -> list[SummaryRow]:
    """Means over seeds, gains over the untrained model and over as many random neurons; see `SummaryRow`.

    Args:
        rows: of the study.
        tasks: of every suite in the rows.

    Raises:
        InputError: a row's task is not described in `tasks`.
    """
    kinds = task_kinds(tasks)
    chances = {(task.suite, task.name): task.chance for task in tasks}
    values: dict[Cell, dict[int, Repeats]] = defaultdict(lambda: defaultdict(dict))
    behind: dict[Cell, list[Trained]] = defaultdict(list)
    for row in arms(rows):
        kind = kind_of(kinds, row.suite, row.test_task)
        cell = Cell(row.suite, row.model, setting_of(row), row.condition, row.test_task, kind, row.metric)
        values[cell][row.seed][row.draw] = row.value
        behind[cell].append(row)
    averages = _add_averages(values)
    per_seed = {cell: {seed: fmean(v.values()) for seed, v in seeds.items()} for cell, seeds in values.items()}

    summary = []
    for cell, seeds in values.items():
        members = averages.get(cell, [cell])
        mean = _mean(cell, seeds, stated([per_seed[member] for member in members]), [behind[m] for m in members])
        if cell.condition != "zero_shot":
            mean = _with_gain(mean, _difference(per_seed, members, "zero_shot", NO_SETTING))
        if cell.condition not in (*UNSELECTED, "random"):
            mean = _with_over_random(mean, _difference(per_seed, members, "random", cell.setting))
        if cell in averages:
            mean = replace(mean, tasks=len(members))
        chance = chances.get((cell.suite, cell.task)) if cell.metric != "loss" else None
        if chance is not None:
            mean = replace(mean, chance=chance, at_chance=at_chance(fmean(per_seed[cell].values()), mean.n, chance))
        summary.append(mean)
    return sorted(_adjusted(summary), key=lambda row: _order(row, tasks))


def _add_averages(values: dict[Cell, dict[int, Repeats]]) -> dict[Cell, list[Cell]]:
    """Add the averages over tasks to the values; the cells that each of them is made of."""
    groups: dict[Cell, list[Cell]] = defaultdict(list)
    expected: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for cell in values:
        averages: list[tuple[str, Kind | Literal["all"]]] = []
        if cell.kind != "all":
            averages.append((MEANS[cell.kind], cell.kind))
        if cell.metric == "loss":
            averages.append(("mean_all", "all"))
        for name, kind in averages:
            groups[cell._replace(task=name, kind=kind)].append(cell)
            expected[cell.suite, cell.model, kind].add(cell.task)
    made: dict[Cell, list[Cell]] = {}
    for average, members in groups.items():
        if {member.task for member in members} != expected[average.suite, average.model, average.kind]:
            continue
        for seed in set.intersection(*(set(values[member]) for member in members)):
            draws = set.intersection(*(set(values[member][seed]) for member in members))
            if average.condition == "random" and draws:
                # The same draws for every task, so that their spread is that of the whole average.
                repeats = {draw: fmean(values[member][seed][draw] for member in members) for draw in draws}
            else:
                repeats = {None: fmean(fmean(values[member][seed].values()) for member in members)}
            values.setdefault(average, defaultdict(dict))[seed] = repeats
            made[average] = members
    return made


def _mean(cell: Cell, seeds: Mapping[int, Repeats], mean: Stated, behind: Iterable[Sequence[Trained]]) -> SummaryRow:
    """The row of a cell without its differences."""
    rows = [row for some in behind for row in some]
    shares = [row.share for row in rows if row.share is not None]
    rates = sorted({row.learning_rate for row in rows if row.learning_rate is not None})
    fewest: dict[str, int] = {}
    for row in rows:
        fewest[row.test_task] = min(row.n, fewest.get(row.test_task, row.n))
    spreads = [stdev(repeats.values()) for repeats in seeds.values() if len(repeats) > 1]
    return SummaryRow(
        suite=cell.suite,
        model=cell.model,
        estimator=cell.setting.estimator,
        percent=cell.setting.percent,
        selection=cell.setting.selection,
        condition=cell.condition,
        task=cell.task,
        kind=cell.kind,
        metric=cell.metric,
        share=fmean(shares) if shares else None,
        learning_rate=", ".join(f"{rate:g}" for rate in rates) or None,
        seeds=len(seeds),
        value=mean.mean,
        low=mean.low,
        high=mean.high,
        interval=mean.interval,
        draws=min(map(len, seeds.values())),
        draw_sd=fmean(spreads) if spreads else None,
        n=sum(fewest.values()),
    )


@dataclass(frozen=True)
class _Difference:
    """A difference between two conditions; its p and the number of tasks that are better, for averages alone."""

    of: Stated
    p: float | None = None
    tasks: int | None = None


def _difference(per_seed: PerSeed, members: Sequence[Cell], condition: Condition, setting: Setting) -> _Difference:
    """The difference to the same tasks under another condition: by seed, and task by task."""
    differences = []
    for cell in members:
        sign = -1.0 if cell.metric == "loss" else 1.0
        beside = per_seed.get(cell._replace(condition=condition, setting=setting), {})
        own = per_seed[cell]
        differences.append({seed: sign * (value - beside[seed]) for seed, value in own.items() if seed in beside})
    shown = stated(differences)
    if len(members) == 1 or shown.mean is None:
        return _Difference(shown)
    shared = set.intersection(*map(set, differences))
    by_task = [fmean(found[seed] for seed in shared) for found in differences]
    return _Difference(shown, signed_rank(by_task), sum(value > 0 for value in by_task))


def _with_gain(row: SummaryRow, gain: _Difference) -> SummaryRow:
    return replace(
        row,
        gain=gain.of.mean,
        gain_low=gain.of.low,
        gain_high=gain.of.high,
        gain_interval=gain.of.interval,
        gain_p=gain.p,
        gain_tasks=gain.tasks,
    )


def _with_over_random(row: SummaryRow, over: _Difference) -> SummaryRow:
    return replace(
        row,
        over_random=over.of.mean,
        over_random_low=over.of.low,
        over_random_high=over.of.high,
        over_random_interval=over.of.interval,
        over_random_p=over.p,
        over_random_tasks=over.tasks,
    )


def _adjusted(summary: Sequence[SummaryRow]) -> list[SummaryRow]:
    """The rows with p-values adjusted over all conditions and settings of one model, kind and metric."""
    families: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for place, row in enumerate(summary):
        families[row.suite, row.model, row.kind, row.metric].append(place)
    rows = list(summary)
    for family in families.values():
        gains = {place: p for place in family if (p := rows[place].gain_p) is not None}
        for place, p in zip(gains, holm(list(gains.values())), strict=True):
            rows[place] = replace(rows[place], gain_p_holm=p)
        over = {place: p for place in family if (p := rows[place].over_random_p) is not None}
        for place, p in zip(over, holm(list(over.values())), strict=True):
            rows[place] = replace(rows[place], over_random_p_holm=p)
    return rows


def _order(row: SummaryRow, tasks: Sequence[DescribedTask]) -> tuple[Any, ...]:
    """Run, setting, condition, kind, task in the order of the suite with the average last, metric."""
    names = [task.name for task in tasks if task.suite == row.suite]
    place = names.index(row.task) if row.task in names else len(names)
    setting = tuple((cell is not None, cell or 0) for cell in (row.estimator, row.percent, row.selection))
    return (
        row.suite, row.model, setting, CONDITIONS.index(row.condition), [*KINDS, "all"].index(row.kind), place,
        row.metric,
    )  # fmt: skip
