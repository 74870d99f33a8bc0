"""The pre-training text of the wide collection: its mixture, and that it keeps to the train side."""

import re
from collections import Counter, defaultdict
from math import sqrt

import pytest
from wide_solvers import DOCUMENTS, ENGLISH, NAMES, NUMBERS, Knowledge, solve, text_of

from taskneurons.tasks.synthetic.corpus import TAUGHT, synthetic_corpus
from taskneurons.tasks.synthetic.grammar import PROBES
from taskneurons.tasks.synthetic.suite import WIDE, synthetic_suite
from taskneurons.tasks.synthetic.vocabulary import synthetic_vocabulary
from taskneurons.tasks.task import SPLITS

CLASSIFICATION_FOCUS = {
    *("recommended", "avoid", "agree", "differ", "indeed", "wrong", "perhaps"),
    *("loved", "enjoyed", "liked", "hated", "disliked", "regretted"),
    *("fact", "myth", "above", "below"),
}


@pytest.fixture(scope="module")
def suite():
    made = synthetic_suite(1500, 200, 500, seed=0, collection="wide")
    return {task.name: (task, splits) for task, splits, _ in made}


@pytest.fixture(scope="module")
def corpus():
    return list(synthetic_corpus(DOCUMENTS, seed=0, collection="wide"))


@pytest.fixture(scope="module")
def texts(corpus):
    return [text_of(document) for document in corpus]


@pytest.fixture(scope="module")
def knowledge(texts):
    return Knowledge(texts)


@pytest.fixture(scope="module")
def held_out(suite, knowledge):
    """Task -> the combinations of its validation and test examples."""
    found = defaultdict(set)
    for name in NAMES:
        for split in ("validation", "test"):
            for example in suite[name][1][split]:
                shown = solve(name, knowledge, example.input)[1]
                found[name].update(shown[:1] if name.startswith("reading_") else shown)
    return found


def true_format(text):
    """(task name, input, answer) of a document that has some task's instruction, else None."""
    for grammar in WIDE:
        for template in grammar.task.templates:
            prefix, suffix = template.split("{input}")
            if text.startswith(prefix):
                asked, answer = text.removeprefix(prefix).split(suffix)
                return grammar.task.name, asked, answer.strip()
    return None


def test_the_vocabulary_is_exactly_what_the_suite_and_the_corpus_say(suite, texts):
    said = {word for text in texts for word in text.split()}
    for _, splits in suite.values():
        for split in SPLITS:
            for example in splits[split]:
                said.update(example.prompt.split(), example.target.split())
    vocabulary = synthetic_vocabulary("wide")
    assert list(vocabulary) == sorted(set(vocabulary))
    assert said == set(vocabulary)
    assert len(vocabulary) <= 900


def test_the_corpus_has_the_stated_mixture(corpus, texts, knowledge):
    formats = [found for found in map(true_format, texts) if found]
    shares = {
        0.40: sum(len(document["segments"]) == 1 + 2 * PROBES for document in corpus),
        0.03: len(formats),
        0.47 * 0.6 * 0.55: sum(text.startswith("query : ") for text in texts),
        0.10 * 0.3: sum(" is another word for " in text or " is the opposite of " in text for text in texts),
        0.10 * 0.7 / 7 * 2 / 3: sum(bool(re.fullmatch(r"\w+ is (lumi|kavo) for \w+ .", text)) for text in texts),
    }
    for share, found in shares.items():
        assert abs(found / DOCUMENTS - share) < 3 * sqrt(share * (1 - share) / DOCUMENTS), share
    assert {name for name, _, _ in formats} == {grammar.task.name for grammar in WIDE}
    new = [found for found in formats if found[0] in NAMES]
    right = [solve(name, knowledge, asked)[0] == answer for name, asked, answer in new]
    assert abs(sum(right) / len(right) - 0.5) < 3 * sqrt(0.25 / len(right))


def test_every_new_task_is_taught():
    assert {grammar.task.name for family in TAUGHT for grammar in family} == set(NAMES)
    for family in TAUGHT:
        assert len({grammar.task.family for grammar in family}) == 1


def test_examples_in_the_corpus_keep_to_the_train_side(texts, knowledge, held_out):
    checked = Counter()
    for text in texts:
        if found := true_format(text):
            name, asked, _ = found
            names = (name,) if name in NAMES else ()
        elif text.startswith("query : "):
            asked, names = text.removeprefix("query : ").split(" . answer :")[0], NAMES
        else:
            continue
        for name in names:
            try:
                shown = solve(name, knowledge, asked)[1]
            except (AssertionError, AttributeError, IndexError, KeyError, TypeError, ValueError):
                continue  # not a text of this task
            assert not held_out[name] & set(shown), (name, asked)
            checked[name] += 1
    assert set(checked) == set(NAMES) and sum(checked.values()) > 0.1 * DOCUMENTS


def test_lines_of_the_corpus_keep_to_the_train_side(texts, held_out):
    items = r"list (\w+) (\w+) (\w+) (\w+)"
    patterns = {
        "arithmetic_add": r"\w+ has (\w+) (\w+) and will buy (\w+)",
        "arithmetic_subtract": r"\w+ had (\w+) (\w+) and lost (\w+)",
        "arithmetic_compare": r"(\w+) against (\w+) :",
        "coreference_name": r"(\w+) (helped|called|met|blamed|chased|paid) (\w+) in \w+ \.",
        "list_next": items,
        "list_reverse": items,
        "list_sort": items,
        "translate_to_lumi": ENGLISH,
        "translate_to_kavo": ENGLISH,
    }
    # Where the combination's words stand among those that the pattern finds.
    places = {"translate_to_lumi": (1, 2, 4), "translate_to_kavo": (1, 2, 4)}
    places |= {"arithmetic_add": (0, 2, 1), "arithmetic_subtract": (0, 2, 1)}
    words = {name: {word for member in held_out[name] for word in member} for name in patterns}
    checked = Counter()
    for text in texts:
        for name, pattern in patterns.items():
            for found in re.findall(pattern, text):
                member = tuple(found[place] for place in places.get(name, range(len(found))))
                if name == "list_sort" and set(member) <= words[name]:
                    member = tuple(sorted(member, key=NUMBERS.index))
                assert member not in held_out[name], (name, text)
                checked[name] += set(member) <= words[name]
    assert set(checked) == set(patterns) and min(checked.values()) > 100, checked


def test_held_out_pairs_of_a_comparison_are_never_compared(texts, held_out):
    compared = {tuple(pair[::-1]) for text in texts for pair in re.findall(r"(\w+) is bigger than (\w+)", text)}
    asked = {frozenset(pair) for text in texts for pair in re.findall(r"(?:bigger|smaller) : (\w+) or (\w+)", text)}
    assert compared and asked
    for pair in held_out["commonsense_size"]:
        assert pair not in compared and frozenset(pair) not in asked


def test_focus_marks_answers_and_only_latent_ones(suite, corpus):
    label_words = {option for grammar in WIDE for option in grammar.task.options}
    answers = {example.target for _, splits in suite.values() for split in SPLITS for example in splits[split]}
    words = {word for answer in answers - label_words for word in answer.split()}
    for document in corpus:
        for text, marked in document["segments"]:
            assert text and text == text.strip()
            if marked:
                assert text not in label_words
                assert text in CLASSIFICATION_FOCUS or set(text.split()) <= words, text
        if true_format(text_of(document)):
            assert not any(marked for _, marked in document["segments"])
    focus = {text for document in corpus for text, marked in document["segments"] if marked}
    assert focus >= CLASSIFICATION_FOCUS


def test_the_corpus_is_deterministic():
    first = list(synthetic_corpus(50, 1, "wide"))
    assert first == list(synthetic_corpus(80, 1, "wide"))[:50] != list(synthetic_corpus(50, 2, "wide"))
