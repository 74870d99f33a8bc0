"""Claims of every kind, and tables with effects of known size that decide them."""

from typing import Any

import numpy as np

LEVEL, ALPHA = 0.95, 0.05
MODELS = {
    ("synthetic", "llama"): {"architecture": "llama", "parameters": 340_000},
    ("synthetic", "bloom"): {"architecture": "bloom", "parameters": 340_000},
}
TASKS = ("a", "b", "c", "d", "e", "f")
SIDE: dict[str, Any] = {"where": {}, "depth": None, "same": None, "groups": {}}


def make_claim(estimand: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A claim in the form of `Claims.rules()`."""
    defaults = {
        "contrast": {
            "subtrahend": None,
            "value": "value",
            "unit": "test_task",
            "units": "tasks",
            "spread": None,
            "at_most": {},
            "leave_out": None,
        },
        "trend": {"side": None, "value": "value", "unit": "test_task", "units": "tasks", "measure": "slope"},
        "row": dict.fromkeys(("minus", "low", "high", "interval", "p")) | {"sided": "one"},
        "words": {"p": None},
    }[estimand["kind"]]
    claim = {
        "id": "made_up", "paper": "leng2025", "role": "claim", "statement": "One is more than the other.",
        "source": "Table 1", "published": 8.0, "unit": "points", "direction": "above", "margin": 1.0,
        "scale": "embedded", "architecture": "any", "family": "one", "test": "t", "gate": None,
    }  # fmt: skip
    return claim | {"estimand": {"table": "made_up.csv", "where": {}} | defaults | estimand} | changes


def contrast(**changes: Any) -> dict[str, Any]:
    """Condition `more` less condition `less`."""
    sides = {
        name: SIDE | {"where": {"condition": condition}}
        for name, condition in (("minuend", "more"), ("subtrahend", "less"))
    }
    return make_claim({"kind": "contrast", **sides}, **changes)


def make_table(
    effect: float, *, seeds: tuple[int, ...] = (0, 1, 2), noise: float = 0.3, model: str = "llama", rng_seed: int = 0
) -> list[dict[str, str]]:
    """Cells of a table, as text: under `more` every task has `effect` more than under `less`, with some noise."""
    rng = np.random.default_rng(rng_seed)
    rows = []
    for seed in seeds:
        for place, task in enumerate(TASKS):
            for condition in ("less", "more"):
                value = 50 + 5 * place + (effect + noise * rng.normal() if condition == "more" else 0.0)
                cells = {"suite": "synthetic", "model": model, "seed": seed, "condition": condition}
                rows.append(cells | {"test_task": task, "value": value})
    return [{column: str(value) for column, value in row.items()} for row in rows]


def make_rules(*claims: dict[str, Any]) -> dict[str, Any]:
    """Rules of the usual level and alpha."""
    return {"level": LEVEL, "alpha": ALPHA, "claims": list(claims)}
