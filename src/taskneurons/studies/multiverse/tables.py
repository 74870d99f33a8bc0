"""Tables of the multiverse: every specification, what all say together, and how much each choice explains."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from statistics import fmean, median
from typing import Literal

import numpy as np
from jaxtyping import Float

from taskneurons.evidence.tasks import KINDS, SCORE
from taskneurons.job import Job
from taskneurons.measures.stats import sign_flip_p, t_interval
from taskneurons.studies.multiverse.grid import CHOICES, LEVELS, RANDOM
from taskneurons.studies.multiverse.rows import (
    CHOICE_SHARES,
    CURVES,
    LEVEL_MEANS,
    MEASURED,
    METRICS,
    SPECIFICATIONS,
    ChoiceRow,
    CurveRow,
    LevelRow,
    MeasuredRow,
    Metric,
    Outcome,
    Specification,
    SpecificationRow,
    share,
)

CurveKey = tuple[str, str, Metric]
"""Model, suite and metric: the specifications of one curve."""
OUTCOMES: tuple[Outcome, ...] = ("difference", "own", "neutral_rise")


@dataclass(frozen=True)
class Pattern:
    """The paper's pattern, in points that means over tasks round to.

    Attributes:
        difference: what own neurons cost beyond random ones, from the smallest to the largest.
        random: what random neurons cost.
    """

    difference: tuple[int, int]
    random: tuple[int, int]

    def fits(self, difference: float, control: float) -> bool:
        """Whether both are within, rounded half up."""
        return all(
            low <= int(np.floor(value + 0.5)) <= high
            for value, (low, high) in ((difference, self.difference), (control, self.random))
        )


def summarise_multiverse(
    rows: Iterable[MeasuredRow], *, health: float, pattern: Pattern
) -> tuple[list[SpecificationRow], list[CurveRow]]:
    """Mean effects of each specification over tasks, by rank of the difference, and what the curves say.

    Seeds are averaged within each task.

    Args:
        rows: of all runs.
        health: largest rise of the loss on neutral text of a healthy model, %.
        pattern: what counts as the paper's.
    """
    cells: dict[CurveKey, dict[Specification, list[MeasuredRow]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        # Accuracy of classifications and ROUGE-L of generations are one score.
        metric: Metric = "score" if row.metric == SCORE[row.kind] else "loss"
        cells[row.model, row.suite, metric][row.specification].append(row)
    specifications: list[SpecificationRow] = []
    curves: list[CurveRow] = []
    for curve in sorted(cells, key=lambda one: (one[1], one[0], METRICS.index(one[2]))):
        pairs = {one: _by_task(own) for one, own in cells[curve].items()}
        found = [_summarised(curve, one, own, pairs[one], health, pattern) for one, own in cells[curve].items()]
        ranked = sorted(found, key=lambda row: (row.difference, row.specification.order))
        specifications += [replace(row, rank=rank) for rank, row in enumerate(ranked, start=1)]
        curves += _curves(curve, ranked, pairs)
    return specifications, curves


Pairs = Mapping[str, tuple[float, float]]
"""By task: the effects of the own set and of the control."""


def _by_task(rows: Iterable[MeasuredRow]) -> Pairs:
    """Effects by task, averaged over seeds."""
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for row in rows:
        sign = 1 if row.metric == "loss" else -1
        found[row.test_task].append((sign * (row.own - row.original), sign * (row.control_value - row.original)))
    return {task: (fmean(own for own, _ in both), fmean(other for _, other in both)) for task, both in found.items()}


def _summarised(
    curve: CurveKey, chosen: Specification, rows: Sequence[MeasuredRow], pairs: Pairs, health: float, pattern: Pattern
) -> SpecificationRow:
    model, suite, metric = curve
    interval = t_interval([own - other for own, other in pairs.values()])
    own, control = fmean(own for own, _ in pairs.values()), fmean(other for _, other in pairs.values())
    worst = max(max(row.own_rise, row.control_rise) for row in rows)
    healthy = worst <= health
    kinds = {row.test_task: row.kind for row in rows}
    of_kind = {kind: [own - other for task, (own, other) in pairs.items() if kinds[task] == kind] for kind in KINDS}
    decided = metric == "score" and chosen.control in RANDOM
    return SpecificationRow(
        model=model,
        suite=suite,
        metric=metric,
        rank=1,
        **(vars(chosen) | {"percent": share(chosen.percent)}),
        tasks=len(pairs),
        neurons=fmean(row.neurons for row in rows),
        own=own,
        control_effect=control,
        difference=own - control,
        low=interval.low,
        high=interval.high,
        classification=fmean(of_kind["classification"]) if of_kind["classification"] else None,
        generation=fmean(of_kind["generation"]) if of_kind["generation"] else None,
        neutral_rise=fmean(row.own_rise for row in rows),
        neutral_worst=worst,
        healthy=healthy,
        pattern=healthy and pattern.fits(own - control, control) if decided else None,
    )


def _curves(
    curve: CurveKey, rows: Sequence[SpecificationRow], pairs: Mapping[Specification, Pairs]
) -> Iterable[CurveRow]:
    """What all specifications with one kind of control say, and those with a healthy model alone."""
    model, suite, metric = curve
    kinds: tuple[tuple[Literal["random", "other_task"], tuple[str, ...]], ...] = (
        ("random", RANDOM),
        ("other_task", ("other_task",)),
    )
    for name, controls in kinds:
        every = [row for row in rows if row.control in controls]
        for healthy_only in (False, True):
            own = [row for row in every if row.healthy or not healthy_only]
            if not every:
                continue
            differences = [row.difference for row in own]
            yield CurveRow(
                model=model,
                suite=suite,
                metric=metric,
                control=name,
                healthy_only=healthy_only,
                specifications=len(own),
                lowest=min(differences, default=None),
                median=median(differences) if own else None,
                highest=max(differences, default=None),
                positive=sum(one > 0 for one in differences),
                above=_above(own),
                below=sum(row.high is not None and row.high < 0 for row in own),
                pattern=_patterns(own),
                p_value=_joint_p([pairs[row.specification] for row in own]),
            )


def _above(rows: Iterable[SpecificationRow]) -> int:
    return sum(row.low is not None and row.low > 0 for row in rows)


def _patterns(rows: Iterable[SpecificationRow]) -> int:
    return sum(bool(row.pattern) for row in rows)


def _joint_p(pairs: Sequence[Pairs]) -> float | None:
    """P of the mean difference over specifications, which change their sign together in each task."""
    if not pairs:
        return None
    # Tasks are the same in each specification of a run.
    means = [fmean(of[task][0] - of[task][1] for of in pairs) for task in pairs[0]]
    return sign_flip_p(np.array(means))


# What choices explain


def explain_choices(rows: Sequence[SpecificationRow]) -> list[ChoiceRow]:
    """Main effects of the choices on what specifications find, as shares of the total sum of squares.

    Each choice is taken alone (a one-way analysis of variance). In a grid that is crossed fully these shares add up;
    here scores without a gradient have no loss, and signed ones no contrast, so that they do so nearly.

    Args:
        rows: of all runs.
    """
    found: list[ChoiceRow] = []
    for curve, own in _by_curve(rows):
        for outcome in OUTCOMES:
            # Own effect and health do not depend on what the set is held against.
            kept = own if outcome == "difference" else _once(own)
            for choice in CHOICES:
                applies = [row for row in kept if _level(row, choice) != "none"]
                values = np.array([getattr(row, outcome) for row in applies])
                levels = [_level(row, choice) for row in applies]
                if len(set(levels)) > 1:
                    found.append(_explained(curve, outcome, choice, values, [levels]))
            varied = [choice for choice in CHOICES if len({_level(row, choice) for row in kept}) > 1]
            values = np.array([getattr(row, outcome) for row in kept])
            every = [[_level(row, choice) for row in kept] for choice in varied]
            found.append(_explained(curve, outcome, "all", values, every))
    return found


def _explained(
    curve: CurveKey, outcome: Outcome, choice: str, values: Float[np.ndarray, " row"], levels: Sequence[Sequence[str]]
) -> ChoiceRow:
    model, suite, metric = curve
    between, dimensions = sum_of_squares(values, levels)
    total = float(((values - values.mean()) ** 2).sum())
    return ChoiceRow(
        model, suite, metric, outcome, choice, len(values), dimensions + (len(levels) == 1), between,
        min(1.0, between / total) if total > 0 else None,
    )  # fmt: skip


def sum_of_squares(values: Float[np.ndarray, " row"], choices: Sequence[Sequence[str]]) -> tuple[float, int]:
    """The sum of squares that the main effects of some choices explain together, and their dimensions.

    Args:
        values: what was found.
        choices: of each choice, the level of every row.
    """
    columns = [
        np.array([float(level == one) for level in levels]) for levels in choices for one in sorted(set(levels))[1:]
    ]
    if not columns:
        return 0.0, 0
    design = np.column_stack(columns)
    centred = design - design.mean(0)
    fitted, _, rank, _ = np.linalg.lstsq(centred, values - values.mean(), rcond=None)
    return float(((centred @ fitted) ** 2).sum()), int(rank)


def level_means(rows: Sequence[SpecificationRow]) -> list[LevelRow]:
    """What specifications with each level of each choice find on average.

    Args:
        rows: of all runs.
    """
    found = []
    for (model, suite, metric), own in _by_curve(rows):
        for choice in CHOICES:
            for level in sorted({_level(row, choice) for row in own}, key=_level_order(choice)):
                some = [row for row in own if _level(row, choice) == level]
                found.append(
                    LevelRow(
                        model=model,
                        suite=suite,
                        metric=metric,
                        choice=choice,
                        level=level,
                        specifications=len(some),
                        own=fmean(row.own for row in some),
                        control_effect=fmean(row.control_effect for row in some),
                        difference=fmean(row.difference for row in some),
                        neutral_rise=fmean(row.neutral_rise for row in some),
                        healthy=sum(row.healthy for row in some),
                        above=_above(some),
                        pattern=_patterns(some),
                    )
                )
    return found


def _level(row: SpecificationRow, choice: str) -> str:
    return str(getattr(row, choice))


def _level_order(choice: str) -> Callable[[str], float]:
    return lambda level: float(level) if choice == "percent" else LEVELS[choice].index(level)


def _once(rows: Iterable[SpecificationRow]) -> list[SpecificationRow]:
    """One row of those that differ in their control alone."""
    return list({replace(row.specification, control="uniform"): row for row in rows}.values())


def _by_curve(rows: Iterable[SpecificationRow]) -> Iterable[tuple[CurveKey, list[SpecificationRow]]]:
    for curve, own in groupby(rows, key=lambda row: (row.model, row.suite, row.metric)):
        yield curve, list(own)


# Jobs


@dataclass(frozen=True)
class TabulateSettings:
    """Settings of `tabulate`.

    Attributes:
        health: largest rise of the loss on neutral text of a healthy model, %.
        pattern: what counts as the paper's.
    """

    health: float
    pattern: Pattern


def tabulate(job: Job[TabulateSettings]) -> None:
    """Average what was measured of all runs over tasks; say what the curves show and what each choice explains."""
    measured = MEASURED.gather(job.inputs["rows"])
    rows, curves = summarise_multiverse(measured, health=job.settings.health, pattern=job.settings.pattern)
    SPECIFICATIONS.write(job.outputs.one("specifications"), rows)
    CURVES.write(job.outputs.one("curves"), curves)
    CHOICE_SHARES.write(job.outputs.one("choices"), explain_choices(rows))
    LEVEL_MEANS.write(job.outputs.one("levels"), level_means(rows))
