"""A made-up folder of results as a run leaves it, in which every name and text may be hostile."""

from pathlib import Path
from typing import Any

import numpy as np
from csv_files import write_csv

from taskneurons.files import write_json, write_jsonl, write_text
from taskneurons.neurons.scores import NeuronScores

HOSTILE = "<img src=x onerror=alert(1)>"
SHAPE = (4, 64)
RUN = "results/neurons/synthetic/llama"


NAMES = (
    "sentiment_food", "sentiment_film", "paraphrase_questions", "paraphrase_sentences", "nli_person", "nli_place",
    "question_science", "question_person", "describe_restaurant", "describe_concepts", "summary_news", "summary_sport",
)  # fmt: skip
KINDS = {
    HOSTILE if place == 0 else name: "classification" if place < 6 else "generation" for place, name in enumerate(NAMES)
}
LOST = {"task": 45.0, "other_task": 4.0, "random": 1.0, "bottom": 0.2}
_RUN = {"suite": "synthetic", "model": "llama"}
_SETTING = {"estimator": "taylor", "percent": 10, "selection": "layer", "intervention": "zero"}


def _setting(condition: str) -> dict[str, Any]:
    return dict.fromkeys(_SETTING) if condition == "original" else _SETTING


def rows_of(tasks: list[str]) -> list[dict[str, Any]]:
    """Every score of every task under the sets of every task."""
    rows = []
    for seed in (0, 1, 2):
        for test in tasks:
            pairs = [("original", ""), *(("task" if train == test else "other_task", train) for train in tasks)]
            for condition, train in pairs:
                score = 90.0 - LOST.get(condition, 0.0) + seed / 8
                for metric, value in ((metric_of(test), score), ("loss", (100 - score) / 40)):
                    cells = {"seed": seed, "condition": condition, "train_task": train, "test_task": test}
                    rows.append({**_RUN, **_setting(condition), **cells, "metric": metric, "value": value, "n": 500})
    return rows


def summary_of(tasks: list[str]) -> list[dict[str, Any]]:
    """What each condition takes off each task, with an interval; no two drops of a condition are equal."""
    rows = []
    for condition in ("original", *LOST):
        for place, task in enumerate([*tasks, "mean_cls"]):
            for metric, unit in ((metric_of(task), 1.0), ("loss", 0.025)):
                drop = unit * LOST[condition] + place / 64 if condition in LOST else None
                ends = (None, None) if drop is None else (drop - unit, drop + unit)
                drops = {"drop": drop, "drop_low": ends[0], "drop_high": ends[1]}
                rows.append(
                    {**_RUN, **_setting(condition), "condition": condition, "task": task, "metric": metric} | drops
                )
    return rows


def metric_of(task: str) -> str:
    """The score of a task."""
    return "rougeL" if KINDS.get(task) == "generation" else "accuracy"


def lay_scores(folder: Path, tasks: list[str], seeds: tuple[int, ...] = (0, 1), shape: tuple[int, int] = SHAPE) -> None:
    """Scores of every task; the file names are slugs whatever the tasks are called."""
    for seed in seeds:
        rng = np.random.default_rng(seed)
        common = rng.lognormal(sigma=1.0, size=shape)
        for place, task in enumerate(tasks):
            values = (common * rng.lognormal(sigma=0.8, size=shape) * 0.02).astype(np.float32)
            scores = NeuronScores(values, values, values, task, "d" * 64, "taylor", 300, 9000)
            scores.save(folder / RUN / f"seed{seed}" / "scores" / "taylor" / f"task_{place}.safetensors")


def lay_results(folder: Path) -> list[dict[str, Any]]:
    """Everything that the report shows; returns lineage records of some of it."""
    tasks = [{"name": name, "family": name.partition("_")[0], "kind": kind} for name, kind in KINDS.items()]
    tables = folder / "results" / "tables"
    measured, summary = rows_of(list(KINDS)), summary_of(list(KINDS))
    write_csv(tables / "deactivation.csv", measured, tuple(measured[0]))
    write_csv(tables / "deactivation_summary.csv", summary, tuple(summary[0]))
    write_text(
        folder / "results/figures/deactivation/synthetic/llama/drops-taylor-10-model.svg",
        '<svg xmlns="http://www.w3.org/2000/svg" width="400" height="200" viewBox="0 0 400 200">'
        '<text x="9" y="99">drops</text></svg>',
    )
    names = [task["name"] for task in tasks]
    lay_scores(folder, names)
    for place, task in enumerate(tasks):
        of_task = folder / "results/data/synthetic/tasks" / f"task_{place}"
        licence = "Apache-2.0" if place < 2 else "all rights reserved"
        write_json(of_task / "task.json", {**task, "license": licence})
        texts = [
            {"id": f"id{n}", "instruction": "say {input}", "input": f"secret {place} {HOSTILE}", "target": "so"}
            for n in range(3)
        ]
        write_jsonl(of_task / "test.jsonl", texts)
        links = "[l](https://example.org) ![i](https://example.org/i.png)"
        card = f"# {place}\n\n| a | b |\n| --- | --- |\n| {HOSTILE} | {links} |\n\n## Examples\n\nsecret {place}\n"
        write_text(folder / f"results/cards/synthetic/{task['name'] if place else 'hostile'}.md", card)
    best = [
        (layer, neuron, rank, names[rank - 1], "id0", 1.5 / rank)
        for layer in range(4)
        for neuron in range(64)
        for rank in (1, 2, 3)
    ]
    columns = ("layer", "neuron", "rank", "task", "example", "activation")
    write_csv(
        folder / "results/report/synthetic/llama/seed0/top_examples.csv",
        [dict(zip(columns, row, strict=True)) for row in best],
        columns,
    )
    write_json(folder / "results/claims.json", {"claims": CLAIMS})
    return records()


CLAIMS = [
    {
        "id": "t1",
        "paper": "leng2025",
        "statement": f"Task neurons matter {HOSTILE}",
        "source": "Table 1",
        "table": "deactivation_summary.csv",
        "published": 8.8,
        "direction": "above",
        "margin": 1,
        "unit": "points",
        "digest": "ab" * 32,
        "results": [
            {
                "model": "llama",
                "suite": "synthetic",
                "verdict": "holds",
                "effect": 45.12345678,
                "low": 40.0,
                "high": 50.0,
                "p_holm": 0.004,
                "n": 6,
                "seeds": [0, 1, 2],
                "interval": "95 % t over 3 seeds",
            }
        ],
    },
    {
        "id": "t2",
        "paper": "zhao2024",
        "statement": "Layers differ",
        "published": 0.783,
        "results": [
            {
                "model": "llama_medium",
                "suite": "synthetic",
                "verdict": "inconclusive",
                "effect": -0.00012345678,
                "low": -0.00019317062,
                "high": 0.00012345678,
                "p_holm": 0.00012345678,
                "n": 12,
                "seeds": [0, 1, 2],
                "interval": "95 % t over tasks as if independent",
                "reason": "corrected within its family, p is 0.064",
            }
        ],
    },
]


def records() -> list[dict[str, Any]]:
    """Raw data -> task -> scores -> table -> summary -> figure."""

    def one(output: str, rule: str, inputs: list[str], minute: int) -> dict[str, Any]:
        digest = {name: f"{hash_of(name):064x}" for name in [*inputs, output]}
        return {
            "output": output,
            "sha256": digest[output],
            "size": 9,
            "rule": rule,
            "inputs": tuple((name, digest[name]) for name in sorted(inputs)),
            "settings": {"task": HOSTILE, "percent": 10},
            "code": "c0de" * 16,
            "started": f"2026-01-01T00:{minute:02}:00.000000+00:00",
            "ended": f"2026-01-01T00:{minute:02}:30.000000+00:00",
            "device": "cpu",
            "software": {"python": "3.11.7"},
        }

    scores = [f"{RUN}/seed{seed}/scores/taylor/task_{place}.safetensors" for seed in (0, 1) for place in range(12)]
    tasks = [f"results/data/synthetic/tasks/task_{place}/task.json" for place in range(12)]
    table, summary = "results/tables/deactivation.csv", "results/tables/deactivation_summary.csv"
    figure = "results/figures/deactivation/synthetic/llama/drops-taylor-10-model.svg"
    return [
        *(one(task, "make_tasks_synthetic_all", ["raw/tasks.json"], 1) for task in tasks),
        *(one(score, "attribute_scores_synthetic_llama_all", tasks, 2) for score in scores),
        one(table, "tabulate_deactivation", scores, 3),
        one(summary, "summarise_deactivation", [table, *tasks], 4),
        one(figure, "plot_drops_synthetic_llama_taylor_10_model", [table], 5),
        one("results/tables/gone.csv", "tabulate_gone", [table], 6),
    ]


def hash_of(name: str) -> int:
    """A number for a name, the same in every process."""
    return int.from_bytes(name.encode(), "big") % 2**255
