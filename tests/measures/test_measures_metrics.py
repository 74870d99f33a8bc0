"""Text metrics against an implementation that we did not write, and against hand-made cases."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskneurons.errors import InputError
from taskneurons.measures.metrics import accuracy, rouge_l

vocabulary = ["the", "cat", "sat", "on", "a", "Mat,", "mat", "café", "12", "né"]
words = st.lists(st.sampled_from(vocabulary), max_size=8).map(" ".join)


@pytest.fixture(scope="module")
def torchmetrics_rouge():
    text = pytest.importorskip("torchmetrics.text")
    return text.ROUGEScore(rouge_keys="rougeL")


@given(st.lists(st.tuples(words, words), min_size=1, max_size=5))
@settings(max_examples=60, deadline=None)
def test_rouge_l_equals_torchmetrics(torchmetrics_rouge, pairs: list[tuple[str, str]]) -> None:
    predictions, references = [list(side) for side in zip(*pairs, strict=True)]
    torchmetrics_rouge.reset()
    torchmetrics_rouge.update(predictions, references)
    expected = 100 * float(torchmetrics_rouge.compute()["rougeL_fmeasure"])
    assert rouge_l(predictions, references) == pytest.approx(expected, abs=1e-4)


def test_rouge_l_by_hand() -> None:
    # Longest common subsequence "the mat" has 2 of 3 and 2 of 4 words: F1 = 2 * 2 / (3 + 4).
    assert rouge_l(["the red mat"], ["the cat sat mat"]) == pytest.approx(100 * 4 / 7)
    assert rouge_l(["Same words."], ["same words"]) == 100
    assert rouge_l(["日本"], ["日本"]) == 0


def test_accuracy_by_hand() -> None:
    assert accuracy([" yes", "no\n", "Yes", ""], ["yes", "no", "yes", "no"]) == 50


@pytest.mark.parametrize("metric", [accuracy, rouge_l])
@pytest.mark.parametrize(("predictions", "references"), [([], []), (["a"], []), (["a"], ["a", "b"])])
def test_nothing_to_score_is_refused(metric, predictions: list[str], references: list[str]) -> None:
    with pytest.raises(InputError, match="predictions for"):
        metric(predictions, references)
