"""Every rule of claims.yaml can be met and missed: by rows made from its own estimand, beyond its margin or not."""

from itertools import product
from pathlib import Path

import pytest

from taskneurons.studies.claims.estimands import Estimate
from taskneurons.studies.claims.gates import passage
from taskneurons.studies.claims.params import load_claims
from taskneurons.studies.claims.tables import decide_claims

RULES = load_claims(Path(__file__).parents[3] / "claims.yaml").rules()
SEEDS = ("0", "1", "2")
UNITS = tuple("abcdef")
LISTS = dict.fromkeys(("train_classification", "train_generation", "test_classification", "test_generation"), UNITS)
DEPTH = 32


def cells_of(where):
    """One row that a `where` names."""
    return {column: str(wanted[0] if isinstance(wanted, list) else wanted) for column, wanted in where.items()}


def wobble(seed, unit):
    """Small and different for every cell, as noise is."""
    return 0.001 * ((SEEDS.index(seed) if seed in SEEDS else 0) + 0.1 * UNITS.index(unit) + 1)


def wanted_effect(claim, holds):
    """Well beyond the margin, or well short of it, in the unit of the claim."""
    step = {"correlation": 0.3, "similarity": 0.3, "slope": 0.3, "layers": 3.0}.get(claim["unit"], 20.0)
    if claim["direction"] == "within":
        return 0.0 if holds else claim["margin"] + step
    return claim["margin"] + (step if (claim["direction"] == "above") == holds else -step)


def contrast_rows(estimand, effect):
    units = {
        name: {
            column: wanted for column, wanted in (side or {"where": {}})["where"].items() if column == estimand["unit"]
        }
        for name, side in (("minuend", estimand["minuend"]), ("subtrahend", estimand["subtrahend"]))
    }
    for name, value in (("minuend", effect), ("subtrahend", 0.0)):
        side = estimand[name]
        if side is None:
            continue
        own = units[name].get(estimand["unit"], estimand["where"].get(estimand["unit"], UNITS))
        own = own if isinstance(own, list | tuple) else [own]
        named = estimand["where"].get("seed")
        for seed, (place, unit) in product((named,) if named else SEEDS, enumerate(own)):
            row = cells_of(estimand["where"] | side["where"]) | {estimand["unit"]: str(unit), "seed": seed}
            row |= {column: str(most) for column, most in estimand["at_most"].items()}
            for column in (*side["groups"], *(side["same"] or ())):
                row[column] = UNITS[place]
            shift = wobble(seed, UNITS[place]) * (1 + 2 * (name == "minuend"))
            if estimand["spread"]:
                row[estimand["spread"]] = UNITS[place]
                # The side that should differ more does; its median is that of the other.
                value, shift = 0.0, (place - 2.5) * (max(effect, 0) if name == "minuend" else 0.1) + shift
            if side["depth"]:
                above, up_to = side["depth"]
                row["layer"] = str(round((max(above, 0) + up_to) / 2 * DEPTH))
                yield row | {"layer": str(DEPTH), estimand["value"]: ""}
            yield row | {estimand["value"]: str(value + shift)}


def trend_rows(estimand, effect):
    for seed, unit, x in product(SEEDS, UNITS, (10, 30, 50, 100)):
        row = cells_of(estimand["where"]) | {"seed": seed, estimand["unit"]: unit, estimand["against"]: str(x)}
        row |= dict.fromkeys((estimand["side"] or {}).get("same") or (), unit)
        # Every second unit has two neighbours swapped, so that rank correlations differ.
        x = {30: 50, 50: 30}.get(x, x) if (unit in "ace") == (seed == "0") else x
        yield row | {estimand["value"]: str(50 + (x if effect > 0 else -x) / 100)}


def row_rows(estimand, effect):
    for seed in (*SEEDS, "mean"):
        value = effect + (0.0 if seed == "mean" else wobble(seed, "a"))
        against = estimand["sided"] == "one" and effect < 0
        row = cells_of(estimand["where"]) | {"seed": seed, estimand["effect"]: str(value)}
        row |= {estimand[side]: "" for side in ("low", "high", "interval") if estimand[side]}
        row |= {estimand["minus"]: "0"} if estimand["minus"] else {}
        yield row | ({estimand["p"]: "0.999" if against else "0.0001"} if estimand["p"] else {})


def rows_for(claim, holds):
    estimand, effect = claim["estimand"], wanted_effect(claim, holds)
    if estimand["kind"] == "words":
        word = (estimand["holds"] if holds else [*estimand["fails"], "neither"])[0]
        rows = [
            cells_of(estimand["where"]) | {estimand["column"]: word} | ({estimand["p"]: "0"} if estimand["p"] else {})
        ]
        rows = [row | ({"seed": "0"} if claim["architecture"] != "none" else {}) for row in rows]
    else:
        rows = list(
            {"contrast": contrast_rows, "trend": trend_rows, "row": row_rows}[estimand["kind"]](estimand, effect)
        )
    return [row | {"suite": "planted", "model": "m"} for row in rows]


@pytest.mark.parametrize("claim", RULES["claims"], ids=[claim["id"] for claim in RULES["claims"]])
def test_every_rule_holds_on_rows_beyond_its_margin_and_not_on_rows_short_of_it(claim):
    size = {"embedded": 10**5, "7B": 7 * 10**9}[claim["scale"]]
    architecture = {"bloom": "bloom"}.get(claim["architecture"], "llama")
    models = {("planted", "m"): {"architecture": architecture, "parameters": size}}
    claim = claim | {"gate": None}
    for holds, expected in ((True, {"holds"}), (False, {"fails", "opposite"})):
        tables = {claim["estimand"]["table"]: rows_for(claim, holds)}
        if chosen := claim["estimand"].get("leave_out"):
            tables[chosen["table"]] = []
        found = decide_claims(RULES | {"claims": [claim]}, tables, models, {"planted": LISTS})
        (result,) = found["claims"][0]["results"]
        assert result["verdict"] in expected, (result, tables[claim["estimand"]["table"]][:2])


GATES = {claim["gate"]["name"]: claim["gate"] for claim in RULES["claims"] if claim["gate"]}


@pytest.mark.parametrize("name", GATES)
def test_every_gate_can_be_passed_and_missed(name):
    gate = GATES[name]
    given = [
        (gate["above"] if gate["above"] is not None else gate["below"]) if gate["estimand"]["kind"] != "words" else 0
    ]
    stated = {"direction": "below" if gate["below"] is not None else "above", "margin": given[0], "unit": "points"}
    stated |= {"estimand": gate["estimand"], "architecture": "any"}
    for passes in (True, False):
        found = passage(gate, rows_for(stated, passes), Estimate(), None, groups=LISTS)
        assert found.passed is passes, found
