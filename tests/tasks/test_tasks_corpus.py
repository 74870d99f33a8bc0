"""Pre-training text from training splits."""

from collections import Counter

import pytest

from taskneurons.errors import InputError
from taskneurons.tasks.corpus import text_corpus
from taskneurons.tasks.prompts import make_example
from taskneurons.tasks.task import Task

TASKS = {name: Task(name, "copy", "generation", ("INSTRUCTION {input} ANSWER",)) for name in ("a", "b")}
TRAIN = {
    name: [make_example(task, f"{name} {n}", f"{name}{n}") for n in range(size)]
    for (name, task), size in zip(TASKS.items(), (4, 50), strict=True)
}


def test_documents_are_inputs_with_or_without_their_answer():
    documents = list(text_corpus(TRAIN, 400, seed=0))
    answers = {example.input: example.target for examples in TRAIN.values() for example in examples}
    for document in documents:
        (text, focus), *rest = document["segments"]
        assert not focus and rest in ([], [[answers[text], True]])
    answered = sum(len(document["segments"]) == 2 for document in documents)
    assert 160 < answered < 240  # half of 400, within 4 standard errors
    assert Counter(document["segments"][0][0][0] for document in documents) == {"a": 200, "b": 200}


def test_every_example_comes_before_any_comes_again():
    texts = [document["segments"][0][0] for document in text_corpus(TRAIN, 100, seed=0)]
    assert len(set(texts[1::2])) == 50
    assert all(len(set(texts[0::2][start : start + 4])) == 4 for start in range(0, 48, 4))


def test_order_follows_from_the_seed():
    assert list(text_corpus(TRAIN, 60, 1)) == list(text_corpus(TRAIN, 60, 1)) != list(text_corpus(TRAIN, 60, 2))


@pytest.mark.parametrize(("train", "documents"), [({}, 1), ({"a": []}, 1), (TRAIN, 0)])
def test_nothing_to_say_is_refused(train, documents):
    with pytest.raises(InputError):
        next(text_corpus(train, documents, 0))
