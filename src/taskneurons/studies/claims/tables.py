"""Which claims of the papers hold here: one result for each claim and run, from the tables alone.

A claim is a mapping in the form that `claims.yaml` is validated to; a run is a model on a suite. The rules that decide
stand in that file; their digests stand beside every result.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from taskneurons.errors import InputError
from taskneurons.files import read_csv, read_json, write_json
from taskneurons.job import Job
from taskneurons.studies.claims.decision import (
    VERDICTS,
    corrected,
    file_digest,
    p_of,
    p_of_opposite,
    rule_digest,
    verdict_on,
)
from taskneurons.studies.claims.estimands import Estimate, Row, cell, estimate, matches
from taskneurons.studies.claims.gates import Passage, passage
from taskneurons.studies.claims.rows import CLAIMS, ClaimRow, Verdict
from taskneurons.studies.claims.words import told

# ASSUME: papers speak of 7B models as such from a billion parameters on.
BIG = 1_000_000_000
_STATED = (
    "id", "paper", "role", "statement", "source", "published", "unit", "direction", "margin", "scale", "family", "test",
)  # fmt: skip
Tables = Mapping[str, Sequence[Row]]
Tried = tuple[Estimate, Passage | None]


@dataclass(frozen=True)
class Decider:
    """A model on a suite that can decide a claim; all empty where the claim is about printed numbers.

    Attributes:
        suite, model: the run.
        architecture: of the model.
    """

    suite: str = ""
    model: str = ""
    architecture: str = ""


@dataclass(frozen=True)
class Result:
    """What one run says of one claim.

    Attributes:
        suite, model, architecture: the run.
        effect, low, high, interval, n, words, seeds: of the estimate.
        p: one-sided, against the margin.
        p_holm: corrected within the family.
        p_opposite: the same for the margin on the other side; None where the claim has no opposite. It is no column of
            the table; where it decides alone, `reason` tells it.
        family_size: claims of the family that have a p.
        gate_value, gate_passed: of the positive control in the same cells; None where the claim has none.
        verdict: on the claim.
        reason: of the verdict, where it is not plain.
    """

    suite: str
    model: str
    architecture: str
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    interval: str = ""
    n: int | None = None
    words: str = ""
    seeds: tuple[str, ...] = ()
    p: float | None = None
    p_holm: float | None = None
    p_opposite: float | None = None
    family_size: int | None = None
    gate_value: float | None = None
    gate_passed: bool | None = None
    verdict: Verdict = "not tested"
    reason: str = ""

    @classmethod
    def of(cls, run: Decider, found: Estimate, p: float | None, gate: Passage | None) -> "Result":
        """The result before it is corrected and decided."""
        estimated = {
            name: getattr(found, name) for name in ("effect", "low", "high", "interval", "n", "words", "seeds")
        }
        result = cls(run.suite, run.model, run.architecture, **estimated, p=p)
        return result if gate is None else replace(result, gate_value=gate.value, gate_passed=gate.passed)


def read_tables(paths: Sequence[str | Path]) -> dict[str, list[dict[str, str]]]:
    """The rows of tables by file name, all cells text."""
    return {Path(path).name: read_csv(path) for path in paths}


def decide_claims(
    rules: Mapping[str, Any],
    tables: Tables,
    models: Mapping[tuple[str, str], Mapping[str, Any]],
    groups: Mapping[str, Mapping[str, Sequence[str]]],
) -> dict[str, Any]:
    """The verdicts, in the form of `claims.json`; a check of the design is in no family and no count.

    Args:
        rules: level, alpha and the claims, each with its `id`.
        tables: of `read_tables`; a claim whose table is absent is not tested.
        models: architecture and number of parameters of each (suite, model).
        groups: the lists of tasks of each suite.

    Raises:
        InputError: a claim asks for what its table does not have; the message names the claim.
    """
    level, alpha, claims = rules["level"], rules["alpha"], rules["claims"]
    results: dict[str, list[Result]] = {}
    # A check of the design stands alone.
    families: dict[tuple[str | None, str], list[tuple[Mapping[str, Any], Result, Tried]]] = {}
    for claim in claims:
        try:
            found = [
                (Result.of(run, one, p_of(one, claim), gate), (one, gate))
                for run, one, gate in _estimates(claim, tables, models, groups, level)
            ]
        except InputError as error:
            raise InputError(
                str(error), where=f"claims.{claim['id']} ({claim['estimand']['table']})", remedy="See claims.yaml"
            ) from None
        results[claim["id"]] = [] if found else [_not_tested(claim, tables, models)]
        family = (claim["family"], "" if claim["family"] else claim["id"])
        families.setdefault(family, []).extend((claim, result, tried) for result, tried in found)
    for members in families.values():
        p_values = corrected([result.p for _, result, _ in members])
        others = corrected([p_of_opposite(one, claim) for claim, _, (one, _) in members])
        size = sum(p is not None for p in p_values)
        for (claim, result, (one, gate)), p_holm, other in zip(members, p_values, others, strict=True):
            verdict, reason = verdict_on(one, claim, p_holm, alpha, p_opposite=other, gate=gate)
            tested = replace(result, p_holm=p_holm, p_opposite=other, family_size=size)
            results[claim["id"]].append(replace(tested, verdict=verdict, reason=reason))
    counts = Counter[str](
        result.verdict for claim in claims if claim["role"] != "design" for result in results[claim["id"]]
    )
    stated = [
        {key: claim[key] for key in _STATED}
        | {"table": claim["estimand"]["table"], "digest": rule_digest(claim, level, alpha)}
        | {"gate": _stated_gate(claim["gate"])}
        | {"results": [asdict(result) | {"seeds": list(result.seeds)} for result in results[claim["id"]]]}
        for claim in claims
    ]
    return {
        "rules": {"digest": file_digest(claims, level, alpha), "level": level, "alpha": alpha},
        "counts": {verdict: counts[verdict] for verdict in VERDICTS},
        "told": told(stated),
        "claims": stated,
    }


def claim_rows(decided: Mapping[str, Any]) -> list[ClaimRow]:
    """One row for each claim and run, in the order of the file of claims."""
    rows = []
    for claim in decided["claims"]:
        for result in claim["results"]:
            gate = claim["gate"] or {"name": None, "threshold": None}
            row = {**claim, **result, "seeds": " ".join(result["seeds"])}
            row |= {"gate": gate["name"], "gate_threshold": gate["threshold"]}
            rows.append(ClaimRow(**{column: row[column] for column in CLAIMS.columns}))
    return rows


def _estimates(
    claim: Mapping[str, Any],
    tables: Tables,
    models: Mapping[tuple[str, str], Mapping[str, Any]],
    groups: Mapping[str, Mapping[str, Sequence[str]]],
    level: float,
) -> list[tuple[Decider, Estimate, Passage | None]]:
    """The run, the estimate and what the gate says, of every run that has rows for the claim."""
    estimand = claim["estimand"]
    rows = tables.get(estimand["table"], ())
    found = []
    for run in _runs(claim, rows, models):
        suite, model = run.suite, run.model
        one = estimate(
            of_run(rows, suite, model),
            estimand,
            test=claim["test"],
            level=level,
            groups=groups.get(suite, {}),
            left_out=left_out_of(estimand.get("leave_out"), tables, suite, model),
        )
        # A run of another study may stand in the table without the rows of this claim.
        if not one.absent:
            found.append((run, one, _passage(claim, one, run, tables, groups)))
    return found


def _passage(
    claim: Mapping[str, Any],
    found: Estimate,
    run: Decider,
    tables: Tables,
    groups: Mapping[str, Mapping[str, Sequence[str]]],
) -> Passage | None:
    gate = claim["gate"]
    if gate is None:
        return None
    estimand = gate["estimand"]
    return passage(
        gate,
        of_run(tables.get(estimand["table"], ()), run.suite, run.model),
        found,
        claim["estimand"].get("unit"),
        groups=groups.get(run.suite, {}),
        left_out=left_out_of(estimand.get("leave_out"), tables, run.suite, run.model),
    )


def of_run(rows: Sequence[Row], suite: str, model: str) -> Sequence[Row]:
    """The rows of a model on a suite; all of them where no suite is named."""
    return rows if not suite else [row for row in rows if (row["suite"], row["model"]) == (suite, model)]


def _stated_gate(gate: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What readers are told of a gate."""
    if gate is None:
        return None
    threshold, side = (gate["below"], "below") if gate["above"] is None else (gate["above"], "above")
    return {"name": gate["name"], "statement": gate["statement"], "side": side, "threshold": threshold}


def _runs(
    claim: Mapping[str, Any], rows: Sequence[Row], models: Mapping[tuple[str, str], Mapping[str, Any]]
) -> list[Decider]:
    if claim["architecture"] == "none":
        return [Decider()] if rows else []
    there = {(row["suite"], row["model"]) for row in rows}
    for suite, model in there - set(models):
        raise InputError(f"model `{model}` on suite `{suite}` has rows but no checkpoint")
    runs = []
    for (suite, model), described in models.items():
        if (suite, model) not in there:
            continue
        # As in the published comparisons, every architecture but Bloom stands beside Llama-2-7b.
        kind = "bloom" if described["architecture"] == "bloom" else "llama"
        big = described["parameters"] >= BIG
        if claim["architecture"] in ("any", kind) and (big or claim["scale"] == "embedded"):
            runs.append(Decider(suite, model, described["architecture"]))
    return runs


def _not_tested(claim: Mapping[str, Any], tables: Tables, models: Mapping[Any, Mapping[str, Any]]) -> Result:
    table = claim["estimand"]["table"]
    if table not in tables:
        reason = f"there is no table {table}"
    elif claim["scale"] == "7B" and not any(one["parameters"] >= BIG for one in models.values()):
        reason = "needs models of the 7B class"
    else:
        reason = f"{table} has no such rows of a model of architecture {claim['architecture']}"
    return Result("", "", "", reason=reason)


def left_out_of(chosen: Mapping[str, Any] | None, tables: Tables, suite: str, model: str) -> set[str]:
    """The units that an estimand leaves out in a run.

    Raises:
        InputError: the table that names them is absent.
    """
    if chosen is None:
        return set()
    if chosen["table"] not in tables:
        raise InputError(f"there is no table {chosen['table']}, which names what is left out")
    own = (row for row in tables[chosen["table"]] if (row["suite"], row["model"]) == (suite, model))
    return {cell(row, chosen["column"]) for row in own if matches(row, chosen["where"])}


# Jobs


@dataclass(frozen=True)
class DecideSettings:
    """Settings of `decide`.

    Attributes:
        rules: level, alpha and the claims, each with its `id`.
        runs: (suite, model) in the order of the checkpoints.
        groups: the lists of tasks of each suite.
    """

    rules: dict[str, Any]
    runs: tuple[tuple[str, str], ...]
    groups: dict[str, dict[str, tuple[str, ...]]]


def decide(job: Job[DecideSettings]) -> None:
    """Decide every claim by the rules of claims.yaml, from the tables alone."""
    models = {run: read_json(path) for run, path in zip(job.settings.runs, job.inputs["checkpoints"], strict=True)}
    decided = decide_claims(job.settings.rules, read_tables(job.inputs["tables"]), models, job.settings.groups)
    write_json(job.outputs.one("json"), decided)
    CLAIMS.write(job.outputs.one("table"), claim_rows(decided))
