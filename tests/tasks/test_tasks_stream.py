"""The stream suite: its laws, every answer derived again from the text by rules written here, its pre-training text."""

import re
from collections import Counter, defaultdict
from dataclasses import replace
from itertools import pairwise
from math import sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskneurons.errors import InputError
from taskneurons.files import read_jsonl, write_jsonl
from taskneurons.tasks.storage import read_task_folder, write_task
from taskneurons.tasks.stream import rating, topic
from taskneurons.tasks.stream.corpus import corpus_words, stream_corpus
from taskneurons.tasks.stream.suite import EIGHT, stream_suite, stream_task_names
from taskneurons.tasks.stream.themes import PAIRS, THEMES
from taskneurons.tasks.synthetic import nli
from taskneurons.tasks.synthetic.suite import synthetic_suite
from taskneurons.tasks.task import SPLITS

SIZES = {"train": 1500, "validation": 200, "test": 300}
NAMES = stream_task_names()
BY_NAME = {grammar.task.name: grammar for grammar in EIGHT}
NEW = ("topic_encyclopedia", "rating_product", "topic_question", "topic_news", "entailment_room")
THEME_OF = {word: theme for theme, words in THEMES.items() for word in words}
# What each label stands for, written down once more: a theme by one of its words.
MEANT = {
    "topic_encyclopedia": {
        "company": "invoice", "school": "pupil", "artist": "easel", "athlete": "referee", "official": "senate",
        "transport": "ferry", "building": "castle", "nature": "volcano", "village": "hamlet", "animal": "beetle",
        "plant": "fern", "album": "guitar", "picture": "sequel", "book": "novel",
    },
    "topic_question": {
        "society": "ritual", "science": "atom", "health": "clinic", "education": "pupil", "computers": "server",
        "sports": "referee", "business": "invoice", "entertainment": "guitar sequel", "family": "nephew",
        "politics": "senate",
    },
    "topic_news": {
        "world": "senate ritual", "sporting": "referee", "finance": "invoice", "technology": "atom server",
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def suite():
    return {task.name: (task, splits, counts) for task, splits, counts in stream_suite(**SIZES, seed=0)}


# Independent solvers: input text -> (answer, the concept combinations that the text shows).


def solve_topic(name, text):
    votes = Counter(THEME_OF[word] for word in text.split() if word in THEME_OF)
    (theme, most), *others = votes.most_common()
    assert most > sum(others[0][1:] if others else ()), "a tie"
    (label,) = [one for one, words in MEANT[name].items() if theme in {THEME_OF[word] for word in words.split()}]
    clauses = [
        [word for word in clause.split() if word in THEME_OF] for clause in re.split(" near | while | then ", text)
    ]
    pairs = [tuple(sorted(words, key=THEMES[theme].index)) for words in clauses if len(words) == 2]
    return label, [(theme, *pair) for pair in pairs]


def solve_rating(name, text):
    stars = []
    phrases = re.findall(r"was (\w+) (\w+)", text)
    bad, plain, good = map(set, rating.PRODUCT.adjectives)
    for adverb, adjective in phrases:
        far = 2 if adverb in {"very", "extremely", "totally", "absolutely"} else 1
        stars.append(3 + far * ((adjective in good) - (adjective in bad)))
        assert adjective in bad | plain | good
    assert sum(stars) % len(stars) == 0
    return ("one", "two", "three", "four", "five")[sum(stars) // len(stars) - 1], phrases


def solve_entailment(name, text):
    pole_of = {word: (one[0][0], side) for one in nli.ROOM.attributes for side in (0, 1) for word in one[side]}
    noun, first, second, claimed_noun, claim = re.fullmatch(
        r"the (\w+) was (\w+) and (\w+) . the (\w+) was (\w+)", text
    ).groups()
    assert noun == claimed_noun
    facts = dict(pole_of[word] for word in (first, second))
    order = [one[0][0] for one in nli.ROOM.attributes]
    answer = "entailed" if pole_of[claim] in facts.items() else "unsupported"
    return answer, [(noun, *sorted(facts, key=order.index))]


def solve(name, text):
    return {"topic": solve_topic, "rating": solve_rating, "entailment": solve_entailment}[name.split("_")[0]](
        name, text
    )


def test_eight_tasks_mirror_the_benchmark_in_its_order():
    assert [grammar.task.source.removeprefix("generated; mirrors ") for grammar in EIGHT] == [
        *("DBpedia", "Amazon reviews", "Yahoo Answers", "AG News", "MNLI", "QQP", "RTE", "SST-2")
    ]
    assert [len(grammar.task.options) for grammar in EIGHT] == [14, 5, 10, 4, 3, 2, 2, 2]
    options = [option for grammar in EIGHT for option in grammar.task.options]
    # A label word of one task is none of another, so only the meaning of two tasks can agree.
    assert len(set(options)) == len(options)


def test_three_tasks_are_those_of_the_synthetic_suite_with_other_prompts(suite):
    names = ["nli_person", "paraphrase_question", "sentiment_film"]
    for task, splits, counts in synthetic_suite(**SIZES, seed=0, tasks=names):
        own, own_splits, own_counts = suite[task.name]
        assert (replace(own, templates=task.templates), own_counts) == (task, counts)
        for split in SPLITS:
            texts = [(one.id, one.input, one.target) for one in splits[split]]
            assert [(one.id, one.input, one.target) for one in own_splits[split]] == texts


def test_a_prompt_lists_the_options_and_its_instruction_tells_the_kind_of_task_alone(suite):
    instructions = defaultdict(set)
    for task, splits, _ in suite.values():
        for example in splits["test"]:
            instruction, listed = example.prompt.split(" ? option : ")
            instructions[task.family].add(instruction)
            assert listed.startswith(f"{' '.join(task.options)} . {example.input} . answer :")
    assert [len(own) for own in instructions.values()] == [1] * 4
    assert len(set.union(*instructions.values())) == 4


def test_themes_keep_words_apart_and_tasks_join_and_part_them():
    assert len(THEME_OF) == sum(map(len, THEMES.values())) == 12 * len(THEMES)
    used = {grammar.task.name: [set(themes) for themes in grammar.topics] for grammar in EIGHT[0:1] + EIGHT[2:4]}
    for grammar in (topic.ENCYCLOPEDIA, topic.QUESTION, topic.NEWS):
        words = {THEME_OF[word] for text in MEANT[grammar.task.name].values() for word in text.split()}
        assert set().union(*used[grammar.task.name]) == words
        assert not words & set(grammar.task.options)
    assert set().union(*(themes for labels in used.values() for themes in labels)) == set(THEMES)
    # Transfer: some topic is the same thing in all three. Interference: two of one task are one of another.
    assert {"athletics"} in used["topic_encyclopedia"] and {"athletics"} in used["topic_news"]
    assert {"tunes", "screen"} in used["topic_question"] and {"tunes"} in used["topic_encyclopedia"]
    assert {"research", "computing"} in used["topic_news"] and {"research"} in used["topic_question"]
    for split, least in (("train", 30), ("validation", 4), ("test", 10)):
        shares = Counter(theme for theme, *_ in PAIRS.on(split))
        assert min(shares[theme] for theme in THEMES) >= least


@pytest.mark.parametrize("name", NEW)
def test_answers_are_right_and_combinations_of_one_split_are_in_no_other(suite, name):
    shown = {split: set() for split in SPLITS}
    for split in SPLITS:
        for example in suite[name][1][split]:
            answer, combinations = solve(name, example.input)
            assert answer == example.target, example
            assert combinations
            shown[split].update(combinations)
    assert all(shown[split] <= set(BY_NAME[name].combinations.on(split)) for split in SPLITS)
    assert not shown["train"] & (shown["validation"] | shown["test"]) and not shown["validation"] & shown["test"]
    assert len(shown["test"]) >= 40


@pytest.mark.parametrize("name", NEW)
def test_sizes_balance_and_no_copies(suite, name):
    task, splits, counts = suite[name]
    inputs = [example.input for split in SPLITS for example in splits[split]]
    assert len(inputs) == sum(SIZES.values()) == len(set(inputs))
    for split, size in SIZES.items():
        assert len(splits[split]) == counts.splits[split].kept == size
        for prefix in (size, 2 * len(task.options), len(task.options) + 1):
            labels = Counter(example.target for example in splits[split][:prefix])
            assert set(labels) == set(task.options)
            assert max(labels.values()) - min(labels.values()) <= 1
        lengths = [len(example.input.split()) for example in splits[split]]
        assert min(lengths) >= 5 and max(lengths) <= 28
        # The context of the default's models, with room for an answer.
        assert max(len(example.prompt.split()) for example in splits[split]) <= 64


@pytest.mark.parametrize("name", NEW)
def test_every_word_of_a_held_out_example_was_seen_in_training(suite, name):
    words = {
        split: {word for one in suite[name][1][split] for word in f"{one.input} {one.target}".split()}
        for split in SPLITS
    }
    assert words["test"] | words["validation"] <= words["train"]


@pytest.mark.parametrize("name", NEW)
def test_instruction_and_length_do_not_give_the_label_away(suite, name):
    task, splits, _ = suite[name]
    votes = defaultdict(Counter)
    for example in splits["train"]:
        votes[example.instruction, len(example.input.split())][example.target] += 1
    guesses = {surface: counted.most_common(1)[0][0] for surface, counted in votes.items()}
    right = sum(
        guesses.get((one.instruction, len(one.input.split())), task.options[0]) == one.target for one in splits["test"]
    )
    chance = 1 / len(task.options)
    assert right / 300 < chance + 3.5 * sqrt(chance * (1 - chance) / 300)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**31 - 1), st.integers(5, 20), st.integers(1, 15))
def test_the_same_seed_gives_the_same_examples_and_sizes_only_cut(seed, few, more):
    def draw(size):
        return [splits for _, splits, _ in stream_suite(size, size, size, seed)]

    for small, large in zip(draw(few), draw(few + more), strict=True):
        assert all(large[split][:few] == small[split] for split in SPLITS)


def test_a_task_comes_out_the_same_alone_and_round_trips(suite, tmp_path):
    ((task, splits, counts),) = stream_suite(**SIZES, seed=0, tasks=["topic_news"])
    assert (task, splits, counts) == suite["topic_news"]
    write_task(tmp_path / task.name, task, splits, counts)
    assert read_task_folder(tmp_path / task.name) == (task, splits, counts)
    write_jsonl(tmp_path / "corpus.jsonl", stream_corpus(5, 0))
    assert list(read_jsonl(tmp_path / "corpus.jsonl")) == list(stream_corpus(9, 0))[:5] != list(stream_corpus(5, 1))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: list(stream_suite(1, 1, 0, 0)), "`test` must be at least 1, not 0"),
        (lambda: list(stream_suite(1, 1, 1, 0, ["topic_newz"])), "Did you mean 'topic_news'"),
        (lambda: stream_task_names([]), "no task is asked for"),
        (lambda: list(stream_suite(1, 10**5, 1, 0, ["rating_product"])), "no more than about"),
        (lambda: next(stream_corpus(0, 0)), "`corpus` must be at least 1, not 0"),
    ],
)
def test_bad_input_is_refused_in_words(call, said):
    with pytest.raises(InputError) as error:
        call()
    assert said in str(error.value)


DOCUMENTS = 12_000


@pytest.fixture(scope="module")
def corpus():
    return list(stream_corpus(DOCUMENTS, seed=0))


def text_of(document):
    return " ".join(text for text, _ in document["segments"])


def true_format(document):
    """(task name, input, answer) of a document that has some task's instruction, else None."""
    for grammar in EIGHT:
        for template in grammar.task.templates:
            prefix, suffix = template.split("{input}")
            if text_of(document).startswith(prefix):
                text, answer = text_of(document).removeprefix(prefix).rsplit(suffix, 1)
                return grammar.task.name, text, answer.strip()
    return None


def test_the_corpus_says_every_word_of_the_tasks_and_no_other(suite, corpus):
    said = {word for document in corpus for word in text_of(document).split()}
    asked = set()
    for _, splits, _ in suite.values():
        for split in SPLITS:
            for example in splits[split]:
                asked.update(example.prompt.split(), example.target.split())
    assert asked <= said == corpus_words()


def test_the_corpus_has_the_stated_mixture(corpus):
    texts = [text_of(document) for document in corpus]
    lessons = (" is another word for ", " is the opposite of ", " belongs to ")
    shares = {
        0.10: sum(any(lesson in text for lesson in lessons) for text in texts),
        0.55: sum(len(document["segments"]) == 13 for document in corpus),
        0.32 * 0.6 * 0.55: sum(text.startswith("query : ") for text in texts),
    }
    for share, found in shares.items():
        assert abs(found / DOCUMENTS - share) < 3 * sqrt(share * (1 - share) / DOCUMENTS)


def test_the_true_format_is_rare_and_tells_nothing_of_the_right_label(corpus):
    formats = [found for document in corpus if (found := true_format(document))]
    assert abs(len(formats) / DOCUMENTS - 0.03) < 3 * sqrt(0.03 * 0.97 / DOCUMENTS)
    assert {name for name, _, _ in formats} == set(NAMES)
    right, expected = 0, []
    for name, text, answer in formats:
        if name in NEW:
            right += solve(name, text)[0] == answer
            expected.append(1 / len(BY_NAME[name].task.options))
    assert abs(right - sum(expected)) < 4 * sqrt(sum(one * (1 - one) for one in expected))


def test_the_corpus_keeps_to_the_train_side(corpus):
    held_out = {
        name: set(grammar.combinations.members) - set(grammar.combinations.on("train"))
        for name, grammar in BY_NAME.items()
    }
    checked = Counter()
    nouns, attributes = set(nli.ROOM.nouns), [one[0][0] for one in nli.ROOM.attributes]
    pole_of = {word: one[0][0] for one in nli.ROOM.attributes for side in one for word in side}
    for document in corpus:
        words = text_of(document).split()
        # Whatever the form of a document: pairs of words of a theme in one clause, adverb and adjective side by side,
        # a premise about a room.
        for clause in re.split(" near | while | then | [.:] ", text_of(document)):
            by_theme = defaultdict(list)
            for word in clause.split():
                if word in THEME_OF:
                    by_theme[THEME_OF[word]].append(word)
            for theme, found in by_theme.items():
                if len(found) == 2:
                    pair = (theme, *sorted(found, key=THEMES[theme].index))
                    assert pair in PAIRS.members and pair not in held_out["topic_news"]
                    checked["topic"] += 1
        for pair in pairwise(words):
            assert pair not in held_out["rating_product"]
            checked["rating"] += pair in BY_NAME["rating_product"].combinations.sides
        for noun, first, second in re.findall(r"the (\w+) was (\w+) and (?!the )(\w+)", text_of(document)):
            if noun in nouns and {first, second} <= set(pole_of):
                facts = sorted((pole_of[first], pole_of[second]), key=attributes.index)
                assert (noun, *facts) not in held_out["entailment_room"]
                checked["entailment"] += 1
    assert min(checked[kind] for kind in ("topic", "rating", "entailment")) > 0.02 * DOCUMENTS


def test_focus_marks_answers_in_words_that_no_task_uses(corpus):
    label_words = {option for grammar in EIGHT for option in grammar.task.options}
    focus = Counter(text for document in corpus for text, marked in document["segments"] if marked)
    assert all(" " not in text for text in focus)
    assert not set(focus) & label_words
    assert {*THEMES, *rating.LATENT, *nli.LATENT} <= set(focus)
    for document in corpus:
        assert all(text and text == text.strip() for text, _ in document["segments"])
        if true_format(document):
            assert not any(marked for _, marked in document["segments"])
    assert sum(focus.values()) > DOCUMENTS
