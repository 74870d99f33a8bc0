"""Made-up results of the form that the deactivation study writes, with effects of known size."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from taskneurons.evidence.tidy import COLUMNS, order

FAMILIES = {
    "classification": (
        ("sentiment", ("sentiment_food", "sentiment_film"), 2),
        ("paraphrase", ("paraphrase_questions", "paraphrase_sentences"), 2),
        ("nli", ("nli_person", "nli_place"), 3),
    ),
    "generation": (
        ("question_generation", ("question_science", "question_person"), 0),
        ("data_to_text", ("describe_restaurant", "describe_concepts"), 0),
        ("summary", ("summary_news", "summary_sport"), 0),
    ),
}
PAPER = [
    "AmazonFood",
    "SST-2",
    "QQP",
    "PAWS",
    "MNLI",
    "GPTNLI",
    "SciQA",
    "TweetQA",
    "E2E",
    "CommonGen",
    "CNN/DailyMail",
    "XSum",
]


def make_tasks(suite: str = "synthetic") -> list[dict[str, Any]]:
    """The twelve tasks of the paper's design: six families of two."""
    tasks = [
        {"suite": suite, "name": name, "family": family, "kind": kind, "options": ["a", "b", "c"][:options]}
        for kind, families in FAMILIES.items()
        for family, names, options in families
        for name in names
    ]
    return [task | {"source": f"generated; mirrors {paper}"} for task, paper in zip(tasks, PAPER, strict=True)]


def make_rows(
    tasks: Sequence[dict[str, Any]],
    *,
    seeds: Sequence[int] = (0, 1, 2),
    model: str = "llama",
    suite: str = "synthetic",
    selection: str = "layer",
    draws: int = 5,
    noise: float = 1.0,
    conditions: Sequence[str] = ("original", "bottom", "random", "other_task", "task"),
) -> list[dict[str, Any]]:
    """Tidy rows in which the own task loses 45 points, its sibling 23, its kind 4, the others 1.5, random neurons 1."""
    rows = []

    def add(
        seed: int, condition: str, test: dict[str, Any], loss_of: float, train: str | None, draw: int | None
    ) -> None:
        setting = [None] * 4 if condition == "original" else [10, "taylor", selection, "zero"]
        drawn = [test["name"], train or "", condition, str(draw), str(seed), model]
        rng = np.random.default_rng(int(hashlib.sha256(" ".join(drawn).encode()).hexdigest()[:8], 16))
        start = 92.0 if test["kind"] == "classification" else 71.0
        score = float(np.clip(start - loss_of + noise * rng.normal(), 0, 100))
        name = "accuracy" if test["kind"] == "classification" else "rougeL"
        for metric, value in ((name, round(score, 3)), ("loss", round((100 - score) / 40, 4))):
            cells = [
                "deactivation",
                model,
                suite,
                seed,
                condition,
                train,
                test["name"],
                *setting,
                draw,
                metric,
                value,
                500,
            ]
            rows.append(dict(zip(COLUMNS, cells, strict=True)))

    for seed in seeds:
        for test in tasks:
            if "original" in conditions:
                add(seed, "original", test, 0.0, None, None)
            if "bottom" in conditions:
                add(seed, "bottom", test, 0.2, test["name"], None)
            for draw in range(draws if "random" in conditions else 0):
                add(seed, "random", test, 1.0, None, draw)
            for train in tasks:
                if train["name"] == test["name"]:
                    if "task" in conditions:
                        add(seed, "task", test, 45.0, train["name"], None)
                elif "other_task" in conditions:
                    close = 23.0 if train["family"] == test["family"] else 4.0
                    add(seed, "other_task", test, close if train["kind"] == test["kind"] else 1.5, train["name"], None)
    return sorted(rows, key=order)
