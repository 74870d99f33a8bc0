"""From an estimate to a verdict, and the digests by which a changed rule is seen."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from taskneurons.evidence import words
from taskneurons.studies.claims.estimands import Estimate
from taskneurons.studies.claims.gates import Passage
from taskneurons.studies.claims.rows import Verdict

VERDICTS = tuple(words.VERDICTS)
# What decides; the words of a claim and what the paper prints do not.
DECIDING = ("estimand", "test", "direction", "margin", "scale", "architecture", "family", "gate")


def rule_digest(claim: Mapping[str, Any], level: float, alpha: float) -> str:
    """SHA-256 of what decides one claim: estimand, test, margin, family and gate, with the level and alpha of all."""
    return _digest({"level": level, "alpha": alpha} | {key: claim[key] for key in DECIDING})


def file_digest(claims: Iterable[Mapping[str, Any]], level: float, alpha: float) -> str:
    """SHA-256 of what decides all claims: a claim more or less in a family changes the correction of the others."""
    return _digest({claim["id"]: rule_digest(claim, level, alpha) for claim in claims})


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def p_of(found: Estimate, claim: Mapping[str, Any]) -> float | None:
    """One-sided p against the null hypothesis that the effect is not beyond the margin.

    A t test against the margin, for `within` the larger p of the tests against its two ends; else the table's own p,
    whose null hypothesis is that there is no effect.
    """
    if claim["test"] in ("table", "words"):
        if found.p is None or claim["direction"] == "above":
            return found.p
        return 1 - found.p if claim["direction"] == "below" else None
    if found.error is None:
        return None
    if claim["direction"] == "above":
        return _p_above(found, claim["margin"])
    if claim["direction"] == "below":
        return 1 - _p_above(found, claim["margin"])
    return max(_p_above(found, -claim["margin"]), 1 - _p_above(found, claim["margin"]))


def p_of_opposite(found: Estimate, claim: Mapping[str, Any]) -> float | None:
    """One-sided p against the null hypothesis that the effect is not beyond the margin on the other side of 0.

    None of a claim that 0 meets, which has no opposite, and of words. A table's own p has no margin: see `p_of`. Of a
    test of one side it is 1 - p here, which leaves out what was seen and is too small: without an interval it decides
    nothing, and with one it only accompanies it.
    """
    direction, margin = claim["direction"], claim["margin"]
    if claim["test"] == "words" or not _has_opposite(direction, margin):
        return None
    if claim["test"] == "table":
        return None if found.p is None else (1 - found.p if direction == "above" else found.p)
    if found.error is None:
        return None
    beyond = _p_above(found, -margin)
    return 1 - beyond if direction == "above" else beyond


def _has_opposite(direction: str, margin: float) -> bool:
    """Whether a claim is one of a difference: 0 does not meet it."""
    return (direction == "above" and margin >= 0) or (direction == "below" and margin <= 0)


def _p_above(found: Estimate, least: float) -> float:
    """One-sided p of a t test that the effect is above a value."""
    assert found.effect is not None and found.error is not None and found.freedom is not None
    from scipy.special import stdtr

    return float(stdtr(found.freedom, (least - found.effect) / found.error))


def verdict_on(
    found: Estimate,
    claim: Mapping[str, Any],
    p_holm: float | None,
    alpha: float,
    *,
    p_opposite: float | None = None,
    gate: Passage | None = None,
) -> tuple[Verdict, str]:
    """The verdict on a claim that was tested, and why where that is not plain.

    1. The setting cannot tell: the positive control did not pass in the same cells, whatever the numbers say.
    2. Holds: the whole interval lies beyond the margin (without an interval: the effect does, by the table's own test),
       and the corrected p is at most alpha.
    3. Opposite: the claim is one of a difference (0 does not meet it), the whole interval lies beyond the margin on the
       other side of 0, and the corrected p of that side is at most alpha, too: it is a finding like `holds`.
    4. Fails: the whole interval lies short of the margin, and it is not the opposite. It is said of each claim by
       itself. Without an interval, 3 and 4 ask that p on the other side of 0, of a test of two sides, is at most
       alpha / 2.
    5. Else inconclusive.

    Three or more values that are all equal have no interval, and no claim of a difference rests on them; a claim that
    there is none (`within`) is decided by the value itself.

    Words of a study stand for themselves, except that a p that is not small enough after correction leaves them open.

    Args:
        found: of `estimands.estimate`.
        claim: with `direction`, `margin` and `test`.
        p_holm: corrected within the family; None where the test has no p.
        alpha: greatest corrected p of a claim that holds, or is the opposite.
        p_opposite: of `p_of_opposite`, corrected within the family; None where there is none.
        gate: what its positive control says; None for a claim that needs none.
    """
    if gate is not None and not gate.passed:
        return "the setting cannot tell", gate.reason
    if found.reason:
        return "inconclusive", found.reason
    if claim["test"] == "words":
        if found.agrees and p_holm is not None and p_holm > alpha:
            return "inconclusive", _not_small(p_holm)
        if found.agrees is None:
            return "inconclusive", f"the study says: {found.words}"
        return "holds" if found.agrees else "fails", ""
    if found.low is None or found.high is None:
        return _without_interval(found, claim, p_holm, alpha, p_opposite)
    beyond, short = _against_margin(found.low, found.high, claim["direction"], claim["margin"])
    if short:
        return _short(found.low, found.high, claim, p_opposite, alpha)
    if not beyond:
        return "inconclusive", "the margin lies in the interval"
    if p_holm is not None and p_holm > alpha:
        return "inconclusive", _not_small(p_holm)
    return "holds", ""


def _without_interval(
    found: Estimate, claim: Mapping[str, Any], p_holm: float | None, alpha: float, p_opposite: float | None
) -> tuple[Verdict, str]:
    if found.constant and claim["direction"] == "within" and found.effect is not None:
        inside, _ = _against_margin(found.effect, found.effect, "within", claim["margin"])
        return ("holds" if inside else "fails"), found.interval.removeprefix("none: ")
    p = p_of(found, claim)
    if p is None or p_holm is None or found.effect is None:
        return "inconclusive", f"no interval ({found.interval.removeprefix('none: ')})"
    # A permutation test of one side counts what was seen, so that its p is never 0. 1 - p leaves it out, and is 0 where
    # the worse of two permutations was seen: only a test of two sides says something of the other one.
    both = claim["estimand"].get("sided") == "two"
    if not both and claim["direction"] != "above":
        return "inconclusive", "the table's test is of the other side"
    beyond, _ = _against_margin(found.effect, found.effect, claim["direction"], claim["margin"])
    if beyond and p_holm <= alpha:
        return "holds", ""
    if both and 1 - p <= alpha / 2:
        verdict, reason = _short(found.effect, found.effect, claim, p_opposite, alpha)
        return verdict, reason or "the effect is the other way round"
    return "inconclusive", _not_small(p_holm) if beyond else "the effect is not beyond the margin"


def _short(
    low: float, high: float, claim: Mapping[str, Any], p_opposite: float | None, alpha: float
) -> tuple[Verdict, str]:
    """Which verdict it is that all from low to high lies short of the margin, and why where that is not plain.

    A claim that 0 meets ("hardly anything", "no lower") has no opposite: what lies beyond its margin fails.
    """
    margin, above = claim["margin"], claim["direction"] == "above"
    beyond = high < -margin if above else low > -margin
    if not beyond or not _has_opposite(claim["direction"], margin):
        return "fails", ""
    if p_opposite is not None and p_opposite > alpha:
        return "fails", f"beyond the margin on the other side, but there {_not_small(p_opposite)}"
    return "opposite", ""


def _against_margin(low: float, high: float, direction: str, margin: float) -> tuple[bool, bool]:
    """Whether all from low to high lies beyond the margin, and whether all of it lies short of it."""
    if direction == "above":
        return low > margin, high < margin
    if direction == "below":
        return high < margin, low > margin
    return -margin < low and high < margin, low > margin or high < -margin


def _not_small(p_holm: float) -> str:
    return f"corrected within its family, p is {p_holm:.2g}"


def corrected(p_values: Sequence[float | None]) -> list[float | None]:
    """The p-values of one family, Holm-adjusted; those that are missing stay so."""
    from taskneurons.measures.stats import holm

    known = iter(holm([p for p in p_values if p is not None]))
    return [None if p is None else next(known) for p in p_values]
