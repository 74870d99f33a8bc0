"""A task of one file: its kind, its labels and its splits are taken from the file, and nothing of it is lost."""

import csv
import json
from pathlib import Path

import pytest

from taskneurons.errors import InputError
from taskneurons.tasks.one_file import write_task_of
from taskneurons.tasks.sources import jsonl

SIZES = {"train": "all", "validation": 4, "test": "all", "seed": 0, "list_options": "never", "max_invalid_percent": 0.0}


def file_of(folder: Path, rows: list[tuple[str, str]], name: str = "My Reviews-2.csv") -> Path:
    file = folder / name
    with file.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("label", "text"), *((label, text) for text, label in rows)])
    return file


def read(file: Path, out: Path):
    out.mkdir()
    write_task_of(file, out, "Is it good?", ("text", "label"))
    ((task, splits, _),) = jsonl.make("all", path=out, **SIZES)
    return task, splits


def test_a_table_with_few_labels_is_a_classification_and_each_row_is_in_one_split(tmp_path):
    rows = [(f"review {n}", ["good", "bad", "so, so"][n % 3]) for n in range(60)]
    task, splits = read(file_of(tmp_path, rows), tmp_path / "out")
    assert (task.name, task.kind, task.options) == ("my_reviews_2", "classification", ("bad", "good", "so, so"))
    found = [(one.input, one.target) for split in splits.values() for one in split]
    assert sorted(found) == sorted(rows)
    assert 6 <= len(splits["test"]) <= 18
    _, again = read(file_of(tmp_path, rows[::-1], "other.csv"), tmp_path / "again")
    assert {one.input for one in again["test"]} == {one.input for one in splits["test"]}, "the order decides nothing"


def test_a_table_of_many_answers_is_a_generation(tmp_path):
    task, _ = read(file_of(tmp_path, [(f"say {n}", f"answer {n}") for n in range(30)]), tmp_path / "out")
    assert task.kind == "generation" and task.options == ()


@pytest.mark.parametrize(("number", "kind"), [(20, "classification"), (25, "generation")])
def test_more_labels_than_a_choice_has_are_counted(tmp_path, number, kind):
    file = file_of(tmp_path, [(f"review {n}", f"intent {n % number}") for n in range(10 * number)])
    made = write_task_of(file, tmp_path, "Which intent?", ("text", "label"))
    assert made.answers == number and bool(made.labels) == (kind == "classification")
    assert json.loads((tmp_path / "tasks.json").read_text())[0]["type"] == kind


def test_one_mistyped_label_does_not_make_a_text_of_all(tmp_path):
    rows = [(f"review {n}", ["good", "bad"][n % 2]) for n in range(40)]
    said = (
        r"csv:42: 'godo' is an answer that occurs once, where others .*\. Correct it, or describe the task in a tasks"
    )
    with pytest.raises(InputError, match=said):
        write_task_of(file_of(tmp_path, [*rows, ("one more", "godo")]), tmp_path, "Is it good?", ("text", "label"))


def test_empty_answers_are_no_label_and_are_dropped_with_the_others_counted(tmp_path):
    rows = [(f"review {n}", ["good", "bad"][n % 2] if n != 1 else " ") for n in range(60)]
    out = tmp_path / "out"
    out.mkdir()
    made = write_task_of(file_of(tmp_path, rows), out, "Is it good?", ("text", "label"))
    assert made.labels == ("bad", "good")
    ((_, _, counts),) = jsonl.make("all", path=out, **{**SIZES, "max_invalid_percent": 10.0})
    assert sum(one.dropped.get("empty answer", 0) for one in counts.splits.values()) == 1
    assert {place.rpartition(":")[2] for place in made.places.values()} == {str(n) for n in range(2, 62)}


def test_accents_are_composed_and_the_first_answer_that_is_not_empty_counts(tmp_path):
    labels = ["e\u0301te\u0301", "\xe9t\xe9", "hiver"]
    task, _ = read(file_of(tmp_path, [(f"jour {n}", labels[n % 3]) for n in range(60)]), tmp_path / "out")
    assert task.options == ("hiver", "\xe9t\xe9")
    several = tmp_path / "several.jsonl"
    several.write_text("".join(json.dumps({"text": f"say {n}", "label": ["", f"ok {n}"]}) + "\n" for n in range(30)))
    _, splits = read(several, tmp_path / "more")
    assert all(one.target.startswith("ok ") for split in splits.values() for one in split)


def test_a_file_with_a_name_that_is_kept_for_something_else_is_a_task(tmp_path):
    task, _ = read(file_of(tmp_path, [(f"say {n}", f"answer {n}") for n in range(30)], "all.csv"), tmp_path / "out")
    assert task.name == "task_all"


def test_too_few_rows_and_one_label_are_told_of_the_file_itself(tmp_path):
    refusals = {
        r"Reviews-2\.csv: of 4 examples \d fall to the \w+ split, which are too few": [*["good", "bad"] * 2],
        r"Reviews-2\.csv: every example has the label 'good'": ["good"] * 40,
        r"Reviews-2\.csv: every answer is empty": [""] * 4,
    }
    for said, labels in refusals.items():
        file = file_of(tmp_path, [(f"review {n}", label) for n, label in enumerate(labels)])
        with pytest.raises(InputError, match=said):
            write_task_of(file, tmp_path, "Is it good?", ("text", "label"))


def test_equal_rows_never_stand_on_both_sides(tmp_path):
    rows = [(f"review {n % 12}", ["good", "bad"][n % 2]) for n in range(48)]
    write_task_of(file_of(tmp_path, rows), tmp_path, "Is it good?", ("text", "label"))
    train, test = (
        {json.loads(line)["input"] for line in (tmp_path / f"my_reviews_2.{split}.jsonl").read_text().splitlines()}
        for split in ("train", "test")
    )
    assert train and test and not train & test


def test_what_cannot_be_a_task_is_refused_in_one_sentence(tmp_path):
    file = file_of(tmp_path, [(f"review {n}", ["good", "Good"][n % 2]) for n in range(8)])
    refusals = {
        r"My Reviews-2\.csv:2: 'good' is 'Good' in another spelling\. Write each": (file, "Is it good?"),
        r"needs an instruction\. Add one, such as --instruction": (file, None),
        r"notes\.txt: not a file of tasks\. Its name ends in one of \.jsonl": (tmp_path / "notes.txt", "Is it good?"),
    }
    for said, (path, instruction) in refusals.items():
        with pytest.raises(InputError, match=said):
            write_task_of(path, tmp_path, instruction, ("text", "label"))
