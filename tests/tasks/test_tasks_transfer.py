"""The transfer suite: answers derived again from the text by rules written here, and its pre-training text."""

import re
from collections import Counter
from itertools import pairwise
from math import sqrt

import pytest

from taskneurons.errors import InputError
from taskneurons.tasks.stream.suite import stream_suite
from taskneurons.tasks.stream.themes import PAIRS, THEMES
from taskneurons.tasks.synthetic.suite import synthetic_suite
from taskneurons.tasks.task import SPLITS
from taskneurons.tasks.transfer.corpus import (
    CLASSIFICATION_SHARE,
    DENSE_SHARE,
    DICTIONARY_SHARE,
    GENERATION_SHARE,
    corpus_words,
    transfer_corpus,
)
from taskneurons.tasks.transfer.suite import HOTEL, TWELVE, transfer_suite, transfer_task_names

SIZES = {"train": 300, "validation": 60, "test": 100}
DOCUMENTS = 8000
THEME_OF = {word: theme for theme, words in THEMES.items() for word in words}
STRONG = {"very", "extremely", "totally", "absolutely"}


@pytest.fixture(scope="module")
def suite():
    return {task.name: (task, splits, counts) for task, splits, counts in transfer_suite(**SIZES, seed=0)}


@pytest.fixture(scope="module")
def corpus():
    return list(transfer_corpus(DOCUMENTS, seed=0))


def text_of(document):
    return " ".join(text for text, _ in document["segments"])


def test_each_family_has_two_domains_of_one_kind():
    families = Counter((grammar.task.family, grammar.task.kind) for grammar in TWELVE)
    assert len(families) == 6 and set(families.values()) == {2}
    assert Counter(grammar.task.kind for grammar in TWELVE) == {"classification": 6, "generation": 6}
    templates = [template for grammar in TWELVE for template in grammar.task.templates]
    assert len(set(templates)) == len(templates) == 36


def test_all_but_the_hotels_are_tasks_of_other_suites_with_their_inputs_and_answers(suite):
    names = [name for name in suite if name.split("_")[0] not in ("topic", "rating")]
    others = list(synthetic_suite(**SIZES, seed=0, tasks=names))
    others += list(stream_suite(**SIZES, seed=0, tasks=["topic_question", "topic_news", "rating_product"]))
    assert {task.name for task, *_ in others} == set(suite) - {"rating_hotel"}
    for task, splits, counts in others:
        _, own, own_counts = suite[task.name]
        assert own_counts == counts
        for split in SPLITS:
            assert [(one.input, one.target) for one in own[split]] == [(one.input, one.target) for one in splits[split]]


def test_the_stars_of_a_hotel_are_the_mean_of_its_clauses(suite):
    bad, plain, good = map(set, HOTEL.adjectives)
    assert not (bad & good or bad & plain or plain & good)
    _, splits, _ = suite["rating_hotel"]
    seen = Counter()
    for split in SPLITS:
        for example in splits[split]:
            stars = []
            for adverb, adjective in re.findall(r"was (\w+) (\w+)", example.input):
                assert adjective in bad | plain | good
                assert HOTEL.combinations.sides[adverb, adjective] == split
                stars.append(3 + (1 + (adverb in STRONG)) * ((adjective in good) - (adjective in bad)))
            mean, rest = divmod(sum(stars), len(stars))
            assert rest == 0 and example.target == ("one", "two", "three", "four", "five")[mean - 1]
            seen[example.target] += 1
    assert len(set(seen.values())) == 1


def test_the_corpus_says_every_word_of_the_tasks_and_no_other(suite, corpus):
    said = {word for document in corpus for word in text_of(document).split()}
    asked = set()
    for _, splits, _ in suite.values():
        for examples in splits.values():
            for example in examples:
                asked.update(example.prompt.split(), example.target.split())
    assert asked <= said <= corpus_words()


def test_the_corpus_has_the_stated_mixture(corpus):
    texts = [text_of(document) for document in corpus]
    prefixes = {
        kind: [
            template.split("{input}")[0] for one in TWELVE if one.task.kind == kind for template in one.task.templates
        ]
        for kind in ("classification", "generation")
    }
    shares = {
        DICTIONARY_SHARE: sum(" belongs to " in text for text in texts),
        DENSE_SHARE: sum(len(document["segments"]) == 13 for document in corpus),
        CLASSIFICATION_SHARE: sum(text.startswith(tuple(prefixes["classification"])) for text in texts),
        GENERATION_SHARE: sum(text.startswith(tuple(prefixes["generation"])) for text in texts),
    }
    for share, found in shares.items():
        assert abs(found / DOCUMENTS - share) < 4 * sqrt(share * (1 - share) / DOCUMENTS)


def test_the_corpus_keeps_to_the_train_side_of_topics_and_ratings(corpus):
    checked = Counter()
    ratings = [grammar.combinations.sides for grammar in TWELVE if grammar.task.family == "rating"]
    for document in corpus:
        text = text_of(document)
        for pair in pairwise(text.split()):
            for sides in ratings:
                checked["rating"] += pair in sides
                assert sides.get(pair, "train") == "train"
        for first, second in re.findall(r"(?:the|this|some) (\w+) (?:and the|for the|with that) (\w+)", text):
            if first in THEME_OF and THEME_OF[first] == THEME_OF.get(second):
                theme = THEME_OF[first]
                pair = (theme, *sorted((first, second), key=THEMES[theme].index))
                checked["topic"] += 1
                assert PAIRS.sides[pair] == "train"
    assert min(checked["rating"], checked["topic"]) > 0.02 * DOCUMENTS


def test_answers_of_latent_queries_are_no_label_words(corpus):
    labels = {option for grammar in TWELVE for option in grammar.task.options}
    focus = {text for document in corpus for text, marked in document["segments"] if marked}
    assert len(focus) > 50 and not focus & labels


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: list(transfer_suite(1, 1, 0, 0)), "`test` must be at least 1, not 0"),
        (lambda: list(transfer_suite(1, 1, 1, 0, ["topic_newz"])), "Did you mean 'topic_news'"),
        (lambda: transfer_task_names([]), "no task is asked for"),
        (lambda: list(transfer_suite(1, 10**5, 1, 0, ["rating_hotel"])), "no more than about"),
        (lambda: next(transfer_corpus(0, 0)), "`corpus` must be at least 1, not 0"),
    ],
)
def test_bad_input_is_refused_in_words(call, said):
    with pytest.raises(InputError) as error:
        call()
    assert said in str(error.value)
