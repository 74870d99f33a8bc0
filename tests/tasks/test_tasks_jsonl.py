"""The JSONL source: a round trip, and every fault of a user's file with its file and line."""

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskneurons.errors import InputError
from taskneurons.tasks.sources import jsonl
from taskneurons.tasks.sources.jsonl import read_records
from taskneurons.tasks.task import SPLITS

MOOD = {
    "name": "mood",
    "type": "classification",
    "family": "sentiment",
    "instruction": "What is the mood?",
    "options": ["good", "bad"],
    "license": "CC0",
    "source": "made here",
}
ECHO = {"name": "echo", "type": "generation", "instructions": ["Say it again.", "Repeat: {input} ="]}
TEXT = st.text(st.characters(exclude_categories=("Cs",)))


def lines(records) -> str:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def mood(count: int, prefix: str = "text") -> list[dict[str, str]]:
    return [{"input": f"{prefix} {n}", "target": ("good", "bad")[n % 2]} for n in range(count)]


def write(folder: Path, tasks=(MOOD,), **files) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "tasks.json").write_text(json.dumps(list(tasks)))
    for name, records in {"mood.train": mood(40), "mood.test": mood(20, "held out"), **files}.items():
        content = records if isinstance(records, bytes) else lines(records).encode()
        (folder / f"{name}.jsonl").write_bytes(content)
    return folder


def suite(folder, tasks="all", train=20, validation=5, test="all", seed=0, max_invalid_percent=5.0):
    sizes = {"train": train, "validation": validation, "test": test, "seed": seed}
    settings = {"max_invalid_percent": max_invalid_percent, "list_options": "sometimes"}
    return list(jsonl.make(tasks, path=folder, **sizes, **settings))


def only(folder, **arguments):
    ((task, splits, counts),) = suite(folder, **arguments)
    return task, splits, counts


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=8), st.booleans(), st.booleans())
def test_the_reader_returns_what_json_lines_say(tmp_path_factory, pairs, ascii_only, final_newline):
    file = tmp_path_factory.mktemp("jsonl") / "t.train.jsonl"
    text = "\n".join(json.dumps({"input": a, "target": b}, ensure_ascii=ascii_only) for a, b in pairs)
    file.write_bytes((text + "\n" * final_newline).encode())
    records = read_records(file)
    assert [(record.input, record.target) for record in records] == pairs
    assert [record.where for record in records] == [f"{file}:{n}" for n in range(1, len(pairs) + 1)]


@pytest.mark.parametrize(("listed", "written"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_a_letter_with_an_accent_is_one_character_however_it_is_written(tmp_path, listed, written):
    """Two texts that look the same on a screen are the same label."""
    options = ["żółć", "café"]
    task = MOOD | {"options": [unicodedata.normalize(listed, one) for one in options]}
    texts = {"mood.train": ("naïve", 40), "mood.test": ("tête", 20)}
    records = {
        name: [
            {
                "input": unicodedata.normalize(written, f"{word} {n}"),
                "target": unicodedata.normalize(written, options[n % 2]),
            }
            for n in range(count)
        ]
        for name, (word, count) in texts.items()
    }
    read, splits, counts = only(write(tmp_path / "tasks", [task], **records))
    assert read.options == tuple(options)
    assert {one.target for one in splits["test"]} == set(options)
    assert all(one.input.startswith("tête ") for one in splits["test"])
    assert not counts.splits["test"].dropped


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_with_the_file(tmp_path_factory, content):
    file = tmp_path_factory.mktemp("jsonl") / "t.train.jsonl"
    file.write_bytes(content)
    with pytest.raises(InputError) as refusal:
        read_records(file)
    assert str(refusal.value).startswith(str(file))


GOOD = lines(mood(2)).encode()
FAULTS = {
    "empty file": (b"", "train.jsonl: the file is empty"),
    "truncated": (GOOD + b'{"input": "x", "targ', "train.jsonl:3: not JSON .*the file ends in the middle"),
    "Latin-1": (GOOD + '{"input": "é", "target": "good"}\n'.encode("latin-1"), r"train.jsonl:3: not UTF-8 \(byte 12\)"),
    "BOM": (b"\xef\xbb\xbf" + GOOD, "train.jsonl:1: the file starts with a byte order mark"),
    "CRLF": (GOOD.replace(b"\n", b"\r\n"), "train.jsonl:1: the line ends with a carriage return"),
    "UTF-16": (GOOD.decode().encode("utf-16"), "train.jsonl:1: not UTF-8"),
    "huge line": (
        GOOD + b'{"input": "' + b"x" * 2_000_000 + b'"}\n',
        "train.jsonl:3: the line is longer than 1,000,000",
    ),
    "blank line": (GOOD + b"\n" + GOOD, "train.jsonl:3: the line is empty"),
    "array": (GOOD + b"[1, 2]\n", "train.jsonl:3: expected an object, not a list"),
    "null": (GOOD + b"null\n", "train.jsonl:3: expected an object, not null"),
    "missing field": (GOOD + b'{"input": "x", "label": "good"}\n', "train.jsonl:3: `target` is missing"),
    "misspelled field": (GOOD + b'{"inputs": "x", "target": "good"}\n', "`input` is missing. Rename 'inputs'"),
    "number": (
        GOOD + b'{"input": "x", "target": 1}\n',
        "train.jsonl:3: `target` must be text or a list of texts, not a number",
    ),
    "null field": (GOOD + b'{"input": null, "target": "good"}\n', "train.jsonl:3: `input` must be text, not null"),
    "NaN": (GOOD + b'{"input": "x", "target": NaN}\n', "train.jsonl:3: NaN is not JSON"),
    "Infinity": (GOOD + b'{"input": "x", "target": -Infinity}\n', "train.jsonl:3: -Infinity is not JSON"),
    "repeated key": (GOOD + b'{"input": "x", "input": "y", "target": "good"}\n', "'input' occurs twice"),
    "half a surrogate": (GOOD + b'{"input": "\\ud800", "target": "good"}\n', "train.jsonl:3: .*surrogate"),
    "deep nesting": (GOOD + b"[" * 100_000 + b"\n", "train.jsonl:3: not JSON"),
    "endless integer": (GOOD + b'{"input": ' + b"9" * 10_000 + b"}\n", "train.jsonl:3: not JSON"),
    "two objects": (GOOD + b'{"input": "x", "target": "good"} {}\n', "train.jsonl:3: not JSON .*Extra data"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_file_stops_the_run_with_file_and_line(tmp_path, fault):
    content, words = FAULTS[fault]
    folder = write(tmp_path, **{"mood.train": content})
    with pytest.raises(InputError, match=words) as refusal:
        suite(folder)
    assert "\n" not in str(refusal.value) and len(str(refusal.value)) < 600


def test_a_huge_line_is_not_read_into_memory(tmp_path, monkeypatch):
    file = tmp_path / "t.train.jsonl"
    with file.open("wb") as stream:
        stream.truncate(3_000_000_000)  # sparse: three gigabytes of zeros on no disk
    with pytest.raises(InputError, match="longer than"):
        read_records(file)


def test_absent_files_are_named(tmp_path):
    folder = write(tmp_path)
    (folder / "mood.test.jsonl").unlink()
    with pytest.raises(InputError, match=r"mood\.test\.jsonl: no such file"):
        suite(folder)
    with pytest.raises(InputError, match=r"nowhere/tasks\.json: cannot be read"):
        suite(tmp_path / "nowhere")


def test_labels_outside_the_options_are_dropped_and_counted(tmp_path):
    records = [
        *mood(97, "held out"),
        {"input": "odd", "target": "-"},
        {"input": "o", "target": "neither"},
        {"input": "p", "target": ""},
    ]
    folder = write(tmp_path, **{"mood.test": records})
    _, splits, counts = only(folder)
    assert dict(counts.splits["test"].dropped) == {"label outside the options": 2, "empty answer": 1}
    assert (counts.splits["test"].read, counts.splits["test"].kept, len(splits["test"])) == (100, 97, 97)
    assert {example.target for example in splits["test"]} == {"good", "bad"}
    # 3 of 100 is not more than 3 %, but more than 2.9 %.
    assert only(folder, max_invalid_percent=3.0)[2] == counts
    with pytest.raises(
        InputError,
        match=r"mood, test: 3 of 100 examples are invalid, more than 2.9 %; first .*mood.test.jsonl:98: label",
    ):
        suite(folder, max_invalid_percent=2.9)


def test_empty_texts_are_dropped_and_counted(tmp_path):
    records = [{"input": f"x{n}", "target": "y"} for n in range(20)]
    records += [{"input": " ", "target": "y"}, {"input": "z", "target": "\n"}]
    folder = write(tmp_path, [ECHO], **{"echo.train": records, "echo.test": records[:20]})
    with pytest.raises(InputError, match="echo, train: 2 of 22"):
        suite(folder)
    with pytest.raises(InputError, match="echo, train: no valid example is left"):
        suite(folder, max_invalid_percent=50.0)  # all of train is also in the test
    fresh = [{"input": f"t{n}", "target": " y "} for n in range(4)]
    folder = write(tmp_path, [ECHO], **{"echo.train": records, "echo.test": fresh})
    _, splits, counts = only(folder, max_invalid_percent=50.0)
    assert dict(counts.splits["train"].dropped) == {"empty answer": 1, "empty input": 1}
    assert {example.target for example in splits["test"]} == {"y"}


def test_copies_leave_train_and_stay_in_the_test(tmp_path):
    test = [*mood(20, "held out"), mood(20, "held out")[0]]
    folder = write(tmp_path, **{"mood.train": [*mood(40), *mood(3), *mood(2, "held out")], "mood.test": test})
    _, splits, counts = only(folder, train="all")
    assert dict(counts.splits["train"].dropped) == {
        "repeats another example of the split": 3,
        "also in a held-out split": 2,
    }
    assert len(splits["test"]) == 21 == len({example.id for example in splits["test"]})
    contents = [{(example.input, example.target) for example in splits[split]} for split in SPLITS]
    assert [len(content) for content in contents] == [35, 5, 20]
    assert len(set.union(*contents)) == 60


def test_fewer_examples_than_asked_are_used_whole_and_stated(tmp_path):
    _, splits, counts = only(write(tmp_path), train=1000, validation=4, test=500)
    assert [len(splits[split]) for split in SPLITS] == [36, 4, 20]
    assert [counts.splits[split].missing for split in SPLITS] == [964, 0, 480]
    # A validation split is never more than a fifth of a small train file.
    assert [len(splits[split]) for splits in [only(write(tmp_path), validation=100)[1]] for split in SPLITS] == [
        20,
        8,
        20,
    ]


def test_more_examples_than_asked_are_drawn_by_content(tmp_path):
    folder = write(tmp_path, **{"mood.validation": mood(10, "other")})
    _, splits, counts = only(folder, train=15, validation=7, test=9)
    assert [(one.read, one.kept, one.unused) for one in counts.splits.values()] == [
        (40, 15, 25),
        (10, 7, 3),
        (20, 9, 11),
    ]
    shuffled = write(tmp_path, **{"mood.train": mood(40)[::-1], "mood.validation": mood(10, "other")})
    assert only(shuffled, train=15, validation=7, test=9)[1] == splits
    assert only(folder, train=15, validation=7, test=9, seed=1)[1] != splits
    # One more record may take a place, but moves nothing else.
    grown = write(tmp_path, **{"mood.train": [*mood(40), {"input": "new", "target": "bad"}]})
    (grown / "mood.validation.jsonl").write_text(lines(mood(10, "other")))
    before, after = {one.id for one in splits["train"]}, {one.id for one in only(grown, train=15)[1]["train"]}
    assert len(before - after) <= 1


@pytest.mark.parametrize("split", ["train", "test"])
def test_one_class_only_is_refused(tmp_path, split):
    folder = write(tmp_path, **{f"mood.{split}": [{"input": f"x{n}", "target": "good"} for n in range(9)]})
    with pytest.raises(InputError, match=f"mood, {split}: every example has the label 'good'"):
        suite(folder)


def test_all_validation_examples_need_a_file(tmp_path):
    with pytest.raises(InputError, match="`validation: all` needs a validation split of its own"):
        suite(write(tmp_path), validation="all")
    folder = write(tmp_path, **{"mood.validation": mood(10, "other")})
    assert len(only(folder, validation="all")[1]["validation"]) == 10


def test_descriptions_become_tasks(tmp_path):
    folder = write(tmp_path, [MOOD, ECHO])
    assert jsonl.names(path=folder, tasks="all") == ("mood", "echo")
    assert jsonl.names(path=folder, tasks=["echo"]) == ("echo",)
    with pytest.raises(InputError, match="Did you mean 'mood'"):
        jsonl.names(path=folder, tasks=["moods"])
    tasks = jsonl.read_descriptions(folder)
    assert tasks["mood"].options == ("good", "bad") and tasks["mood"].license == "CC0"
    assert tasks["mood"].family == "sentiment" and tasks["echo"].family == "echo"
    assert len(tasks["mood"].templates) == 4 and len(tasks["echo"].templates) == 4
    assert "Repeat: {input} =" in tasks["echo"].templates
    used = {example.instruction for example in only(folder, tasks=["mood"])[1]["train"]}
    assert len(used) > 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "a;touch X;"}, "task 1: task name 'a;touch X;' is not a usable name"),
        ({"name": "../../x"}, "is not a usable name"),
        ({"name": 3}, "`name` must be text, not a number"),
        ({"type": "regression"}, "`type` must be classification or generation"),
        ({"options": ["good"]}, "at least two options"),
        ({"options": "good"}, "`options` must be a list of texts"),
        ({"options": ["good", 1]}, "`options` must be a list of texts"),
        ({"instruction": " "}, "missing or empty"),
        ({"instruction": "{input} {input}"}, "exactly once"),
        ({"option": ["a", "b"]}, "unknown key 'option'. Did you mean 'options'"),
        ({"licence": "x"}, "unknown key 'licence'. Did you mean 'license'"),
    ],
)
def test_a_faulty_description_is_named(tmp_path, change, words):
    with pytest.raises(InputError, match=words) as refusal:
        suite(write(tmp_path, [{**MOOD, **change}]))
    assert "tasks.json" in str(refusal.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "tasks.json: not JSON"),
        ("[]", "tasks.json: expected a list"),
        ('{"name": "x"}', "tasks.json: expected a list"),
        ("[3]", "task 1: expected an object, not a number"),
        ('[{"name": "x"}]', "task 1: `type` is missing"),
        ('[\n{"name": "x",}]', "not JSON .*line 2, column"),
        (json.dumps([MOOD, MOOD]), "'mood' is described twice"),
        ("\ufeff[]", "byte order mark"),
        ('[{"name": NaN}]', "NaN is not JSON"),
    ],
)
def test_a_faulty_task_list_is_named(tmp_path, content, words):
    write(tmp_path)
    (tmp_path / "tasks.json").write_text(content)
    with pytest.raises(InputError, match=words):
        jsonl.names(path=tmp_path, tasks="all")


SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "real-tasks"


@pytest.mark.skipif(not SHARED.is_dir(), reason="the public tasks are not beside the project")
def test_public_tasks_are_read_with_their_true_counts():
    suite_read = {
        task.name: (task, splits, counts) for task, splits, counts in suite(SHARED, train=2000, validation=200)
    }
    described = json.loads((SHARED / "tasks.json").read_text())
    assert list(suite_read) == [entry["name"] for entry in described]
    for entry in described:
        task, splits, counts = suite_read[entry["name"]]
        for split in ("train", "test"):
            text = (SHARED / f"{entry['name']}.{split}.jsonl").read_text(encoding="utf-8")
            records = [json.loads(line) for line in text.removesuffix("\n").split("\n")]
            valid = [one for one in records if not task.options or one["target"] in task.options]
            own = counts.splits[split]
            if split == "test":
                assert (own.read, own.kept) == (len(records), len(valid))
                assert own.dropped.get("label outside the options", 0) == len(records) - len(valid)
                assert sorted(example.input for example in splits["test"]) == sorted(one["input"] for one in valid)
            else:
                distinct = {(one["input"], one["target"].strip()) for one in valid}
                assert own.read + counts.splits["validation"].read == len(records)
                assert own.kept + counts.splits["validation"].kept == len(distinct)
    assert suite_read["mnli"][2].splits["test"].dropped["label outside the options"] == 9
    assert suite_read["e2e"][2].splits["test"].kept == 500
