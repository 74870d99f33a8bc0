"""The scores of all neurons in a form small enough for a page and exact in what the page shows.

The page has of every neuron its exact rank among the neurons of the model and its score to three significant digits.
Scores fall along the ranks, so that they are run lengths of a few thousand values; the ranks are what takes space.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from taskneurons.errors import InputError
from taskneurons.evidence import words
from taskneurons.evidence.top_examples import TopExample
from taskneurons.neurons.scores import NeuronScores
from taskneurons.report.packing import packed

DIGITS = 3
# ASSUME: 32 x 11,008 neurons for 12 tasks, about 11 MB in the page, must fit; two such models need not.
MOST_SCORES = 6_000_000
# Licences under which an example's text may be shown again. Whatever is not listed is shown by id alone.
FREE_LICENCES = (
    "apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "cc0-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0",
    "cc-by-sa-3.0", "cc-by-sa-4.0", "odc-by-1.0", "pddl-1.0", "odbl-1.0", "public domain", "unlicense",
)  # fmt: skip


@dataclass(frozen=True)
class ScoreFile:
    """Where the scores of one task lie: `results/neurons/{suite}/{model}/seed{seed}/scores/{estimator}/{task}.*`."""

    path: str
    suite: str
    model: str
    seed: str
    estimator: str

    @classmethod
    def at(cls, path: str | Path) -> "ScoreFile":
        """Read the place from a path.

        Raises:
            InputError: the path has another form.
        """
        parts = Path(path).parts
        if len(parts) < 7 or parts[-3] != "scores" or not parts[-4].startswith("seed"):
            raise InputError("not a file of neuron scores by its place", where=str(path))
        return cls(Path(path).as_posix(), parts[-6], parts[-5], parts[-4].removeprefix("seed"), parts[-2])


def free(licence: str) -> bool:
    """Whether data under this licence may be shown again with their text."""
    return licence.strip().lower().replace(" ", "-") in {name.replace(" ", "-") for name in FREE_LICENCES}


def rounded(scores: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Scores to `DIGITS` significant decimal digits, as `format(x, ".2e")` rounds each; exact up to the last bit."""
    values = scores.astype(np.float64)
    with np.errstate(divide="ignore"):
        exponent = np.where(values == 0, 0, np.floor(np.log10(np.abs(values))))
    scaled = values / 10.0 ** (exponent - (DIGITS - 1))
    mantissa = np.rint(scaled)
    result = mantissa * 10.0 ** (exponent - (DIGITS - 1))
    # Division is inexact: what lies at the middle of two roundings, or at a power of ten, is left to the formatter.
    unsure = (np.abs(np.abs(scaled - np.trunc(scaled)) - 0.5) < 1e-6) | (np.abs(mantissa) >= 10**DIGITS)
    unsure |= np.abs(scaled) < 10 ** (DIGITS - 1)
    result[unsure] = [float(f"{value:.{DIGITS - 1}e}") for value in values[unsure]]
    return result


def encoded(scores: Float[np.ndarray, "layer neuron"]) -> dict[str, Any]:
    """Ranks and rounded scores of one task.

    Returns:
        `ranks`: packed planes of the ranks (from 0, equal scores by layer and index), least significant byte first, in
        the order of layer and index; `planes`: how many; `values`, `counts`: run lengths of the scores by rank.
    """
    flat = scores.reshape(-1)
    order = np.argsort(-flat, kind="stable")
    ranks = np.empty(len(flat), dtype="<u4")
    ranks[order] = np.arange(len(flat), dtype="<u4")
    planes = max(1, (len(flat).bit_length() + 7) // 8)
    values = rounded(flat[order])
    starts = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))
    return {
        "planes": planes,
        "ranks": packed(ranks.view(np.uint8).reshape(-1, 4)[:, :planes].T.tobytes()),
        "values": [float(f"{value:.{DIGITS - 1}e}") for value in values[starts]],
        "counts": np.diff([*starts, len(flat)]).tolist(),
    }


def atlas(files: Iterable[str | Path], *, most: int = MOST_SCORES) -> tuple[list[dict[str, Any]], list[str]]:
    """One layer of the atlas for each run, seed and estimator, with the scores of its tasks.

    Args:
        files: of scores, as `NeuronScores.save` wrote them.
        most: scores in all; beyond, later seeds are left out first, then later estimators.

    Returns:
        The layers, and a sentence for each one that was left out or could not be read.
    """
    groups: dict[tuple[str, str, str, str], list[ScoreFile]] = {}
    for file in map(ScoreFile.at, sorted(map(str, files))):
        groups.setdefault((file.suite, file.model, file.estimator, file.seed), []).append(file)
    runs = list(dict.fromkeys(key[:2] for key in groups))
    layers, said, used = [], [], 0
    for key in sorted(groups, key=lambda key: (_place(groups, key), runs.index(key[:2]))):
        suite, model, estimator, seed = key
        read, problems = _read(groups[key])
        said += problems
        size = sum(scores.scores.size for _, scores in read)
        if not read:
            continue
        if used + size > most:
            said.append(
                f"The atlas has no room for {estimator} of {model} on {suite}, seed {seed}: {size:,} more scores"
            )
            continue
        used += size
        shape = read[0][1].shape
        layers.append(
            {
                "run": f"{suite}/{model}",
                "suite": suite,
                "model": model,
                "seed": seed,
                "estimator": estimator,
                "shape": list(shape),
                "tasks": [
                    {
                        "name": scores.task,
                        "path": file.path,
                        "examples": scores.examples,
                        "tokens": scores.tokens,
                        **encoded(scores.scores),
                    }
                    for file, scores in read
                    if scores.shape == shape
                ],
            }
        )
    return sorted(
        layers, key=lambda one: (runs.index((one["suite"], one["model"])), one["estimator"], one["seed"])
    ), said


def examples_by_neuron(
    rows: Iterable[TopExample], texts: Mapping[str, Mapping[str, str]]
) -> dict[str, list[list[Any]]]:
    """The top examples of each neuron, `layer.neuron` -> [task, example id, activation to three digits, text or None].

    Args:
        rows: of one run.
        texts: task -> example id -> text, of the tasks whose licence allows to show it.
    """
    found: dict[str, list[list[Any]]] = {}
    for row in rows:
        text = texts.get(row.task, {}).get(row.example)
        activation = float(f"{row.activation:.{DIGITS - 1}e}")
        found.setdefault(f"{row.layer}.{row.neuron}", []).append([row.task, row.example, activation, text])
    return found


def set_effects(rows: Sequence[Mapping[str, str]]) -> list[list[Any]]:
    """What switching off whole sets does to the score of their own task: the rows of a summary that say so.

    Returns:
        [run, estimator, percent, within, intervention, task, metric, drop, low, high], the metric in words, numbers as
        the table has them.
    """
    needed = ("suite", "model", "estimator", "percent", "selection", "intervention", "task", "metric", "drop")
    return [
        [
            f"{row['suite']}/{row['model']}", row["estimator"], row["percent"], row["selection"], row["intervention"],
            row["task"], words.of(row["metric"], "metric"),
            row["drop"], row.get("drop_low", ""), row.get("drop_high", ""),
        ]
        for row in rows
        if all(name in row for name in needed)
        and row.get("condition") == "task"
        and row["metric"] in ("accuracy", "rougeL")
        and row["drop"]
    ]  # fmt: skip


def _place(groups: Mapping[tuple[str, str, str, str], Any], key: tuple[str, str, str, str]) -> tuple[int, int]:
    """Estimators and seeds in their order within a run: the first seed of the first estimator comes first."""
    own = [other for other in groups if other[:2] == key[:2]]
    estimators = list(dict.fromkeys(other[2] for other in own))
    seeds = sorted({other[3] for other in own if other[2] == key[2]}, key=lambda seed: (len(seed), seed))
    return estimators.index(key[2]), seeds.index(key[3])


def _read(files: Sequence[ScoreFile]) -> tuple[list[tuple[ScoreFile, NeuronScores]], list[str]]:
    read: list[tuple[ScoreFile, NeuronScores]] = []
    problems = []
    for file in files:
        try:
            read.append((file, NeuronScores.load(file.path)))
        except InputError as error:
            problems.append(str(error))
    return read, problems
