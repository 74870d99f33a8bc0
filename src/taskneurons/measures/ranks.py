"""Which of several methods is better over several data sets: ranks, Friedman's test, the critical difference.

After Demšar 2006, Statistical comparisons of classifiers over multiple data sets. Units must be independent for the
test to keep its level.
"""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float

from taskneurons.errors import InputError
from taskneurons.measures.ranking import mean_ranks


@dataclass(frozen=True)
class RankTest:
    """Mean ranks of methods over units.

    Args:
        units: rows that were ranked.
        methods: columns that were ranked; a method that lacks a value is left out.
        ranks: mean rank of each column, 1 is best; None where it was left out.
        statistic, p_value: Friedman's chi-square and its p; None when the test could not be made.
        critical_difference: mean ranks that differ by less count as equal (Nemenyi); None when it has no meaning.
        reason: why there is no test; empty when there is one.
    """

    units: int
    methods: int
    ranks: tuple[float | None, ...]
    statistic: float | None = None
    p_value: float | None = None
    critical_difference: float | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        if sum(rank is not None for rank in self.ranks) != self.methods:
            raise InputError(f"{self.methods} methods and the ranks {self.ranks}")

    @property
    def available(self) -> bool:
        """Whether the test could be made."""
        return not self.reason


def rank_test(scores: Float[np.ndarray, "unit method"], *, alpha: float = 0.05) -> RankTest:
    """Rank the methods in each unit, the highest score first, equal scores with their mean rank; test the mean ranks.

    p is that of the chi-square distribution, which is rough for few units.

    Args:
        scores: units x methods; a method with a NaN is left out.
        alpha: level of the critical difference.

    Raises:
        InputError: the scores are no matrix, or alpha is not in (0, 1).
    """
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim != 2:
        raise InputError(f"scores are units x methods, not of shape {table.shape}")
    complete = np.isfinite(table).all(axis=0) & np.full(table.shape[1], len(table) > 0)
    # Scores are means of multiples of 100 / n: what differs by rounding alone is a tie.
    kept = np.round(table[:, complete], 9)
    units, methods = len(kept), int(complete.sum())
    by_unit = np.array([mean_ranks(-row) for row in kept]).reshape(units, methods)
    means = iter(by_unit.mean(axis=0).tolist() if methods else [])
    ranks = tuple(next(means) if there else None for there in complete)
    if methods < 3:
        return RankTest(units, methods, ranks, reason=f"{methods} methods, at least 3 are needed")
    if units < 2:
        return RankTest(units, methods, ranks, reason=f"{units} units, at least 2 are needed")
    limit = critical_difference(methods, units, alpha=alpha)
    if (by_unit == by_unit[:, :1]).all():
        return RankTest(units, methods, ranks, None, None, limit, "all methods have equal scores in every unit")
    from scipy.stats import friedmanchisquare

    found = friedmanchisquare(*kept.T)
    return RankTest(units, methods, ranks, float(found.statistic), float(found.pvalue), limit)


def critical_difference(methods: int, units: int, *, alpha: float = 0.05) -> float:
    """Nemenyi's: q sqrt(k (k + 1) / (6 N)) (Demšar 2006, section 3.2.2).

    Args:
        methods: k.
        units: N.
        alpha: level over all pairs together.

    Raises:
        InputError: fewer than 2 methods or no unit, or alpha is not in (0, 1).
    """
    if methods < 2 or units < 1:
        raise InputError(f"no critical difference of {methods} methods over {units} units")
    return nemenyi_quantile(methods, alpha) * math.sqrt(methods * (methods + 1) / (6 * units))


@cache
def nemenyi_quantile(methods: int, alpha: float = 0.05) -> float:
    """q: the Studentized range of as many means with infinite degrees of freedom, over the square root of 2.

    Raises:
        InputError: alpha is not in (0, 1).
    """
    if not 0 < alpha < 1:
        raise InputError(f"alpha is {alpha}; it must lie between 0 and 1")
    from scipy.stats import studentized_range

    return float(studentized_range.ppf(1 - alpha, methods, np.inf)) / math.sqrt(2)
