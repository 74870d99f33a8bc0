"""Tasks in the forms and spellings that people have: each file is read as it is meant, or refused in one sentence."""

import csv
import gzip
import json
from pathlib import Path

import pytest

from taskneurons.errors import InputError
from taskneurons.tasks.file_forms import split_files
from taskneurons.tasks.sources import jsonl
from taskneurons.tasks.sources.jsonl import read_records
from taskneurons.tasks.spelling import folded, near_leaks
from taskneurons.tasks.storage import read_task_folder, write_task

GENERATION = {"name": "q", "type": "generation", "instruction": "Say it."}
LABELS = ["positivo", "negación"]
CLASSIFICATION = {"name": "q", "type": "classification", "instruction": "Sentiment?", "options": LABELS}
PAIRS = [('a "quoted", text', "b"), ("two\nlines", "c,d"), ("naïve 红", "é")]


def lines(rows) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def rows(count, target, prefix="text"):
    return [{"input": f"{prefix} {n}", "target": target(n)} for n in range(count)]


def folder_of(folder: Path, description, **files) -> Path:
    (folder / "tasks.json").write_text(json.dumps([description]))
    for split in ("train", "test"):
        target = (lambda n: LABELS[n % 2]) if "options" in description else str
        files.setdefault(f"q.{split}.jsonl", lines(rows(20, target, split)))
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def only(folder, max_invalid_percent=5.0):
    sizes = {"train": "all", "validation": 4, "test": "all", "seed": 0}
    ((task, splits, counts),) = jsonl.make(
        "all", path=folder, max_invalid_percent=max_invalid_percent, list_options="never", **sizes
    )
    return task, splits, counts


def write_form(file: Path) -> Path:
    """The pairs, written by the libraries that people use."""
    columns = {"input": [a for a, _ in PAIRS], "id": [1, 2, 3], "target": [b for _, b in PAIRS]}
    if file.name.endswith(".parquet"):
        pandas = pytest.importorskip("pandas")
        pandas.DataFrame(columns).to_parquet(file)
        return file
    if ".csv" in file.name:
        with file.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows([columns, *zip(*columns.values(), strict=True)])
    else:
        file.write_bytes(lines({"input": a, "target": b} for a, b in PAIRS))
    if file.suffix == ".gz":
        file.write_bytes(gzip.compress(file.read_bytes()))
    return file


@pytest.mark.parametrize("form", [".jsonl", ".jsonl.gz", ".csv", ".csv.gz", ".parquet"])
def test_every_form_gives_the_same_records(tmp_path, form):
    file = write_form(tmp_path / f"q.train{form}")
    records = read_records(file)
    assert [(record.input, record.target) for record in records] == PAIRS
    assert all(record.where.startswith(str(file)) for record in records)


@pytest.mark.parametrize("form", [".jsonl", ".csv", ".parquet"])
def test_a_task_may_have_columns_of_its_own(tmp_path, form):
    """Also where a column is called as one of ours and is another."""
    for split in ("train", "test"):
        examples = [{"target": f"{split} {n}", "input": str(n), "label": LABELS[n % 2]} for n in range(20)]
        file = tmp_path / f"q.{split}{form}"
        if form == ".parquet":
            pytest.importorskip("pandas").DataFrame(examples).to_parquet(file)
        elif form == ".csv":
            with file.open("w", encoding="utf-8", newline="") as stream:
                csv.writer(stream).writerows([examples[0], *(one.values() for one in examples)])
        else:
            file.write_bytes(lines(examples))
    columns = {"input": "target", "target": "label"}
    (tmp_path / "tasks.json").write_text(json.dumps([CLASSIFICATION | {"columns": columns}]))
    _, splits, _ = only(tmp_path)
    assert {(one.input, one.target) for one in splits["test"]} == {(one["target"], one["label"]) for one in examples}


@pytest.mark.parametrize("columns", ["text", {"text": "input"}, {"input": 1}])
def test_columns_of_another_form_are_refused_with_an_example(tmp_path, columns):
    folder = folder_of(tmp_path, CLASSIFICATION | {"columns": columns})
    with pytest.raises(
        InputError, match=r'task 1: `columns` must be an object .* Such as "columns": \{"input": "text"'
    ):
        only(folder)


def test_one_column_for_both_fields_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"task 1: `columns` has 'target' as input and as target.* Name two fields"):
        only(folder_of(tmp_path, CLASSIFICATION | {"columns": {"input": "target"}}))


def test_a_missing_column_is_named_with_the_way_to_name_others(tmp_path):
    (tmp_path / "q.train.csv").write_text("text,label\na,b\n")
    said = "`input` is missing. The table needs `input` and `target`; other names may stand as `columns` in tasks.json"
    with pytest.raises(InputError) as refusal:
        read_records(tmp_path / "q.train.csv")
    assert str(refusal.value).endswith(said)
    with pytest.raises(InputError, match=r"`words` is missing\. The table needs `words` and `label`"):
        read_records(tmp_path / "q.train.csv", ("words", "label"))


@pytest.mark.parametrize("name", ["validation", "valid", "val", "dev"])
def test_a_validation_file_is_used_under_each_of_its_names(tmp_path, name):
    folder = folder_of(tmp_path, GENERATION, **{f"q.{name}.jsonl": lines(rows(4, str, "held"))})
    assert {one.input for one in only(folder)[1]["validation"]} == {f"held {n}" for n in range(4)}


def test_two_files_of_one_split_are_refused_by_name():
    with pytest.raises(InputError, match=r"q\.dev\.jsonl and q\.dev\.csv both hold the validation split"):
        split_files("q", ["q.train.jsonl", "q.dev.csv", "q.dev.jsonl"])
    assert split_files("q", ["q.train.csv"]) == {"train": "q.train.csv", "test": "q.test.jsonl"}


@pytest.mark.parametrize("name", ["q.validation.json", "q.eval.jsonl", "q.Valid.jsonl", "q.dev.CSV", "q.test.tsv"])
def test_a_file_that_would_be_left_out_unseen_is_refused(name):
    with pytest.raises(
        InputError, match=rf"{name} is no file of a split of task q.*train, validation, valid, val, dev"
    ):
        split_files("q", ["q.train.csv", "q.test.csv", name])


def test_what_is_no_split_of_a_task_may_lie_beside_it():
    files = ["q.train.csv", "q.test.csv"]
    others = ["q.train.csv.dvc", "q.train.csv~", "q.test.csv.bak", "q.md", "qa.eval.jsonl", "q_more.train.json"]
    assert split_files("q", [*files, *others]) == {"train": "q.train.csv", "test": "q.test.csv"}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("q.train.csv", b"text,target\na,b\n", "csv:1: `input` is missing. The table needs"),
        ("q.train.csv", b"inputs,target\na,b\n", "csv:1: `input` is missing. Rename 'inputs'"),
        ("q.train.csv", b"input,target\na,b\nc\n", "csv:3: 1 cells in a table of 2 columns"),
        ("q.train.csv", b'input,target\n"a,b\n', "csv:2: not CSV"),
        ("q.train.csv", b"\xef\xbb\xbfinput,target\na,b\n", "byte order mark"),
        ("q.train.csv", b"input,target\n\xe9,b\n", "not UTF-8"),
        ("q.train.csv", b"input,target\n", "the file is empty"),
        ("q.train.csv", b"", "the file is empty"),
        ("q.train.csv", b"input;target\na;b\n", "csv:1: the columns stand between semicolons. Save it with commas"),
        ("q.train.csv", b"input,target,target\na,b,c\n", "`target` is there twice"),
        ("q.train.jsonl.gz", b"{}", "not a whole gzip file"),
        ("q.train.jsonl.gz", gzip.compress(lines(rows(99, str)))[:-9], "not a whole gzip file"),
        ("q.train.parquet", b"PAR1", "not a Parquet file"),
        ("q.train.jsonl", b'{"input": "a", "target": []}\n', "jsonl:1: `target` is an empty list"),
        ("q.train.jsonl", b'{"input": "a", "target": ["b", 1]}\n', "jsonl:1: `target` must be text or a list"),
        ("q.train.jsonl", b'{"input": "a", "target": 1}\n', 'not a number. Write it as text: "1"'),
    ],
)
def test_a_broken_file_is_named_in_one_sentence(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=words) as refusal:
        read_records(tmp_path / name)
    assert str(refusal.value).startswith(str(tmp_path)) and "\n" not in str(refusal.value)


def test_a_field_that_is_not_text_bears_the_name_that_it_has_in_the_file(tmp_path):
    (tmp_path / "q.jsonl").write_text('{"words": "a", "label": 1}\n')
    with pytest.raises(InputError, match="`label` must be text"):
        read_records(tmp_path / "q.jsonl", ("words", "label"))


def test_a_cell_of_parquet_that_is_not_utf_8_is_one_sentence(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    places, letters = pyarrow.py_buffer(b"\0\0\0\0\2\0\0\0"), pyarrow.py_buffer(b"\xff\xfe")
    text = pyarrow.Array.from_buffers(pyarrow.string(), 1, [None, places, letters])
    parquet.write_table(pyarrow.table({"input": text, "target": ["x"]}), tmp_path / "q.parquet")
    with pytest.raises(InputError, match=r"q\.parquet: a cell is not UTF-8"):
        read_records(tmp_path / "q.parquet")


def test_several_right_answers_are_kept_and_the_first_is_trained_on(tmp_path):
    answers = [["b 1 ", "c", "c", " "], "d", ["e"]]
    test = lines({"input": f"t{n}", "target": target} for n, target in enumerate(answers))
    task, splits, counts = only(folder_of(tmp_path, GENERATION, **{"q.test.jsonl": test}))
    references = {one.input: one.references for one in splits["test"]}
    assert references == {"t0": ("b 1", "c"), "t1": ("d",), "t2": ("e",)}
    write_task(tmp_path / "made", task, splits, counts)
    assert read_task_folder(tmp_path / "made") == (task, splits, counts)
    # What has one answer is written as before, so that no file changes for the others.
    written = [json.loads(line) for line in (tmp_path / "made" / "test.jsonl").read_text().splitlines()]
    assert sorted("others" in one for one in written) == [False, False, True]


def test_several_labels_are_refused(tmp_path):
    test = lines([{"input": "t", "target": LABELS}])
    with pytest.raises(InputError, match="a classification has one right label"):
        only(folder_of(tmp_path, CLASSIFICATION, **{"q.test.jsonl": test}))


@pytest.mark.parametrize("label", ["Positivo", "positivo.", "POSITIVO "])
def test_a_label_in_two_spellings_is_refused_with_the_remedy(tmp_path, label):
    train = lines([*rows(99, lambda n: LABELS[n % 2]), {"input": "x", "target": label}])
    with pytest.raises(InputError) as refusal:
        only(folder_of(tmp_path, CLASSIFICATION, **{"q.train.jsonl": train}), max_invalid_percent=50.0)
    assert str(refusal.value) == (
        f"{tmp_path}/q.train.jsonl:100: the label {label.strip()!r} is the option 'positivo' in another spelling. "
        "Write each label in one spelling, that of `options`"
    )


def test_options_in_two_spellings_are_refused(tmp_path):
    with pytest.raises(InputError, match="'positivo' and 'Positivo' are one in two spellings"):
        only(folder_of(tmp_path, {**CLASSIFICATION, "options": [*LABELS, "Positivo"]}))


def test_leaks_that_differ_in_writing_are_found(tmp_path):
    label = lambda n: LABELS[n % 2]  # noqa: E731
    train = [
        *rows(20, label, "mine"),
        {"input": "test 1 ", "target": label(1)},  # white space around it: the same example
        {"input": "Test,  2!", "target": label(2)},
        {"input": "test 3", "target": label(4)},  # the input with another answer
        {"input": "test -4", "target": label(4)},  # a sign is no punctuation
    ]
    _, splits, counts = only(folder_of(tmp_path, CLASSIFICATION, **{"q.train.jsonl": lines(train)}))
    assert dict(counts.splits["train"].dropped) == {"also in a held-out split": 1}
    assert sum(near_leaks(splits).values()) == 2


def test_folding_keeps_what_has_a_meaning():
    assert folded("“Hello,\n World!” ") == folded("hello world") == "hello world"
    assert len({folded(text) for text in ("C", "C++", "C#", "1", "-1", "1 %", "?", "!")}) == 8


def test_folding_keeps_numbers_apart():
    numbers = ("35", "3.5", "3 5", "3,5", "3:5", "3-5", "3/5", ".35", "-3.5")
    assert len({folded(text) for text in numbers}) == len(numbers)
    assert folded("It is 3.5.") == folded("it is 3.5") != folded("It is 3 5.")
    assert folded("(3), 5") == folded("3 5")
