"""The wide collection: its laws, and every answer derived again by rules written here.

What an answer needs to know (facts, words of the toy languages, which thing fits) is read from the pre-training text,
so these tests also prove that the text states it.
"""

import hashlib
import json
import re
from collections import Counter, defaultdict
from math import sqrt

import pytest
from wide_solvers import DOCUMENTS, NAMES, Knowledge, solve, text_of

from taskneurons.errors import InputError
from taskneurons.tasks.sources import synthetic
from taskneurons.tasks.storage import content_of
from taskneurons.tasks.synthetic.corpus import synthetic_corpus
from taskneurons.tasks.synthetic.suite import TWELVE, WIDE, synthetic_suite, synthetic_task_names
from taskneurons.tasks.synthetic.vocabulary import synthetic_vocabulary
from taskneurons.tasks.task import SPLITS

SIZES = {"train": 1500, "validation": 200, "test": 500}
CLASSIFICATIONS = ("facts_metal", "arithmetic_compare")


@pytest.fixture(scope="module")
def suite():
    made = synthetic_suite(**SIZES, seed=0, collection="wide")
    return {task.name: (task, splits, counts) for task, splits, counts in made}


@pytest.fixture(scope="module")
def corpus():
    return list(synthetic_corpus(DOCUMENTS, seed=0, collection="wide"))


@pytest.fixture(scope="module")
def knowledge(corpus):
    return Knowledge([text_of(document) for document in corpus])


def test_the_twelve_tasks_and_their_text_do_not_change():
    def digest(value):
        return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()

    data = [
        [content_of(task), {split: [content_of(one) for one in splits[split]] for split in SPLITS}]
        for task, splits, _ in synthetic_suite(150, 30, 60, seed=0)
    ]
    assert digest(data) == "186253e15898ffcd244dbe16dd52f339f6ae12135236f42284734c05fc7041b8"
    text = digest(list(synthetic_corpus(3000, seed=0)))
    assert text == "cd1d03aa70f8c5d5841b4e686e68fc7e02f2ed0cadfee739859e639fdb28deb8"
    words = digest(synthetic_vocabulary())
    assert words == "30c36d95baebe23de32a866f49a43bd02883a928e2533ae16f4d0ef9b602b699"


def test_thirty_tasks_in_twelve_families_of_two_or_three():
    families = Counter(grammar.task.family for grammar in WIDE)
    assert len(WIDE) == 30 and len(families) == 12
    assert Counter(families.values()) == {2: 6, 3: 6}
    names = synthetic_task_names("wide")
    assert len(set(names)) == 30 and set(names) - {grammar.task.name for grammar in TWELVE} == set(NAMES)
    templates = [template for grammar in WIDE for template in grammar.task.templates]
    assert len(templates) == 90 == len(set(templates))


def test_shared_tasks_are_those_of_the_twelve(suite):
    shared = [name for name in synthetic_task_names() if name in suite]
    assert len(shared) == 10 and not any(name.startswith("question_") for name in shared)
    for task, splits, counts in synthetic_suite(**SIZES, seed=0, tasks=shared):
        assert suite[task.name] == (task, splits, counts)


@pytest.mark.parametrize("name", NAMES)
def test_answers_are_right_and_follow_from_the_pre_training_text(suite, knowledge, name):
    for split in SPLITS:
        for example in suite[name][1][split]:
            assert solve(name, knowledge, example.input)[0] == example.target, example


@pytest.mark.parametrize("name", NAMES)
def test_combinations_of_one_split_are_unseen_in_training(suite, knowledge, name):
    shown = {split: [solve(name, knowledge, one.input)[1] for one in suite[name][1][split]] for split in SPLITS}
    in_training = {member for members in shown["train"] for member in members}
    # A text to read has facts that are not asked about; the asked one, the first, defines it.
    defining = slice(0, 1) if name.startswith("reading_") else slice(None)
    held_out = {
        split: {member for members in shown[split] for member in members[defining]} for split in ("validation", "test")
    }
    assert not in_training & held_out["validation"]
    assert not in_training & held_out["test"]
    assert not held_out["validation"] & held_out["test"]
    assert len(held_out["test"]) >= 14 and len(held_out["validation"]) >= 5


def test_no_held_out_sentence_stands_in_the_other_direction(suite, knowledge):
    sides = {
        split: {
            name: {solve(name, knowledge, one.input)[1][0] for one in suite[name][1][split]}
            for name in ("translate_to_lumi", "translate_from_lumi")
        }
        for split in SPLITS
    }
    for split in ("validation", "test"):
        for held_out in sides[split].values():
            assert not any(held_out & trained for trained in sides["train"].values())


@pytest.mark.parametrize("name", NAMES)
def test_every_word_of_a_held_out_example_was_seen_in_training(suite, name):
    words = {
        split: {word for one in suite[name][1][split] for word in f"{one.input} {one.target}".split()}
        for split in SPLITS
    }
    assert words["test"] | words["validation"] <= words["train"]


@pytest.mark.parametrize("name", NAMES)
def test_sizes_balance_length_and_no_copies(suite, name):
    task, splits, counts = suite[name]
    inputs = [example.input for split in SPLITS for example in splits[split]]
    assert len(inputs) == sum(SIZES.values()) == len(set(inputs))
    assert (name in CLASSIFICATIONS) == bool(task.options)
    for split, size in SIZES.items():
        assert len(splits[split]) == counts.splits[split].kept == size
        assert max(len(f"{example.prompt} {example.target}".split()) for example in splits[split]) <= 40
        for prefix in (size, 30, 7) if task.options else ():
            labels = Counter(example.target for example in splits[split][:prefix])
            assert set(labels) == set(task.options)
            assert max(labels.values()) - min(labels.values()) <= 1
        templates = Counter(example.instruction for example in splits[split])
        assert min(templates[template] for template in task.templates) > size / 3 - 4.5 * sqrt(size * 2 / 9)


@pytest.mark.parametrize("name", CLASSIFICATIONS)
def test_instruction_length_and_carrier_do_not_give_the_label_away(suite, name):
    task, splits, _ = suite[name]

    def surface(example):
        return example.instruction, len(example.input.split()), example.input.split()[1]

    votes = defaultdict(Counter)
    for example in splits["train"]:
        votes[surface(example)][example.target] += 1
    right = sum(
        (votes[surface(example)] or Counter([task.options[0]])).most_common(1)[0][0] == example.target
        for example in splits["test"]
    )
    assert right / 500 < 0.5 + 3.5 * sqrt(0.25 / 500)


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith(("commonsense_", "coreference_"))])
def test_the_place_in_the_text_does_not_give_the_answer_away(suite, name):
    examples = suite[name][1]["test"]
    first_half = 0
    for example in examples:
        words = [word for word in example.input.split() if word in candidates(name, example)]
        first_half += words[0] == example.target
    assert abs(first_half / len(examples) - 0.5) < 3.5 * sqrt(0.25 / len(examples))


def candidates(name, example):
    """The two words between which the text leaves the choice."""
    patterns = {
        "commonsense_tool": r"(\w+) or (\w+)$",
        "commonsense_place": r"(\w+) or (\w+)$",
        "commonsense_size": r"saw (\w+) and (\w+)",
        "coreference_name": r"^(\w+) \w+ (\w+)",
        "coreference_thing": r"^the (\w+) \w+ the (\w+)",
        "coreference_order": r"^the (\w+) \w+ the (\w+)",
    }
    return re.search(patterns[name], example.input).groups()


def test_one_knows_no_answer_of_a_closed_book_from_the_question(suite):
    for name in ("facts_country", "facts_scientist"):
        for example in suite[name][1]["test"]:
            assert example.target not in example.prompt.split()


def test_the_same_seed_gives_the_same_examples_and_sizes_only_cut():
    def draw(train, validation, test, seed):
        return [splits for _, splits, _ in synthetic_suite(train, validation, test, seed, NAMES, "wide")]

    small, large = draw(40, 20, 30, 3), draw(90, 50, 60, 3)
    assert small == draw(40, 20, 30, 3) != draw(40, 20, 30, 4)
    for few, many in zip(small, large, strict=True):
        assert all(many[split][: len(few[split])] == few[split] for split in SPLITS)


def test_a_suite_chooses_its_collection_by_a_parameter():
    sizes = {"train": 5, "validation": 3, "test": 3, "seed": 0}
    ((task, _, _),) = synthetic.make(["list_sort"], tasks="wide", **sizes)
    assert task.family == "listing"
    with pytest.raises(InputError, match="there is no task 'list_sort'"):
        list(synthetic.make(["list_sort"], tasks="twelve", **sizes))
    wide, twelve = (list(synthetic.corpus(7, tasks=collection, seed=0)) for collection in ("wide", "twelve"))
    assert wide == list(synthetic_corpus(7, 0, "wide")) != twelve
