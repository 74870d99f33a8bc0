"""The score of a model that does not read the input, and whether another one does better."""

import math
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from taskneurons.measures.metrics import accuracy, rouge_l

# Enough to find a good constant answer; every pair costs a comparison of two texts.
CANDIDATES = 40
JUDGES = 100


def constant_answer(kind: str, train: Sequence[str], test: Sequence[str], seed: int = 0) -> dict[str, Any]:
    """The answer of the training split that, given to every input, scores best there, and its score on the test split.

    For a classification that is the most frequent class (accuracy); for a generation the best of up to 40 training
    answers by mean ROUGE-L against up to 100 others.

    Args:
        kind: classification or generation.
        train: answers of the training split.
        test: answers of the test split.
        seed: of the draw of training answers.

    Returns:
        {"answer": text, "metric": accuracy or rougeL, "score": percent on the test split}
    """
    if kind == "classification":
        # Ties go to the alphabet, so that the order of the data does not matter.
        answer = max(sorted(set(train)), key=train.count)
        return {"answer": answer, "metric": "accuracy", "score": accuracy([answer] * len(test), test)}
    random = Random(seed)
    distinct = sorted(set(train))
    candidates = random.sample(distinct, min(CANDIDATES, len(distinct)))
    judges = random.sample(list(train), min(JUDGES, len(train)))
    answer = max(candidates, key=lambda text: rouge_l([text] * len(judges), judges))
    return {"answer": answer, "metric": "rougeL", "score": rouge_l([answer] * len(test), test)}


def chance_level(task: Mapping[str, Any]) -> float | None:
    """The score, in percent, that is reached without reading the input; None where it is not known.

    Args:
        task: its `constant` is the score of the best constant answer; a classification has `options`, too, among which
            one can guess.
    """
    levels = [100 / len(task["options"])] if task.get("options") else []
    if task.get("constant") is not None:
        levels.append(float(task["constant"]))
    return max(levels, default=None)


def at_chance(score: float, n: int, chance: float) -> bool:
    """Whether a mean score over n examples is less than two standard errors above chance (all in percent).

    The standard error is that of a yes or no answer, which is the largest that a score between 0 and 100 can have.
    """
    return score < chance + 2 * math.sqrt(chance * (100 - chance) / n)
