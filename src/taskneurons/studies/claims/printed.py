"""Do the printed numbers of Leng & Xiong 2025 agree with each other, and with what chance alone would give?

Nothing here uses a result of ours. A printed number stands for all numbers that round to it.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise, permutations
from pathlib import Path
from statistics import fmean

from taskneurons.evidence.papers import (
    CONTROLLED,
    CORRELATIONS,
    ORDERS,
    OVERLAPS,
    SCORES,
    STREAMS,
    PaperControlled,
    PaperCorrelation,
    PaperOrder,
    PaperOverlap,
    PaperScore,
    PaperStream,
    read_table,
    table_of,
)
from taskneurons.job import Job, NoSettings
from taskneurons.studies.claims.rows import CHECKS, CheckRow

MODELS = 6
"""Fully tuned models behind each correlation of Table 4."""
TASKS_IN_UNION = 3
"""Tasks on each side of Table 8."""
_ROUNDING = 1e-9

Checks = list[CheckRow]


@dataclass(frozen=True)
class Printed:
    """The published tables that are checked.

    Attributes:
        scores: of Tables 1, 2, 6 and 7.
        correlations: of Table 4.
        streams: of Table 5.
        overlaps: of Table 8.
        controlled: of Tables 9 to 11.
        orders: of Table 14.
    """

    scores: Mapping[str, Sequence[PaperScore]]
    correlations: Sequence[PaperCorrelation]
    streams: Sequence[PaperStream]
    overlaps: Sequence[PaperOverlap]
    controlled: Mapping[str, Sequence[PaperControlled]]
    orders: Sequence[PaperOrder]

    @classmethod
    def read(cls, paths: Iterable[Path]) -> "Printed":
        """Read the tables among some files.

        Raises:
            InputError: one is not among them, or does not parse.
        """
        paths = list(paths)
        return cls(
            {name: read_table(SCORES, table_of(paths, name)) for name in ("T1", "T2", "T6", "T7")},
            read_table(CORRELATIONS, table_of(paths, "T4")),
            read_table(STREAMS, table_of(paths, "T5")),
            read_table(OVERLAPS, table_of(paths, "T8")),
            {name: read_table(CONTROLLED, table_of(paths, name)) for name in ("T9", "T10", "T11")},
            read_table(ORDERS, table_of(paths, "T14")),
        )


def published_checks(printed: Printed) -> Checks:
    """Every check of the published tables.

    - `average`: an average over tasks follows from the tasks (Tables 1, 2, 6, 7).
    - `pearson p`, `spearman p`: p follows from r by the t approximation, over six models (Table 4).
    - `spearman r`: six ranks without ties can have this correlation.
    - `exact p`: p of the rank correlation over all 720 orders; printed is the approximation.
    - `above chance`: the overlap of unions of three sets is above that of independent sets (Table 8).
    - `same overlap`: overlaps that are not set in Tables 9 to 11 are those of Table 8.
    - `rises`: at each trained share the score rises with the overlap (Tables 9 to 11).
    - `one value`: tuning on each task by itself does not depend on the order (Table 5).
    - `upper bound`: no stream does better than tuning on each task by itself (Table 5).
    - `same tasks`: the orders of a benchmark hold the same tasks (Table 14).

    Args:
        printed: the tables.
    """
    return [
        *_averages(printed.scores),
        *_correlations(printed.correlations),
        *_overlaps(printed.overlaps),
        *_same_overlaps(printed.overlaps, printed.controlled),
        *_rises(printed.controlled),
        *_streams(printed.streams, printed.orders),
    ]


def union_jaccard(percent: float, tasks: int = TASKS_IN_UNION) -> float:
    """Expected Jaccard index, in percent, of two unions of independent sets of this share of very many neurons.

    A neuron lies in a union with probability u = 1 - (1 - percent / 100) ** tasks, in both with u ** 2 and in at least
    one with 2 u - u ** 2.
    """
    share = 1 - (1 - percent / 100) ** tasks
    return 100 * share / (2 - share)


def pearson_p(r: float, n: int) -> float:
    """Two-sided p of a correlation of n pairs by Student's t; 0 where r is 1 or -1."""
    from scipy.special import stdtr

    if abs(r) >= 1:
        return 0.0
    return 2 * float(stdtr(n - 2, -abs(r) * math.sqrt((n - 2) / (1 - r * r))))


@cache
def rank_correlations(n: int) -> Mapping[int, int]:
    """How many orders of n ranks have each sum of squared rank differences; Spearman's r is 1 - 6 sum / (n^3 - n)."""
    counts: dict[int, int] = defaultdict(int)
    for order in permutations(range(n)):
        counts[sum((i - j) ** 2 for i, j in enumerate(order))] += 1
    return dict(sorted(counts.items()))


def exact_spearman_p(r: float, n: int) -> float:
    """Two-sided p of a rank correlation without ties, over all orders: the share that lies at least as far from 0."""
    counts = rank_correlations(n)
    far = sum(number for total, number in counts.items() if abs(_spearman(total, n)) >= abs(r) - _ROUNDING)
    return far / math.factorial(n)


def _spearman(total: int, n: int) -> float:
    return 1 - 6 * total / (n**3 - n)


def _averages(published: Mapping[str, Sequence[PaperScore]]) -> Checks:
    checks = []
    for table in ("T1", "T2", "T6", "T7"):
        for condition in dict.fromkeys(row.condition for row in published[table]):
            for kind in ("classification", "generation"):
                own = [r for r in published[table] if (r.condition, r.task_type) == (condition, kind)]
                (mean,) = (row for row in own if row.task.startswith("mean_"))
                values = [row.value for row in own if row is not mean]
                checks.append(_around("average", table, f"{condition}, {mean.task}", mean.value, fmean(values), 0.05))
    return checks


def _correlations(rows: Sequence[PaperCorrelation]) -> Checks:
    checks = []
    attainable = [_spearman(total, MODELS) for total in rank_correlations(MODELS)]
    for row in rows:
        item, r = row.test_task, row.r
        ends = sorted(pearson_p(min(1.0, abs(r) + side), MODELS) for side in (-0.005, 0.005))
        checks.append(
            _between(f"{row.coefficient} p", "T4", item, row.p_value, pearson_p(r, MODELS), (ends[0], ends[1]), 2)
        )
        if row.coefficient != "spearman":
            continue
        nearest = min(attainable, key=lambda one: abs(one - r))
        note = "" if _rounds_to(r, nearest, nearest, 2) else "only with ties"
        checks.append(replace(_between("spearman r", "T4", item, r, nearest, (nearest, nearest), 2), note=note))
        exact = exact_spearman_p(nearest, MODELS)
        checks.append(replace(_between("exact p", "T4", item, row.p_value, exact, (exact, exact), 2), note=note))
    return checks


def _overlaps(rows: Sequence[PaperOverlap]) -> Checks:
    checks = []
    for row in rows:
        # All neurons overlap with all neurons, whatever they are.
        if row.percent == "100":
            continue
        chance = union_jaccard(float(row.percent))
        excess = row.overlap - chance
        item = f"{row.train_test}, {row.percent} %"
        checks.append(
            CheckRow(
                "above chance", "T8", item, row.overlap, chance, chance, chance, excess > 0, f"{excess:+.1f} points"
            )
        )
    return checks


def _same_overlaps(overlaps: Sequence[PaperOverlap], controlled: Mapping[str, Sequence[PaperControlled]]) -> Checks:
    checks = []
    for table, pair in (("T9", "CLS-CLS"), ("T10", "GEN-GEN"), ("T11", "GEN-CLS")):
        natural = {row.percent: row.overlap for row in overlaps if row.train_test == pair}
        for trained, expected in natural.items():
            printed = [float(r.overlap_percent) for r in controlled[table] if r.trained_percent == trained]
            if printed:
                found = min(printed, key=lambda one: abs(one - expected))
                checks.append(_around("same overlap", table, f"{pair}, {trained} %", found, expected, 0.0))
    return checks


def _rises(controlled: Mapping[str, Sequence[PaperControlled]]) -> Checks:
    checks = []
    for table in ("T9", "T10", "T11"):
        for trained in dict.fromkeys(row.trained_percent for row in controlled[table]):
            own = sorted((float(r.overlap_percent), r.value) for r in controlled[table] if r.trained_percent == trained)
            steps = [b - a for (_, a), (_, b) in pairwise(own)]
            note = f"{own[-1][1] - own[0][1]:+.1f} points from {own[0][0]:g} to {own[-1][0]:g} %"
            least = min(steps)
            checks.append(
                CheckRow("rises", table, f"{trained} % trained", own[-1][1], own[0][1], None, None, least > 0, note)
            )
    return checks


def _streams(rows: Sequence[PaperStream], orders: Sequence[PaperOrder]) -> Checks:
    checks = []
    benchmark = {row.order: row.benchmark for row in orders}
    alone = {row.order: row.value for row in rows if row.method == "PerTaskFT"}
    for name in dict.fromkeys(benchmark.values()):
        of_orders = [alone[order] for order in alone if benchmark[order] == name]
        same = max(of_orders) == min(of_orders)
        checks.append(
            CheckRow(
                "one value",
                "T5",
                f"PerTaskFT, {name}",
                of_orders[0],
                min(of_orders),
                min(of_orders),
                max(of_orders),
                same,
            )
        )
        tasks = [frozenset(row.tasks.split()) for row in orders if row.benchmark == name]
        counts = [len(one) for one in tasks]
        checks.append(
            CheckRow("same tasks", "T14", name, counts[0], counts[0], min(counts), max(counts), len(set(tasks)) == 1)
        )
    for row in rows:
        if row.method != "PerTaskFT":
            most, item = alone[row.order], f"{row.method}, order {row.order}"
            checks.append(CheckRow("upper bound", "T5", item, row.value, most, None, most, row.value <= most))
    return checks


def _around(check: str, table: str, item: str, printed: float, computed: float, slack: float) -> CheckRow:
    """A check of a number with one printed digit."""
    return _between(check, table, item, printed, computed, (computed - slack, computed + slack), 1)


def _between(
    check: str, table: str, item: str, printed: float, computed: float, slack: tuple[float, float], digits: int
) -> CheckRow:
    """A check whether a printed number is one of those from the lower to the upper end, which it may be rounded to."""
    lowest, highest = slack
    agrees = _rounds_to(printed, lowest, highest, digits)
    return CheckRow(check, table, item, printed, computed, lowest, highest, agrees)


def _rounds_to(printed: float, lowest: float, highest: float, digits: int) -> bool:
    """Whether something from lowest to highest is printed so, whichever way halves are rounded."""
    half: float = 0.5 * 10**-digits + _ROUNDING
    return lowest - half <= printed <= highest + half


# Jobs


def check(job: Job[NoSettings]) -> None:
    """Check the printed numbers against each other."""
    CHECKS.write(job.outputs.one("checks"), published_checks(Printed.read(job.inputs["published"])))
