"""Our gains from training neurons beside the printed ones (Leng & Xiong 2025, Tables 2 and 7)."""

from collections.abc import Iterable, Mapping
from typing import Any

from taskneurons.errors import InputError
from taskneurons.evidence.tables import SCORE, Tasks, mirrored
from taskneurons.evidence.training import SETTING
from taskneurons.evidence.tuned import Row

PUBLISHED_COLUMNS = (
    "table", "suite", "model", *SETTING, "condition", "task", "published_task", "metric", "published", "value", "low",
    "high", "interval", "published_gain", "gain", "gain_low", "gain_high", "gain_interval", "published_over_random",
    "over_random", "over_random_low", "over_random_high", "over_random_interval", "seeds",
)  # fmt: skip
_CONDITIONS = {"zero_shot": "zero_shot", "random": "train_random", "task": "train_task"}


def training_published(
    summary: Iterable[Row],
    published: Mapping[str, list[dict[str, Any]]],
    tasks: Tasks,
    architectures: Mapping[str, str],
) -> list[Row]:
    """Our values beside those of Table 2 (Llama-2-7b), or of Table 7 (Bloom-7b1) for models of the Bloom architecture.

    Each of our tasks stands beside the paper's task that it is or mirrors; tasks without one are left out, and so is
    the average over a kind unless our tasks stand for exactly the paper's. Accuracy is the freely generated one.

    Args:
        summary: of `training.training_summary`.
        published: the rows of `T2` and `T7`.
        tasks: of every suite in the summary.
        architectures: architecture of each model, as its configuration names it.

    Raises:
        InputError: a model has no architecture.
    """
    mirrors = mirrored(tasks, published["T2"])
    compared = []
    for row in summary:
        theirs = mirrors.get((row["suite"], row["task"]))
        if theirs is None or row["condition"] not in _CONDITIONS or row["metric"] != SCORE[row["kind"]]:
            continue
        if row["model"] not in architectures:
            raise InputError(f"the architecture of model `{row['model']}` is not given")
        table = "T7" if architectures[row["model"]] == "bloom" else "T2"
        values = {r["condition"]: r["value"] for r in published[table] if r["task"] == theirs}
        value = values.get(_CONDITIONS[row["condition"]])
        both = row | {"table": table, "published_task": theirs, "published": value}
        # The papers print one decimal, so their differences have no more.
        for name, other, of in (
            ("published_gain", "zero_shot", ("random", "task")),
            ("published_over_random", "train_random", ("task",)),
        ):
            known = value is not None and other in values and row["condition"] in of
            both[name] = round(value - values[other], 1) if known else None
        compared.append({column: both[column] for column in PUBLISHED_COLUMNS})
    return compared
