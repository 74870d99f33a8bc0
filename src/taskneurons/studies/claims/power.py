"""How many seeds a verdict needs, from the spread over the seeds that there are.

It is planned for the effect and the spread that were seen. Both are known from few seeds, so that the number is an
order of magnitude. The limits beside it are those of the spread alone.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from taskneurons.files import read_json
from taskneurons.job import Job
from taskneurons.measures.stats import MINIMUM_SEEDS
from taskneurons.studies.claims.examples import Parts, Variances, example_variances
from taskneurons.studies.claims.rows import POWER, PowerRow
from taskneurons.studies.claims.tables import read_tables

CHANCE = 0.8
"""The chance of the verdict that is planned for."""
MOST_SEEDS = 200
"""More than these are never made: the effect lies too near the margin."""
# Coverage of the limits of the spread.
_COVERAGE = 0.8
Seconds = Callable[[Iterable[str], str, str], float | None]


def power(distance: float, sd: float, n: int, level: float) -> float:
    """Chance that a one-sided t test of n values finds that their mean lies beyond a margin.

    Args:
        distance: from the margin to the true mean, in the direction of the test.
        sd: standard deviation of the values.
        n: values.
        level: of the test.
    """
    from scipy.special import nctdtr, stdtrit

    shift = math.sqrt(n) * distance / sd
    chance = 1 - float(nctdtr(n - 1, shift, stdtrit(n - 1, 1 - level)))
    # Far out the distribution function is not a number; there the test finds it.
    return 1.0 if math.isnan(chance) else chance


def seeds_needed(distances: Sequence[float], sd: float, levels: Sequence[float]) -> int | None:
    """The fewest seeds with which all of some one-sided t tests are passed together with the planned power.

    The chances that one of them is not passed are added, which is never too bold.

    Args:
        distances: of each test, from its margin to the effect.
        sd: standard deviation over seeds.
        levels: of each test.

    Returns:
        None where even `MOST_SEEDS` are too few.
    """
    for n in range(MINIMUM_SEEDS, MOST_SEEDS + 1):
        missed = sum(1 - power(distance, sd, n, level) for distance, level in zip(distances, levels, strict=True))
        if 1 - missed >= CHANCE:
            return n
    return None


def power_rows(decided: Mapping[str, Any], variances: Variances | None = None) -> list[PowerRow]:
    """One row for each inconclusive result, in the order of the file of claims.

    Args:
        decided: the content of `claims.json`.
        variances: of `examples.example_variances`.
    """
    waiting = _waiting(decided)
    rows = []
    for claim in decided["claims"]:
        for result in claim["results"]:
            if result["verdict"] == "inconclusive":
                one = (variances or {}).get((claim["id"], result["suite"], result["model"]))
                rows.append(_row(claim, result, decided["rules"], waiting.get(claim["family"], 1), one))
    return rows


def _row(
    claim: Mapping[str, Any],
    result: Mapping[str, Any],
    rules: Mapping[str, float],
    waiting: int,
    parts: Parts | None,
) -> PowerRow:
    stated = {name: claim[name] for name in ("id", "role", "unit", "direction", "margin", "table")}
    told = {name: result[name] for name in ("suite", "model", "effect", "low", "high")}
    seeds = len(result["seeds"]) or None
    n = result["n"]
    if n is None or n < MINIMUM_SEEDS or not result["interval"].endswith(f"over {n} seeds"):
        return PowerRow(**stated, **told, seeds=seeds, reason=f"no interval over seeds ({_plain(result)})")
    from scipy.special import chdtri, stdtrit

    outer = round((1 - rules["level"]) / 2, 12)
    sd = math.sqrt(n) * (result["high"] - result["low"]) / 2 / float(stdtrit(n - 1, 1 - outer))
    variances = (parts.least, parts.greatest, parts.draws) if parts else (None, None, None)
    shares = [None if one is None else min(100.0, 100 * one / sd**2) for one in variances]
    distances, holds = _distances(claim["direction"], claim["margin"], result["effect"])
    # A claim that holds passes Holm's procedure, too. Those of its family that were not passed stay where they are.
    level = min(outer, rules["alpha"] / waiting) if holds else outer
    levels = [level] * len(distances)
    limits = [sd * math.sqrt((n - 1) / float(chdtri(n - 1, tail))) for tail in _tails()]
    found = [seeds_needed(distances, one, levels) for one in (sd, *limits)]
    reason = "" if found[0] is not None else f"more than {MOST_SEEDS}: the effect lies too near the margin"
    if holds and claim["test"] == "table":
        reason = "; ".join([*([reason] if reason else []), "p is the study's own, and not planned for"])
    return PowerRow(
        **stated, **told, seeds=seeds, sd=sd, level=level, towards="holds" if holds else "fails", needed=found[0],
        needed_low=found[1], needed_high=found[2], examples_low=shares[0], examples_high=shares[1], draws=shares[2],
        reason=reason,
    )  # fmt: skip


def _tails() -> tuple[float, float]:
    """Upper tails of chi-square whose quantiles give the least and the greatest spread."""
    return (1 - _COVERAGE) / 2, (1 + _COVERAGE) / 2


def _distances(direction: str, margin: float, effect: float) -> tuple[list[float], bool]:
    """From the margins that must be passed to the effect, and whether the claim holds beyond them."""
    if direction == "within":
        inside = [margin - effect, margin + effect]
        return (inside, True) if min(inside) > 0 else ([abs(effect) - margin], False)
    distance = effect - margin if direction == "above" else margin - effect
    return [abs(distance)], distance > 0


def _waiting(decided: Mapping[str, Any]) -> dict[str, int]:
    """Of each family the claims whose corrected p is too large: the steps of Holm's procedure that are left."""
    found: dict[str, int] = {}
    for claim in decided["claims"]:
        for result in claim["results"]:
            if result["p_holm"] is not None and result["p_holm"] > decided["rules"]["alpha"]:
                found[claim["family"]] = found.get(claim["family"], 0) + 1
    return found


def _plain(result: Mapping[str, Any]) -> str:
    return str(result["interval"].removeprefix("none: ") or result["reason"])


def seed_seconds(records: Iterable[Mapping[str, Any]], tables: Iterable[str], suite: str, model: str) -> float | None:
    """CPU time of one more seed of a run: of all jobs for its last seed that some tables rest on.

    Args:
        records: lines of the lineage files, one a job.
        tables: names of files below results/tables.
        suite, model: the run.

    Returns:
        Seconds; None where no record says it.
    """
    made = {one["output"]: record for record in records for one in record["outputs"]}
    waiting = [f"results/tables/{name}" for name in tables]
    seen: set[str] = set()
    of_seed: dict[int, float] = {}
    while waiting:
        path = waiting.pop()
        record = made.get(path)
        if record is None or record["outputs"][0]["output"] in seen:
            continue
        seen.add(record["outputs"][0]["output"])
        waiting += [name for name, _ in record["inputs"]]
        seed = _seed_of(path, suite, model)
        if seed is not None and record.get("cpu_seconds") is not None:
            of_seed[seed] = of_seed.get(seed, 0.0) + record["cpu_seconds"]
    return of_seed[max(of_seed)] if of_seed else None


def _seed_of(path: str, suite: str, model: str) -> int | None:
    """The seed whose folder of the run a file is in."""
    parts = path.split("/")
    for own, other, last in zip(parts, parts[1:], parts[2:], strict=False):
        if (own, other) == (suite, model) and last.startswith("seed"):
            return int(last.removeprefix("seed"))
    return None


def decided_with(rows: Iterable[PowerRow], seeds: int) -> list[PowerRow]:
    """The results that this number of seeds decides with the planned power."""
    return [row for row in rows if row.needed is not None and row.needed <= seeds]


def more_seconds(rows: Iterable[PowerRow], seeds: int, seconds: Seconds) -> float:
    """CPU time of bringing the studies of some results to this number of seeds, each study of a model once.

    Args:
        rows: the results.
        seeds: their number.
        seconds: of tables, suite and model, the CPU time of one more seed; None, where it is not known, counts nothing.
    """
    tables: dict[tuple[str, str], set[str]] = {}
    there: dict[tuple[str, str], int] = {}
    for row in rows:
        tables.setdefault((row.suite, row.model), set()).add(row.table)
        there[row.suite, row.model] = row.seeds or 0
    return sum((seconds(sorted(names), *run) or 0.0) * max(0, seeds - there[run]) for run, names in tables.items())


# Jobs


@dataclass(frozen=True)
class TabulateSettings:
    """Settings of `tabulate`.

    Attributes:
        rules: level, alpha and the claims, each with its `id`.
        groups: the lists of tasks of each suite.
    """

    rules: dict[str, Any]
    groups: dict[str, dict[str, tuple[str, ...]]]


def tabulate(job: Job[TabulateSettings]) -> None:
    """Write how many seeds each inconclusive result needs."""
    decided = read_json(job.inputs.one("json"))
    tables = read_tables(job.inputs["tables"])
    variances = example_variances(job.settings.rules, decided, tables, job.settings.groups)
    POWER.write(job.outputs.one("table"), power_rows(decided, variances))
