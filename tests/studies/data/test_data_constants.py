"""What a model scores that gives one answer to every input."""

from pathlib import Path

import pytest
from small_checkpoint import ECHO, MOOD, lay_task

from taskneurons.files import read_json
from taskneurons.job import Files, Job, NoSettings
from taskneurons.studies.data.constants import ConstantAnswer, constant_answer, score_constants


def test_the_constant_answer_is_chosen_on_training_answers_and_scored_on_the_test() -> None:
    majority = constant_answer(MOOD, [("no",), ("yes",), ("no",)], [("yes",), ("yes",), ("yes",), ("no",)])
    assert majority == ConstantAnswer("no", "accuracy", 25.0)
    train = ["the cat sat on the mat", "the dog sat on the mat", "zebra crossing"]
    test = [("the cow sat on the mat",), ("zebra crossing",)]
    constant = constant_answer(ECHO, [(answer,) for answer in train], test)
    # "the ? sat on the mat": 5 of 6 words in order against the first, 0 against the second.
    assert constant.answer in train[:2]
    assert constant.score == pytest.approx(100 * (5 / 6) / 2)
    # Half of the scores are 0, half of them are twice the mean.
    assert constant.spread == pytest.approx(constant.score)


def test_the_constant_of_a_task_stands_beside_its_splits(tmp_path: Path) -> None:
    path = lay_task(tmp_path / "mood", MOOD) / "constant.json"
    score_constants(Job(NoSettings(), Files({}), Files({"constants": (path,)}), {}, "identity"))
    # The answers go through three options in turn: 8 test examples, of which 3 have the first one.
    assert read_json(path) == {
        "answer": "bad",
        "metric": "accuracy",
        "score": pytest.approx(100 * 3 / 8),
        "spread": None,
    }
