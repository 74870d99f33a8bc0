"""From rows of a table to the estimate of what a claim is about: an effect, its interval and its test.

An estimand is a mapping in the form that `claims.yaml` is validated to. Its rows are those of one run (a model on a
suite). With three seeds or more that differ the effect is the mean over seeds and the interval is over seeds; else it
is across units (tasks, families), and says so. Tasks of one family are alike: an interval across tasks takes them as
independent, and says that, too.
"""

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median, stdev, variance
from typing import Any

from taskneurons.errors import InputError
from taskneurons.measures.stats import MINIMUM_SEEDS, t_interval

Row = Mapping[str, str]
Estimand = Mapping[str, Any]
# (seed, unit) -> value; the seed is empty where a table is already the mean over seeds.
Cells = dict[tuple[str, str], float]
# Other units share tasks, templates or data with each other.
INDEPENDENT = ("families",)
# What studies write for a seed in the row of all of them together.
TOGETHER = ("mean", "all")


@dataclass(frozen=True)
class Estimate:
    """What the rows say.

    Args:
        effect: in the unit of the claim; None when the rows give none.
        low, high: limits of its interval; None when there is none.
        interval: what kind of interval it is, or why there is none.
        constant: whether there is none because three or more values are all equal.
        error, freedom: standard error and degrees of freedom of a t test.
        p: of the table's own test that there is no effect, one-sided towards effects above 0.
        n: seeds or units behind the interval.
        seeds: the seeds behind the effect.
        units: the units behind it, where it is formed unit by unit.
        words: the verdict of the study itself.
        agrees: whether these words say that the claim holds (True), fails (False), or neither (None).
        reason: why there is no effect.
        absent: whether that is because the table has no rows for it, so that nothing was tested.
    """

    effect: float | None = None
    low: float | None = None
    high: float | None = None
    interval: str = ""
    constant: bool = False
    error: float | None = None
    freedom: float | None = None
    p: float | None = None
    n: int | None = None
    seeds: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    words: str = ""
    agrees: bool | None = None
    reason: str = ""
    absent: bool = False

    def __post_init__(self) -> None:
        if (self.low is None) != (self.high is None) or (self.error is None) != (self.freedom is None):
            raise InputError("an estimate has both limits of its interval or none, and so for its t test")
        if self.low is not None and self.high is not None and not self.low <= self.high:
            raise InputError(f"an interval from {self.low} to {self.high}")
        inside = self.effect is not None and (self.low is None or self.low <= self.effect)
        if self.high is not None and not (inside and self.effect is not None and self.effect <= self.high):
            raise InputError(f"an effect of {self.effect} outside its interval from {self.low} to {self.high}")


def matches(row: Row, where: Mapping[str, Any]) -> bool:
    """Whether each named column of a row has the value, or one of the values; numbers are compared as numbers.

    Raises:
        InputError: there is no such column.
    """
    return all(
        any(_same(cell(row, column), one) for one in (wanted if isinstance(wanted, list | tuple) else (wanted,)))
        for column, wanted in where.items()
    )


def cell(row: Row, column: str) -> str:
    """The text of a cell.

    Raises:
        InputError: there is no such column.
    """
    if column not in row:
        raise InputError(f"there is no column `{column}`", remedy=f"There are {', '.join(row)}")
    return row[column]


def estimate(
    rows: Sequence[Row],
    estimand: Estimand,
    *,
    test: str,
    level: float = 0.95,
    groups: Mapping[str, Sequence[str]] | None = None,
    left_out: Iterable[str] = (),
) -> Estimate:
    """The estimate of an estimand from the rows of one run.

    Args:
        rows: of the estimand's table; those that its `where` does not name are left aside.
        estimand: a contrast, a trend, a row or words.
        test: t, welch, table or words.
        level: coverage of the interval.
        groups: the lists of tasks of the suite.
        left_out: units that are not used.

    Raises:
        InputError: a column is not there, a cell is no number, or the rows are not what the estimand takes.
    """
    chosen = [row for row in rows if matches(row, estimand["where"])]
    if not chosen:
        return Estimate(reason="the table has no such rows", absent=True)
    if estimand["kind"] == "contrast":
        return _contrast(chosen, estimand, test, level, groups or {}, set(left_out))
    if estimand["kind"] == "trend":
        return _trend(chosen, estimand, level, groups or {})
    if estimand["kind"] == "row":
        return _row(chosen, estimand, test, level)
    return _words(chosen, estimand)


def cells_of(
    rows: Sequence[Row],
    estimand: Estimand,
    groups: Mapping[str, Sequence[str]],
    left_out: Iterable[str] = (),
) -> Cells:
    """The value of each seed and unit of a contrast or a trend, as `estimate` averages them; none where there are none.

    A contrast subtracts within seed and unit, before anything is averaged: what one seed lacks on one side is left out.
    """
    chosen = [row for row in rows if matches(row, estimand["where"])]
    if not chosen:
        return {}
    if estimand["kind"] == "trend":
        return _trends(chosen, estimand, groups)[0]
    sides = _sides(chosen, estimand, groups, set(left_out))
    return {} if isinstance(sides, Estimate) else _differences(sides)


def sides_of(
    rows: Sequence[Row],
    estimand: Estimand,
    groups: Mapping[str, Sequence[str]],
    left_out: Iterable[str] = (),
) -> list[Cells]:
    """The mean of each side of a contrast by seed and unit; empty where one side has none."""
    chosen = [row for row in rows if matches(row, estimand["where"])]
    sides = _sides(chosen, estimand, groups, set(left_out)) if chosen else []
    return [] if isinstance(sides, Estimate) else sides


def _contrast(
    rows: Sequence[Row],
    estimand: Estimand,
    test: str,
    level: float,
    groups: Mapping[str, Sequence[str]],
    left_out: set[str],
) -> Estimate:
    sides = _sides(rows, estimand, groups, left_out)
    if isinstance(sides, Estimate):
        return sides
    if test == "welch":
        return _two_groups(sides[0], sides[1], estimand["units"], level)
    return _over(_differences(sides), estimand["units"], level)


def _differences(sides: Sequence[Cells]) -> Cells:
    """The first side less the second, where both have the seed and the unit."""
    if len(sides) == 1:
        return sides[0]
    first, second = sides
    return {key: first[key] - second[key] for key in first if key in second}


def _sides(
    rows: Sequence[Row], estimand: Estimand, groups: Mapping[str, Sequence[str]], left_out: set[str]
) -> list[Cells] | Estimate:
    """The cells of each side, or an estimate that says why one has none."""
    rows = [row for row in rows if _up_to(row, estimand["at_most"])]
    sides = []
    for name in ("minuend", "subtrahend"):
        if estimand[name] is None:
            continue
        some = _of_side(rows, estimand[name], groups)
        unit = estimand["spread"] or estimand["unit"]
        cells = _cells(some, unit, lambda own: _mean(own, estimand["value"]))
        used = {key: value for key, value in cells.items() if key[1] not in left_out}
        if estimand["spread"]:
            used = _by_group(_spread(used), {cell(row, unit): cell(row, estimand["unit"]) for row in some})
        sides.append(used)
        if not used:
            why = f"all {estimand['units']} are left out" if cells else f"the table has no values of the {name}"
            return Estimate(reason=why, absent=not some)
    return sides


def _trend(rows: Sequence[Row], estimand: Estimand, level: float, groups: Mapping[str, Sequence[str]]) -> Estimate:
    cells, absent = _trends(rows, estimand, groups)
    if not cells:
        return Estimate(reason=f"nothing was measured at two values of `{estimand['against']}`", absent=absent)
    return _over(cells, estimand["units"], level)


def _trends(rows: Sequence[Row], estimand: Estimand, groups: Mapping[str, Sequence[str]]) -> tuple[Cells, bool]:
    """The trend of each seed and unit, and whether there are no rows for any."""
    some = rows if estimand["side"] is None else _of_side(rows, estimand["side"], groups)

    def trend(own: Sequence[Row]) -> float | None:
        at: dict[float, list[float]] = defaultdict(list)
        for row in own:
            x, y = _number(row, estimand["against"]), _number(row, estimand["value"])
            if x is not None and y is not None:
                at[x].append(y)
        points = [(x, fmean(at[x])) for x in sorted(at)]
        if len(points) < 2:
            return None
        return _slope(points) if estimand["measure"] == "slope" else _rank_correlation(points)

    return _cells(some, estimand["unit"], trend), not some


def _row(rows: Sequence[Row], estimand: Estimand, test: str, level: float) -> Estimate:
    """The mean of the seeds' numbers where these have an interval; else the number of the row of all together.

    A study may estimate from averages over seeds (a correlation of mean matrices), which is not the mean of what it
    estimates from each seed and may lie outside the interval of these. Its p is that of its own estimate.
    """
    by_seed, whole = _by_seed(rows)
    values = {seed: value for seed, row in by_seed.items() if (value := _effect(row, estimand)) is not None}
    effect = _effect(whole, estimand)
    if effect is None:
        return Estimate(reason=whole.get("reason") or f"`{estimand['effect']}` is empty", seeds=_named(by_seed))
    p = None
    if test == "table":
        p = _number(whole, estimand["p"])
        if p is not None and estimand["sided"] == "two":
            p = p / 2 if effect > 0 else 1 - p / 2
    seeds = tuple(sorted(values, key=int)) if all(seed.isdecimal() for seed in values) else ()
    found = _t([values[seed] for seed in seeds], level, f"over {len(seeds)} seeds") if seeds else None
    if found is not None and found.low is not None:
        return _with(found, p=p, seeds=seeds)
    low, high = (_number(whole, estimand[side]) if estimand[side] else None for side in ("low", "high"))
    words = found.interval if found is not None else f"none: {_counted(len(seeds), 'seed')}"
    if low is not None:
        words = cell(whole, estimand["interval"]) if estimand["interval"] else f"{100 * level:g} %"
    constant = found is not None and found.constant
    return Estimate(effect, low, high, words, constant, p=p, n=len(seeds) or None, seeds=seeds)


def _words(rows: Sequence[Row], estimand: Estimand) -> Estimate:
    """The words of one row a seed, or of rows of no seed, which must all say so; their effect is the share that do."""
    several = all(row.get("seed", "") == "" for row in rows)
    chosen = list(rows) if several else [_by_seed(rows)[1]]
    said = [cell(row, estimand["column"]) for row in chosen]
    if not all(said):
        return Estimate(reason=chosen[0].get("reason") or f"`{estimand['column']}` is empty")
    holds = [word in estimand["holds"] for word in said]
    return Estimate(
        effect=100 * sum(holds) / len(holds) if several else None,
        interval="none: the verdict is the study's own",
        p=_number(chosen[0], estimand["p"]) if estimand["p"] else None,
        n=len(said) if several else None,
        seeds=() if several else _named({row["seed"] for row in rows} - set(TOGETHER)),
        words=said[0] if len(set(said)) == 1 else f"{sum(holds)} of {len(holds)} {', '.join(estimand['holds'])}",
        agrees=True if all(holds) else False if any(word in estimand["fails"] for word in said) else None,
    )


def _over(cells: Cells, called: str, level: float) -> Estimate:
    """The mean, with an interval over seeds where there are enough that differ, else across units."""
    seeds = sorted({seed for seed, _ in cells})
    # A unit that one seed lacks would make seeds differ by what was measured.
    units = [u for u in dict.fromkeys(u for _, u in cells) if all((seed, u) in cells for seed in seeds)]
    if not units:
        return Estimate(reason=f"no {called} were measured on both sides with every seed", seeds=_named(seeds))
    of_seeds = [fmean(cells[seed, u] for u in units) for seed in seeds]
    of_units = [fmean(cells[seed, u] for seed in seeds) for u in units]
    named = _named(seeds)
    if len(named) >= MINIMUM_SEEDS:
        found = _t(of_seeds, level, f"over {len(seeds)} seeds")
        if found.low is not None:
            return _with(found, seeds=named, units=tuple(units))
    assumed = "" if called in INDEPENDENT else " as if independent"
    words = f"across {len(units)} {called}{assumed}" + (f" ({_counted(len(named), 'seed')})" if named else "")
    return _with(_t(of_units, level, words), seeds=named, units=tuple(units))


def _two_groups(first: Cells, second: Cells, called: str, level: float) -> Estimate:
    """The difference of two means over other units: over seeds where there are enough, else Welch's t."""
    seeds = sorted({seed for seed, _ in first} & {seed for seed, _ in second})
    named = _named(seeds)
    if not seeds:
        return Estimate(reason="no seed has both sides")
    if len(named) >= MINIMUM_SEEDS:
        means = [
            fmean(v for key, v in first.items() if key[0] == seed)
            - fmean(v for key, v in second.items() if key[0] == seed)
            for seed in seeds
        ]
        found = _t(means, level, f"over {len(seeds)} seeds")
        if found.low is not None:
            return _with(found, seeds=named)
    one, other = (
        [fmean(own) for own in _by_unit({key: v for key, v in side.items() if key[0] in seeds}).values()]
        for side in (first, second)
    )
    effect = fmean(one) - fmean(other)
    for side in (one, other):
        if (found := _t(side, level, f"across {len(side)} {called}")).low is None:
            return Estimate(effect, interval=found.interval, seeds=named)
    from scipy.special import stdtrit

    shares = [variance(side) / len(side) for side in (one, other)]
    error = math.sqrt(sum(shares))
    freedom = sum(shares) ** 2 / sum(v**2 / (len(side) - 1) for v, side in zip(shares, (one, other), strict=True))
    half = float(stdtrit(freedom, 0.5 + level / 2)) * error
    words = f"{100 * level:g} % t (Welch) across {len(one)} and {len(other)} {called}"
    n = len(one) + len(other)
    return Estimate(effect, effect - half, effect + half, words, error=error, freedom=freedom, n=n, seeds=named)


def _t(values: Sequence[float], level: float, words: str) -> Estimate:
    found = t_interval(values, level)
    if found.low is None or found.high is None:
        # `t_interval` speaks of seeds, whatever its values are of.
        reason = found.reason.replace("seeds", "values") if "across" in words else found.reason
        reason = re.sub(r"\b1 (seed|value)s\b", r"1 \1", reason)
        return Estimate(
            found.mean,
            interval=f"none: {reason}",
            constant=reason.endswith("are equal"),
            n=found.n,
            reason="" if found.mean is not None else reason,
        )
    error = stdev(values) / math.sqrt(found.n)
    words, freedom = f"{100 * level:g} % t {words}", found.n - 1
    return Estimate(found.mean, found.low, found.high, words, error=error, freedom=freedom, n=found.n)


def _with(found: Estimate, **changes: Any) -> Estimate:
    return Estimate(**{**vars(found), **changes})


def _of_side(rows: Sequence[Row], side: Mapping[str, Any], groups: Mapping[str, Sequence[str]]) -> list[Row]:
    some = [row for row in rows if matches(row, side["where"])]
    if side["same"] is not None:
        first, second = side["same"]
        some = [row for row in some if cell(row, first) == cell(row, second)]
    for column, name in side["groups"].items():
        some = [row for row in some if cell(row, column) in groups.get(name, ())]
    if side["depth"] is not None and some:
        above, up_to = side["depth"]
        deepest = max(_number(row, "layer") or 0 for row in rows)
        some = [row for row in some if above * deepest < (_number(row, "layer") or 0) <= up_to * deepest]
    return some


def _cells(rows: Iterable[Row], unit: str, of: Callable[[Sequence[Row]], float | None]) -> Cells:
    """A value for each seed and unit, from its rows; rows of a mean over seeds are not a seed's and do not count."""
    parts: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        seed = row.get("seed", "")
        if seed not in TOGETHER:
            parts[seed, cell(row, unit)].append(row)
    return {key: value for key, own in parts.items() if (value := of(own)) is not None}


def _mean(rows: Sequence[Row], column: str) -> float | None:
    values = [value for row in rows if (value := _number(row, column)) is not None]
    return fmean(values) if values else None


def _spread(cells: Cells) -> Cells:
    """Distances from the median of the units of a seed (the values of a Brown-Forsythe test)."""
    middle = {seed: median(v for key, v in cells.items() if key[0] == seed) for seed, _ in cells}
    return {key: abs(value - middle[key[0]]) for key, value in cells.items()}


def _by_group(cells: Cells, group: Mapping[str, str]) -> Cells:
    """The mean of the units of each group, by seed."""
    parts: dict[tuple[str, str], list[float]] = defaultdict(list)
    for (seed, unit), value in cells.items():
        parts[seed, group[unit]].append(value)
    return {key: fmean(values) for key, values in parts.items()}


def _up_to(row: Row, limits: Mapping[str, float]) -> bool:
    values = {column: _number(row, column) for column in limits}
    return all(value is not None and value <= limits[column] for column, value in values.items())


def _slope(points: Sequence[tuple[float, float]]) -> float:
    """Least-squares change over 100 of x."""
    x0, y0 = (fmean(point[axis] for point in points) for axis in (0, 1))
    return 100 * sum((x - x0) * (y - y0) for x, y in points) / sum((x - x0) ** 2 for x, _ in points)


def _rank_correlation(points: Sequence[tuple[float, float]]) -> float | None:
    """Spearman's; 0 where the values are all equal, since they do not rise."""
    if len({y for _, y in points}) == 1:
        return 0.0
    from scipy.stats import spearmanr

    return float(spearmanr(*zip(*points, strict=True)).statistic)


def _by_seed(rows: Sequence[Row]) -> tuple[dict[str, Row], Row]:
    """The row of each seed, and that of several together; where there is one seed, or none, its row is both.

    Raises:
        InputError: two rows of one seed, or several seeds and no row of them together.
    """
    by_seed: dict[str, Row] = {}
    for row in rows:
        if row.get("seed", "") in by_seed:
            raise InputError(
                f"more than one row of seed `{row.get('seed', '')}`", remedy="Name more columns in `where`"
            )
        by_seed[row.get("seed", "")] = row
    together = [by_seed.pop(name) for name in TOGETHER if name in by_seed]
    if len(by_seed) == 1:
        return by_seed, next(iter(by_seed.values()))
    if not together:
        raise InputError(f"{len(by_seed)} seeds, and no row of them together")
    return by_seed, together[0]


def _by_unit(cells: Cells) -> dict[str, list[float]]:
    found: dict[str, list[float]] = defaultdict(list)
    for (_, unit), value in cells.items():
        found[unit].append(value)
    return found


def _effect(row: Row, estimand: Estimand) -> float | None:
    value = _number(row, estimand["effect"])
    if value is None or estimand["minus"] is None:
        return value
    less = _number(row, estimand["minus"])
    return None if less is None else value - less


def _number(row: Row, column: str) -> float | None:
    text = cell(row, column)
    if text == "":
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"`{column}` is `{text}`, not a finite number")
    return number


def _same(cell: str, wanted: Any) -> bool:
    if isinstance(wanted, str):
        return cell == wanted
    try:
        number = float(cell)
    except ValueError:
        return False
    same: bool = number == wanted
    return same


def _named(seeds: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted((seed for seed in seeds if seed), key=int))


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'s' if number != 1 else ''}"
