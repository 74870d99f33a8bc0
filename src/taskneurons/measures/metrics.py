"""Scores of predicted texts, in percent."""

from collections.abc import Sequence

from rouge_score.rouge_scorer import RougeScorer

from taskneurons.errors import InputError


def accuracy(predictions: Sequence[str], references: Sequence[str]) -> float:
    """Share of predictions that equal their reference after surrounding white space is cut, in percent.

    Raises:
        InputError: no predictions, or not one for each reference.
    """
    _check(predictions, references)
    correct = sum(p.strip() == r.strip() for p, r in zip(predictions, references, strict=True))
    return 100.0 * correct / len(references)


def rouge_l(predictions: Sequence[str], references: Sequence[str]) -> float:
    """Mean ROUGE-L F1 of rouge_score without stemming, in percent.

    rouge_score lower-cases and keeps a-z and 0-9 only; two texts without any such character score 0.

    Raises:
        InputError: as `accuracy`.
    """
    _check(predictions, references)
    scorer = RougeScorer(["rougeL"], use_stemmer=False)
    scores = (scorer.score(r, p)["rougeL"].fmeasure for p, r in zip(predictions, references, strict=True))
    mean: float = 100.0 * sum(scores) / len(references)
    return mean


def _check(predictions: Sequence[str], references: Sequence[str]) -> None:
    if not references or len(predictions) != len(references):
        raise InputError(
            f"{len(predictions)} predictions for {len(references)} references; one each and at least one are needed"
        )
