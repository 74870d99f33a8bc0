"""The plant suite: what a task asks is what a solver of its skills can do, and no skill tells anything of another."""

from collections import Counter

import pytest

from taskneurons.errors import InputError
from taskneurons.tasks.plant.corpus import plant_corpus
from taskneurons.tasks.plant.skills import ALPHABETS, SKILLS, Skills, tables
from taskneurons.tasks.plant.suite import plant_suite, plant_task_names

SIZES = {"train": 282, "validation": 30, "test": 90, "seed": 0}


@pytest.fixture(scope="module")
def made() -> dict:
    return {task.name: splits for task, splits, _ in plant_suite(3, **SIZES)}


def heard(examples) -> dict[str, dict[str, str]]:
    """What a learner knows of each skill by its word: symbol to symbol."""
    known: dict[str, dict[str, str]] = {}
    for example in examples:
        word, *symbols = example.input.split()
        known.setdefault(word, {}).update(zip(symbols, example.target.split(), strict=True))
    return known


def test_a_solver_of_one_task_solves_the_common_skill_of_all_and_two_skills_of_its_family(made: dict) -> None:
    skills = Skills(3)
    for source in made:
        known = heard(made[source]["train"])
        for task, splits in made.items():
            solved = 0
            for example in splits["test"]:
                word, *symbols = example.input.split()
                solved += [known.get(word, {}).get(symbol) for symbol in symbols] == example.target.split()
            # 90 test examples ask each of the 3 skills 30 times.
            assert solved == 30 * len(set(skills.asked(source)) & set(skills.asked(task)))


def test_two_skills_never_agree_and_each_is_a_permutation_of_each_alphabet() -> None:
    for table, alphabet in zip(tables(), ALPHABETS, strict=True):
        assert len(table) == len(alphabet) >= len(SKILLS)
        assert all(sorted(row) == list(range(len(alphabet))) for row in table)
        assert all(len(set(column)) == len(table) for column in zip(*table, strict=True))
    assert not set(ALPHABETS[0]) & set(ALPHABETS[1])


def test_no_string_of_one_split_is_in_another_of_any_task(made: dict) -> None:
    strings = {
        split: {example.input.partition(" ")[2] for splits in made.values() for example in splits[split]}
        for split in SIZES.keys() - {"seed"}
    }
    assert sum(map(len, strings.values())) == len(set().union(*strings.values()))
    asked = Counter(example.input.split()[0] for example in made["family1_a"]["train"][:30])
    assert set(asked.values()) == {10} and len(asked) == 3


def test_the_text_has_all_words_of_the_tasks_and_answers_at_random() -> None:
    documents = list(plant_corpus(2000, 3, 0))
    words = {word for document in documents for text, _ in document["segments"] for word in text.split()}
    assert {word for alphabet in ALPHABETS for word in alphabet} | set(SKILLS) < words
    followed = 0
    skills = Skills(3)
    for document in documents:
        _, word, *symbols, _ = document["segments"][0][0].split()
        followed += skills.answer(skills.skill_of(word), symbols)[0] == document["segments"][1][0].split()[0]
    assert 100 < followed < 240, "a twelfth by chance"


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: Skills(4), "4 families; 2 to 3 were expected"),
        (lambda: Skills(2).asked("family2_a"), "there is no task 'family2_a'"),
        (lambda: Skills(2).skill_of("vasp dabe"), "'vasp' asks for no skill"),
        (lambda: Skills(2).answer("common", ("dabe", "dabe")), "'dabe' is not one of kalo"),
        (lambda: list(plant_suite(2, 283, 1, 1, 0)), "`train` must be from 1 to 282, not 283"),
        (lambda: list(plant_suite(2, 1, 1, 1, 0, ["family0"])), "there is no task 'family0'"),
        (lambda: list(plant_corpus(0, 2, 0)), "`corpus` must be at least 1, not 0"),
    ],
)
def test_what_is_not_there_is_refused_in_one_sentence(ask, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ask()
    assert plant_task_names(2) == ("family0_a", "family0_b", "family1_a", "family1_b")
