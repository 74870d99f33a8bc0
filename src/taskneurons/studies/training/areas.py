"""Curves as a whole: the area under each, the steps until a fixed loss, and the advantage over all that can decide."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import fmean
from typing import Any

from taskneurons.evidence.intervals import in_words, stated
from taskneurons.evidence.tasks import MEANS
from taskneurons.evidence.trained import Condition
from taskneurons.measures.stats import t_interval
from taskneurons.studies.training.curves import PAIRS, GridCell, Group, TaskCurves
from taskneurons.studies.training.rows import AdvantageRow, AreaRow

HALF_WAY = 0.5
"""The fixed loss lies here between that of the untrained model and the least that anything reaches."""


def area_rows(found: Iterable[Group]) -> list[AreaRow]:
    """The areas of every pair of conditions in every cell; see `AreaRow`."""
    return [
        row
        for group in found
        for cell in group.cells
        for pair in PAIRS
        if pair[1] != "zero_shot" and (row := _area_row(group, cell, *pair)) is not None
    ]


def advantage_rows(found: Iterable[Group], *, centre: float) -> list[AdvantageRow]:
    """The advantage of every pair of conditions over the readings that decide; see `AdvantageRow`.

    For every kind and metric: over all cells, over those of each share and of each rate.

    Args:
        found: of `groups`.
        centre: the learning rate of which all controls were trained.
    """
    rows = []
    for group in found:
        if group.name not in MEANS.values():
            continue
        scopes = {"all": group.cells, "centre": [cell for cell in group.cells if cell.learning_rate == centre]}
        for percent in dict.fromkeys(cell.percent for cell in group.cells):
            scopes[f"share {percent:g}"] = [cell for cell in group.cells if cell.percent == percent]
        for rate in sorted({cell.learning_rate for cell in group.cells}):
            scopes[f"rate {rate:g}"] = [cell for cell in group.cells if cell.learning_rate == rate]
        for scope, cells in scopes.items():
            for pair in PAIRS:
                rows += _advantage(group, scope, cells, *pair)
    return rows


def area(curve: TaskCurves, condition: Condition, cell: GridCell, seed: int) -> float | None:
    """The mean height of a curve of one seed from the untrained model to the last reading, by trapezia."""
    points = _points(curve, condition, cell, seed)
    if len(points) < 2:
        return None
    total = sum((x2 - x1) * (y1 + y2) / 2 for (x1, y1), (x2, y2) in pairwise(points))
    return total / points[-1][0]


def steps_until(points: Sequence[tuple[int, float]], target: float) -> float | None:
    """The steps until a falling curve first reaches a target, linear between readings; None where it does not."""
    if points and points[0][1] <= target:
        return float(points[0][0])
    for (x1, y1), (x2, y2) in pairwise(points):
        if y2 <= target:
            return x1 + (x2 - x1) * (y1 - target) / (y1 - y2)
    return None


def _points(curve: TaskCurves, condition: Condition, cell: GridCell, seed: int) -> list[tuple[int, float]]:
    """(steps, value) of one seed, from the untrained model on; empty where it was not trained."""
    read = {steps: seeds[seed] for steps, seeds in curve.curve(condition, cell).items() if seed in seeds}
    return [(0, curve.start[seed]), *sorted(read.items())] if read and seed in curve.start else []


def _area_row(group: Group, cell: GridCell, condition: Condition, against: Condition) -> AreaRow | None:
    readings = group.readings(cell)
    areas: dict[Condition, list[dict[int, float]]] = {}
    for name in (condition, against):
        areas[name] = [
            {seed: found for seed in member.start if (found := area(member, name, cell, seed)) is not None}
            for member in group.members
        ]
    differences = [
        {seed: member.sign * (one[seed] - other[seed]) for seed in one if seed in other}
        for member, one, other in zip(group.members, areas[condition], areas[against], strict=True)
    ]
    if not all(differences):
        return None
    said = stated(differences)
    return AreaRow(
        **group.columns,
        task=group.name,
        percent=cell.percent,
        learning_rate=cell.learning_rate,
        condition=condition,
        against=against,
        area=fmean(fmean(seeds.values()) for seeds in areas[condition]),
        against_area=fmean(fmean(seeds.values()) for seeds in areas[against]),
        difference=said.mean,
        low=said.low,
        high=said.high,
        interval=said.interval,
        decided=sum(group.decides(cell, steps) for steps in readings),
        readings=len(readings),
        **_until(group, cell, condition, against, readings[-1]),
        seeds=len(set.intersection(*(set(seeds) for seeds in differences))),
        tasks=len(differences),
    )


def _until(group: Group, cell: GridCell, condition: Condition, against: Condition, last: int) -> dict[str, Any]:
    """The columns of `AreaRow` on steps until the fixed loss; all empty for a score."""
    if group.metric != "loss":
        names = "target steps against_steps saved saved_low saved_high reached against_reached"
        return dict.fromkeys(names.split())
    targets, until = [], {condition: list[dict[int, float]](), against: list[dict[int, float]]()}
    reached: dict[Condition, list[float]] = {condition: [], against: []}
    for member in group.members:
        start = fmean(member.start.values())
        targets.append(start + HALF_WAY * (member.best - start))
        for name in (condition, against):
            of_seeds = {}
            for seed in member.start:
                if points := _points(member, name, cell, seed):
                    steps = steps_until(points, targets[-1])
                    of_seeds[seed] = float(last) if steps is None else steps
                    reached[name].append(100.0 * (steps is not None))
            until[name].append(of_seeds)
    saved = stated(
        [
            {seed: other[seed] - one[seed] for seed in one if seed in other}
            for one, other in zip(until[condition], until[against], strict=True)
        ]
    )
    return {
        "target": fmean(targets),
        "steps": fmean(fmean(seeds.values()) for seeds in until[condition]),
        "against_steps": fmean(fmean(seeds.values()) for seeds in until[against]),
        "saved": saved.mean,
        "saved_low": saved.low,
        "saved_high": saved.high,
        "reached": fmean(reached[condition]),
        "against_reached": fmean(reached[against]),
    }


def _advantage(
    group: Group, scope: str, cells: Sequence[GridCell], condition: Condition, against: Condition
) -> list[AdvantageRow]:
    """A row for each seed, and one for their mean; none where the pair was trained in no cell of the scope."""
    measured = [(cell, steps) for cell in cells for steps in group.readings(cell)]
    measured = [at for at in measured if group.differences(condition, against, *at)]
    if not measured:
        return []
    deciding = [at for at in measured if group.decides(*at)]
    by_seed: dict[int, list[float]] = {}
    for at in deciding:
        differences = group.differences(condition, against, *at)
        for seed in set.intersection(*(set(seeds) for seeds in differences)):
            by_seed.setdefault(seed, []).append(fmean(seeds[seed] for seeds in differences))
    # A seed that lacks a reading would be averaged over others than its fellows.
    values = {seed: fmean(found) for seed, found in sorted(by_seed.items()) if len(found) == len(deciding)}
    over_seeds = t_interval(list(values.values()))

    def row(seed: int | str, value: float | None) -> AdvantageRow:
        whole = seed == "mean"
        return AdvantageRow(
            **group.columns,
            scope=scope,
            condition=condition,
            against=against,
            seed=seed,  # type: ignore[arg-type]
            value=value,
            low=over_seeds.low if whole else None,
            high=over_seeds.high if whole else None,
            interval=in_words(over_seeds) if whole else "",
            decided=len(deciding),
            readings=len(measured),
            tasks=len(group.members),
            reason="" if value is not None else "every reading is saturated or unlearned",
        )

    return [*(row(seed, value) for seed, value in values.items()), row("mean", over_seeds.mean)]
