"""The card of a neuron set: what it is, how it was found, what it was compared with, what it is good for."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from taskneurons.files import read_csv, sha256, write_text
from taskneurons.neurons.exports import SetFile
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.sets import NeuronSet, load_sets

EFFECTS = Path("results/tables/deactivation_summary.csv")
CONDITIONS = {
    "original": "nothing switched off",
    "random": "random neurons switched off",
    "bottom": "lowest-scored neurons switched off",
    "other_task": "another task's neurons switched off",
    "all_tasks": "the neurons of all tasks together switched off",
    "task": "**these neurons switched off**",
}
BAR = 24
USE = """\
- To switch these neurons off, or to train them alone, in the model with the digest above, and to compare with the
  controls in the same file.
- To ask where in the model a task lies, and which tasks share neurons."""
LIMITS = """\
- The set belongs to one checkpoint: with other weights, even of the same training with another seed, the same indices
  mean other neurons.
- A score is an estimate (`taylor`: of first order) of what an ablation does, on training examples of this task and its
  instructions. Scores of neurons near the cut differ little, and another sample moves some of them across it.
- Being needed for a task is not being specific to it: look at what the set does to other tasks, and at random sets.
- An effect on accuracy may be one on the form of answers; `accuracy_restricted` compares the options alone."""


def set_card(file: SetFile, effects: Sequence[Mapping[str, str]]) -> str:
    """A Markdown card of the sets of one file; equal files and effects give equal bytes.

    Args:
        file: a file of named sets, with the scores that they were chosen by.
        effects: rows of `tables/deactivation_summary.csv`, also of other sets; none when nothing was measured.

    Raises:
        InputError: a file cannot be read.
    """
    sets, header = load_sets(file.path)
    scores = NeuronScores.load(file.scores(header["estimator"]))
    task = sets["task"]
    layers, width = task.shape
    where = "the whole model" if header["within"] == "model" else "each layer"
    lowest = scores.scores[task.mask].min()
    blocks = [
        f"# Neurons of {file.task}: {file.selection}, {file.suite}/{file.model}, seed {file.seed}",
        f"{len(task)} of {layers} x {width} FFN neurons ({100 * len(task) / task.mask.size:.3g} %).",
        "## What it is",
        _table(
            ("property", "value"),
            [
                ("file", f"`{file.path.as_posix()}`"),
                ("SHA-256 of the file", f"`{sha256(file.path)}`"),
                ("digest of the set", f"`{task.digest}`"),
                ("SHA-256 of the model's weights", f"`{header['model']}`"),
                ("task", file.task),
            ],
        ),
        "## How it was found",
        _table(
            ("property", "value"),
            [
                ("estimator", f"{header['estimator']}, over {scores.examples} examples, {scores.tokens} tokens"),
                ("selection", f"the {float(header['percent']):g} % with the highest scores of {where}"),
                ("lowest score in the set", f"{lowest:.6g}"),
                ("share of the sum of all scores", _share(scores, task)),
            ],
        ),
        "## Controls in the same file",
        _table(
            ("set", "neurons", "shared with the task's (Jaccard)", "share of all scores", "digest"),
            [
                (name, str(len(other)), f"{task.jaccard(other):.3f}", _share(scores, other), f"`{other.digest[:16]}`")
                for name, other in sets.items()
                if name != "task"
            ],
        ),
        "## Layers",
        _layers(task, [other for name, other in sets.items() if name.startswith("random.")]),
        "## What switching it off does",
        _effects(file, header, effects),
        "## Intended use",
        USE,
        "## Limits",
        LIMITS,
    ]
    return "\n\n".join(blocks) + "\n"


def write_cards(folder: str | Path, files: Sequence[SetFile]) -> int:
    """Write a card for each file below a folder, by suite, model, seed and selection; returns how many."""
    effects = read_csv(EFFECTS) if EFFECTS.is_file() else []
    for file in files:
        place = Path(folder) / file.suite / file.model / f"seed{file.seed}" / file.selection
        write_text(place / f"{file.task}.md", set_card(file, effects))
    return len(files)


def _share(scores: NeuronScores, neurons: NeuronSet) -> str:
    total = float(np.abs(scores.scores, dtype=np.float64).sum())
    if total == 0:
        return "not available: all scores are 0"
    return f"{100 * float(np.abs(scores.scores[neurons.mask], dtype=np.float64).sum()) / total:.1f} %"


def _layers(task: NeuronSet, random: Sequence[NeuronSet]) -> str:
    counts = task.layers()
    most = max(1, int(counts.max()))
    rows = []
    for layer, count in enumerate(counts):
        drawn = f"{np.mean([other.layers()[layer] for other in random]):.1f}" if random else "none drawn"
        bar = "█" * round(BAR * int(count) / most)
        rows.append((str(layer), str(count), f"{100 * count / len(task):.1f} %", drawn, bar))
    return _table(("layer", "neurons", "of the set", "random (mean)", ""), rows)


def _effects(file: SetFile, header: Mapping[str, str], effects: Sequence[Mapping[str, str]]) -> str:
    own = [row for row in effects if (row["suite"], row["model"], row["task"]) == (file.suite, file.model, file.task)]
    chosen = {"estimator": header["estimator"], "selection": header["within"]}
    rows = []
    for condition, name in CONDITIONS.items():
        for row in (row for row in own if row["condition"] == condition):
            same = all(row[key] == value for key, value in chosen.items()) and row["percent"]
            if condition == "original" or (same and float(row["percent"]) == float(header["percent"])):
                interval = f"{float(row['low']):.4g} to {float(row['high']):.4g}" if row["low"] else row["interval"]
                how = row["intervention"] or "-"
                rows.append((row["metric"], name, how, f"{float(row['value']):.4g}", interval, row["seeds"]))
    if not any(name == CONDITIONS["task"] for _, name, *_ in rows):
        return "Not measured."
    note = (
        "Means over the seeds of the run, each with the set of its own model, and the 95 % t interval over seeds, on "
        "the test examples of the task."
    )
    head = ("metric", "", "intervention", "mean", "interval", "seeds")
    return f"{note}\n\n{_table(head, sorted(rows, key=lambda row: row[0]))}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
