"""The dial: what two tasks share is what a solver of the one can do of the other, and the generator stands still."""

import hashlib
import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskneurons.errors import InputError
from taskneurons.files import read_jsonl, write_jsonl
from taskneurons.tasks.dial.corpus import dial_corpus
from taskneurons.tasks.dial.ring import Ring
from taskneurons.tasks.dial.skills import SKILLS, SYMBOLS, apply_skill, tables
from taskneurons.tasks.dial.suite import dial_suite, dial_task_names
from taskneurons.tasks.storage import read_task_folder, write_task

FROZEN = "473dcc8020c9bceb5a279717185d125c2cc7cca565ff999a4951c0052d8ae419"
"""What the suite of the default was when it was frozen, on 2026-11-20, before any neuron was scored on it. See
docs/dial.md: another digest is another suite, and whatever was found on this one must be found anew."""
SIZES = {"train": 90, "validation": 20, "test": 60, "seed": 0}


@pytest.fixture(scope="module")
def made() -> dict:
    return {task.name: splits for task, splits, _ in dial_suite(6, 3, **SIZES)}


def tables_by_ear(splits: dict) -> dict[str, dict[str, str]]:
    """What a learner knows of each skill after the training split: symbol to symbol, of the word that asked."""
    known: dict[str, dict[str, str]] = {}
    for example in splits["train"]:
        word, *symbols = example.input.split()
        known.setdefault(word, {}).update(zip(symbols, example.target.split(), strict=True))
    return known


def test_a_solver_of_one_task_solves_just_the_shared_part_of_another(made: dict) -> None:
    ring = Ring(6, 3)
    for source in made:
        known = tables_by_ear(made[source])
        for task, splits in made.items():
            solved = Counter()
            for example in splits["test"]:
                word, *symbols = example.input.split()
                solved[[known.get(word, {}).get(symbol) for symbol in symbols] == example.target.split()] += 1
            # 60 test examples ask each of the 3 skills 20 times.
            assert solved[True] == 20 * ring.shared(source, task)


def test_the_dial_has_every_setting_and_each_task_as_many_partners_at_each() -> None:
    ring = Ring(6, 3)
    for task in ring.windows:
        assert [len(ring.partners(task, shared)) for shared in range(4)] == [2, 4, 4, 1]
    asked = Counter(skill for window in ring.windows.values() for skill in window)
    assert set(asked.values()) == {6} and len(asked) == 6


@given(st.integers(1, 3).flatmap(lambda asked: st.tuples(st.integers(2 * asked, 6), st.just(asked))))
def test_sharing_is_symmetric_complete_and_a_task_shares_all_with_its_twin(sizes: tuple[int, int]) -> None:
    ring = Ring(*sizes)
    names = dial_task_names(*sizes)
    assert len(names) == 2 * sizes[0] >= 4
    for first in names:
        assert {ring.shared(first, second) for second in names} == set(range(sizes[1] + 1))
        assert all(ring.shared(first, second) == ring.shared(second, first) for second in names)
        assert [other.split("_")[0] for other in ring.partners(first, sizes[1])] == [first.split("_")[0]]


def test_two_skills_never_agree_and_each_is_a_permutation() -> None:
    rows = tables()
    assert len(rows) == len(SKILLS)
    assert all(sorted(row) == list(range(len(SYMBOLS))) for row in rows)
    for column in zip(*rows, strict=True):
        assert len(set(column)) == len(rows)


def test_tasks_differ_in_skills_and_in_one_word_alone(made: dict) -> None:
    templates = {name: {example.instruction for example in splits["train"]} for name, splits in made.items()}
    assert all(len(one) == 1 for one in templates.values())
    words = [one.pop().split() for one in templates.values()]
    assert len({tuple(rest) for _, *rest in words}) == 1 and len({word for word, *_ in words}) == 12
    for splits in made.values():
        lengths = {(len(e.input.split()), len(e.target.split())) for split in splits.values() for e in split}
        assert lengths == {(4, 3)}
        symbols = Counter(symbol for example in splits["train"] for symbol in example.target.split())
        assert set(symbols) == set(SYMBOLS)


def test_no_string_of_one_split_is_in_another_of_any_task_nor_in_pre_training_text(made: dict) -> None:
    strings = {
        split: {tuple(e.input.split()[1:]) for splits in made.values() for e in splits[split]}
        for split in SIZES
        if split != "seed"
    }
    assert not strings["train"] & strings["test"] and not strings["train"] & strings["validation"]
    assert not strings["validation"] & strings["test"]
    text = {tuple(d["segments"][0][0].split(" : ")[1].split(" . ")[0].split()[1:]) for d in dial_corpus(3000, 6, 3, 0)}
    assert not text & (strings["validation"] | strings["test"])
    for splits in made.values():
        inputs = [example.input for split in splits.values() for example in split]
        assert len(set(inputs)) == len(inputs)


def test_pre_training_text_tells_nothing_of_any_skill() -> None:
    """Where the answer is not a copy, the symbol that a skill would give is as frequent as any other."""
    seen: Counter[bool] = Counter()
    for document in dial_corpus(6000, 6, 3, 0):
        (prompt, _), (answer, _) = document["segments"]
        word, *symbols = prompt.split(" : ")[1].split(" . ")[0].split()
        right = apply_skill(SKILLS.index(word), symbols)
        for symbol, gives, said in zip(symbols, right, answer.split(), strict=True):
            if said != symbol and gives != symbol:
                seen[said == gives] += 1
    share = seen[True] / seen.total()
    assert abs(share - 1 / 5) < 4 * (0.2 * 0.8 / seen.total()) ** 0.5


def test_first_examples_are_balanced_and_do_not_depend_on_the_size(made: dict) -> None:
    smaller = {task.name: splits for task, splits, _ in dial_suite(6, 3, 30, 6, 12, 0)}
    for name, splits in smaller.items():
        assert splits["train"] == made[name]["train"][:30]
        assert set(Counter(e.input.split()[0] for e in splits["train"]).values()) == {10}


def test_a_task_comes_out_the_same_alone_and_round_trips(made: dict, tmp_path) -> None:
    ((task, splits, counts),) = dial_suite(6, 3, **SIZES, tasks=["ring4_b"])
    assert splits == made["ring4_b"]
    write_task(tmp_path / task.name, task, splits, counts)
    assert read_task_folder(tmp_path / task.name) == (task, splits, counts)
    write_jsonl(tmp_path / "corpus.jsonl", dial_corpus(5, 6, 3, 0))
    assert list(read_jsonl(tmp_path / "corpus.jsonl")) == list(dial_corpus(5, 6, 3, 0))


def test_the_suite_is_frozen() -> None:
    content = hashlib.sha256()
    for task, splits, _ in dial_suite(6, 3, 400, 60, 150, 0):
        for split, examples in splits.items():
            told = [task.name, split, [[e.id, e.prompt, e.target] for e in examples]]
            content.update(json.dumps(told).encode())
    for document in dial_corpus(20_000, 6, 3, 0):
        content.update(json.dumps(document).encode())
    assert content.hexdigest() == FROZEN


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: Ring(6, 3).partners("ring0_a", 4), "the dial goes from 0 to 3, not to 4"),
        (lambda: Ring(6, 3).partners("ring0_a", -1), "the dial goes from 0 to 3, not to -1"),
        (lambda: Ring(6, 3).partners("ring6_a", 1), "there is no task 'ring6_a' on the ring"),
        (lambda: Ring(5, 3), "tasks of 3 of 5 skills; 6 to 6 skills were expected"),
        (lambda: Ring(7, 3), "6 to 6 skills were expected"),
        (lambda: Ring(6, 0), "a task asks at least 1 skill, not 0"),
        (lambda: apply_skill(6, ["bamo"]), "there is no skill 6, only 0 to 5"),
        (lambda: apply_skill(0, ["dog"]), "'dog' is not one of the symbols"),
        (lambda: list(dial_suite(6, 3, 0, 1, 1, 0)), "`train` must be from 1 to 420, not 0"),
        (lambda: list(dial_suite(6, 3, 421, 1, 1, 0)), "`train` must be from 1 to 420, not 421"),
        (lambda: list(dial_suite(6, 3, 9, 3, 3, 0, tasks=["ring1_c"])), "there is no task 'ring1_c'"),
        (lambda: list(dial_corpus(0, 6, 3, 0)), "`corpus` must be at least 1, not 0"),
    ],
)
def test_bad_input_is_refused_in_words(call, said: str) -> None:
    with pytest.raises(InputError) as error:
        call()
    assert said in str(error.value)
