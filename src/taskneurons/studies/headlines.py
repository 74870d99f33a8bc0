"""The headline numbers of a study, for `dvc metrics`: few enough to read side by side, the same keys in every run."""

from collections.abc import Iterable, Mapping
from statistics import fmean
from typing import Any

from taskneurons.evidence.tasks import MEANS
from taskneurons.files import read_csv, read_json, write_json
from taskneurons.job import Job, NoSettings

# What tells headline numbers apart, as far as a summary has these columns: numbers that differ in one of them are not
# alike. What remains is the mean over tasks and over orders of a stream.
KEYS = (
    "suite",
    "model",
    "benchmark",
    "method",
    "rate",
    "scoring",
    "estimator",
    "selection",
    "percent",
    "how",
    "trained",
    "tested",
    "members",
    "overlap",
    "scope",
    "group",
    "condition",
    "intervention",
    "role",
    "sets",
    "against",
    "given",
    "shared",
    "measure",
    "kind",
    "metric",
)
# Rows that say in detail, as an average, or in another way what other rows say: of one seed, of one layer, of all tasks
# of a kind, of further metrics.
WHOLE = {"seed": ("", "mean", "all"), "layer": ("", "mean")}
AVERAGES = tuple(MEANS.values())
FURTHER = ("accuracy_restricted", "cka_biased", "cka_standardised_biased", "cka_standardised_unbiased")


def headlines(rows: Iterable[Mapping[str, str]]) -> dict[str, Any]:
    """The mean of `value`, or `after`, for each combination of the key columns, nested in their order.

    Args:
        rows: of a summary table; those without a value, of one seed, of one layer, of an average over tasks and of
            further metrics are passed over.
    """
    values: dict[tuple[str, ...], list[float]] = {}
    for row in rows:
        whole = all(row.get(column, "") in wanted for column, wanted in WHOLE.items())
        value = row.get("value") or row.get("after")
        if value and whole and row.get("metric") not in FURTHER and row.get("task") not in AVERAGES:
            values.setdefault(_keys(row), []).append(float(value))
    found: dict[str, Any] = {}
    for keys, numbers in sorted(values.items()):
        place = found
        for key in keys[:-1]:
            # A key that has a number of its own keeps it beside those below it.
            inner = place.setdefault(key, {})
            place = inner if isinstance(inner, dict) else place.setdefault(f"{key}.", {})
        place[keys[-1] if keys else "value"] = fmean(numbers)
    return found


def _keys(row: Mapping[str, str]) -> tuple[str, ...]:
    # The group of the two halves of a task's examples is that task, and tasks are alike.
    alike = ("group",) if row.get("scope") == "halves" else ()
    return tuple(row[key] for key in KEYS if key not in alike and row.get(key))


def claim_headlines(claims: Mapping[str, Any]) -> dict[str, Any]:
    """The effect of each claim by suite and model, and how many claims have which verdict.

    Args:
        claims: the content of results/claims.json.
    """
    found: dict[str, Any] = {}
    verdicts: dict[str, int] = {}
    for claim in claims["claims"]:
        for result in claim["results"]:
            verdicts[result["verdict"]] = verdicts.get(result["verdict"], 0) + 1
            if result["effect"] is not None:
                # A claim about what the papers print has neither suite nor model.
                place = f"{result['suite']}/{result['model']}".strip("/") or "papers"
                found.setdefault(claim["id"], {})[place] = result["effect"]
    return {"effects": found, "verdicts": verdicts}


# Jobs


def write(job: Job[NoSettings]) -> None:
    """Write the headline numbers of a summary table or of results/claims.json as JSON.

    Raises:
        InputError: the file cannot be read.
    """
    source = job.inputs.one("source")
    found = claim_headlines(read_json(source)) if source.suffix == ".json" else headlines(read_csv(source))
    write_json(job.outputs.one("metrics"), found)
