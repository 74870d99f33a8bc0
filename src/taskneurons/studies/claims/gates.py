"""Whether the positive control of a claim passed, in the seeds and the units that the claim rests on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from taskneurons.studies.claims.estimands import TOGETHER, Cells, Estimate, Row, cells_of, estimate


@dataclass(frozen=True)
class Passage:
    """What a gate says.

    Attributes:
        value: what was measured; None where there is nothing, or words.
        threshold: what it must lie above, or below; None of words.
        passed: whether it does.
        reason: why the claim cannot be told, where it cannot; empty where it can.
    """

    value: float | None
    threshold: float | None
    passed: bool
    reason: str = ""


def passage(
    gate: Mapping[str, Any],
    rows: Sequence[Row],
    claim: Estimate,
    unit: str | None,
    *,
    groups: Mapping[str, Sequence[str]],
    left_out: Iterable[str] = (),
) -> Passage:
    """Whether a gate passes in the cells of a claim.

    Of a contrast or a trend, only the seeds of the claim count, and only its units where both have the same column of
    units. The mean of these cells is compared with the threshold, or the mean of each unit by itself (`over: every`),
    of which the one farthest from passing is told. A control that was not measured there has not passed.

    Args:
        gate: in the form that `claims.yaml` is validated to.
        rows: of the gate's table, of one run.
        claim: the estimate of the claim.
        unit: column of the claim's units; None where it has none.
        groups: the lists of tasks of the suite.
        left_out: units of the gate that are not used.
    """
    threshold = gate["below"] if gate["above"] is None else gate["above"]
    estimand = gate["estimand"]
    if estimand["kind"] == "words":
        found = estimate(rows, estimand, test="words")
        said = found.words or found.reason
        return Passage(None, None, found.agrees is True, "" if found.agrees else _not_passed(gate, f"it says: {said}"))
    value = _value(gate, rows, claim, unit, groups, left_out)
    if value is None:
        return Passage(None, threshold, False, _not_passed(gate, "there was nothing to measure it on"))
    passed = value > threshold if gate["above"] is not None else value < threshold
    side = "above" if gate["above"] is not None else "below"
    why = f"it is {value:.3g}, not {side} {threshold:g}"
    return Passage(value, threshold, passed, "" if passed else _not_passed(gate, why))


def _value(
    gate: Mapping[str, Any],
    rows: Sequence[Row],
    claim: Estimate,
    unit: str | None,
    groups: Mapping[str, Sequence[str]],
    left_out: Iterable[str],
) -> float | None:
    estimand = gate["estimand"]
    if estimand["kind"] == "row":
        named = [row for row in rows if not claim.seeds or row.get("seed", "") in (*claim.seeds, "", *TOGETHER)]
        return estimate(named, estimand, test="t").effect
    cells = _of_claim(cells_of(rows, estimand, groups, left_out), claim, unit == estimand["unit"])
    if not cells:
        return None
    if gate["over"] == "mean":
        return fmean(cells.values())
    units = [fmean(value for key, value in cells.items() if key[1] == name) for _, name in cells]
    return min(units) if gate["above"] is not None else max(units)


def _of_claim(cells: Cells, claim: Estimate, same_units: bool) -> Cells:
    """The cells of the claim's seeds, and of its units where these are the same."""
    return {
        (seed, name): value
        for (seed, name), value in cells.items()
        if (not seed or not claim.seeds or seed in claim.seeds)
        and (not same_units or not claim.units or name in claim.units)
    }


def _not_passed(gate: Mapping[str, Any], why: str) -> str:
    return f"the positive control `{gate['name']}` did not pass: {why}"
