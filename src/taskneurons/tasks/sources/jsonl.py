"""Tasks from a folder: tasks.json describes them, <task>.<split>.jsonl (or .csv, .parquet) holds their examples.

tasks.json is a list of objects with `name`, `type` ("classification" or "generation"), `instruction` or
`instructions`, `options` for classification, and optionally `family`, `domain`, `license`, `source`. Each line of a
JSONL file is an object with the text `input` and with `target`, a text or, of a generation, a list of right ones; other
fields are ignored. `"columns": {"input": "text", "target": "label"}` names two other fields, for all files of the task.
`<task>.validation.jsonl` (valid, val, dev) is optional. A CSV or Parquet file has the fields as columns. What ends in
.gz is decompressed. Reading is strict: a file that is not exactly UTF-8 JSON Lines is refused with its line, never
guessed at. One letter is one character in the tasks, however the file writes its accents (NFC).
"""

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from taskneurons.errors import InputError
from taskneurons.tasks.corpus import text_corpus
from taskneurons.tasks.curation import Record, curate
from taskneurons.tasks.file_forms import (
    COLUMNS,
    Columns,
    opened,
    read_csv_records,
    read_parquet_records,
    record,
    require_fields,
    split_files,
    type_name,
)
from taskneurons.tasks.prompts import ListOptions, composed, templates_from_instructions
from taskneurons.tasks.storage import Counts
from taskneurons.tasks.task import SPLITS, Example, Size, Task, choose_tasks, require_slug

# A line longer than this is no example but a broken file.
MAX_LINE_BYTES = 1_000_000
MAX_DESCRIPTION_BYTES = 10_000_000
REQUIRED_KEYS = ("name", "type")
TEXT_KEYS = ("name", "type", "family", "instruction", "domain", "license", "source")
LIST_KEYS = ("instructions", "options")
OBJECT_KEY = "columns"
BOM = b"\xef\xbb\xbf"


def names(*, path: str | Path, tasks: Iterable[str] | Literal["all"]) -> tuple[str, ...]:
    """The names of the chosen tasks in order; only tasks.json is read.

    Raises:
        InputError: see `read_descriptions` and `choose_tasks`.
    """
    return choose_tasks(tasks, read_descriptions(path), where=str(Path(path) / "tasks.json"))


def make(
    chosen: Iterable[str],
    *,
    path: str | Path,
    train: Size,
    validation: Size,
    test: Size,
    seed: int,
    max_invalid_percent: float,
    list_options: ListOptions,
) -> Iterator[tuple[Task, dict[str, list[Example]], Counts]]:
    """Read a folder of tasks.

    Args:
        chosen: names in the wanted order.
        path: the folder.
        train: examples of each train split, at most, or "all".
        validation: examples of each validation split, at most; cut from train where there is no validation file.
        test: examples of each test split, at most, or "all".
        seed: of the draw of examples.
        max_invalid_percent: share of invalid records (empty text, label outside the options) of a file, in percent,
            above which it is refused; below it they are dropped and counted.
        list_options: whether the forms of a classification list its options; see `templates_from_instructions`.

    Yields:
        Task, its splits, and what became of every record.

    Raises:
        InputError: anything wrong with a file, with file and line.
    """
    folder = Path(path)
    descriptions, columns = _read_descriptions(folder, list_options)
    sizes: dict[str, Size] = dict(zip(SPLITS, (train, validation, test), strict=True))
    for name in choose_tasks(chosen, descriptions, where=str(folder / "tasks.json")):
        files = split_files(name, {file.name for file in folder.iterdir()})
        records = {split: read_records(folder / file, columns[name]) for split, file in files.items()}
        task = descriptions[name]
        splits, counts = curate(
            task, records, sizes, seed=seed, max_invalid_percent=max_invalid_percent, where=str(folder / name)
        )
        yield task, splits, counts


def corpus(documents: int, examples: Mapping[str, Sequence[Example]], *, seed: int) -> Iterator[dict[str, Any]]:
    """Pre-training text from the training examples of the tasks; see `text_corpus`."""
    return text_corpus(examples, documents, seed)


def read_descriptions(path: str | Path, list_options: ListOptions = "sometimes") -> dict[str, Task]:
    """The tasks of tasks.json, by name, in the file's order.

    Args:
        path: the folder.
        list_options: see `templates_from_instructions`.

    Raises:
        InputError: the file is absent, no JSON list, or an entry is malformed; the message names the entry.
    """
    return _read_descriptions(path, list_options)[0]


def _read_descriptions(path: str | Path, list_options: ListOptions) -> tuple[dict[str, Task], dict[str, Columns]]:
    """The tasks of tasks.json, and what their files call input and target."""
    file = Path(path) / "tasks.json"
    content = _parse(_read_bytes(file, MAX_DESCRIPTION_BYTES), str(file))
    if not isinstance(content, list) or not content:
        raise InputError("expected a list with one object for each task", where=str(file))
    tasks: dict[str, Task] = {}
    columns: dict[str, Columns] = {}
    for number, entry in enumerate(content, start=1):
        task = _describe(composed(entry), f"{file}, task {number}", list_options)
        if task.name in tasks:
            raise InputError(f"task {task.name!r} is described twice", where=str(file))
        tasks[task.name] = task
        named = entry.get(OBJECT_KEY, {})
        columns[task.name] = (named.get(COLUMNS[0], COLUMNS[0]), named.get(COLUMNS[1], COLUMNS[1]))
    return tasks, columns


def _require_keys(entry: Any, where: str) -> None:
    """Refuse an entry with unknown or absent keys, or with values of another type."""
    if not isinstance(entry, dict):
        raise InputError(f"expected an object, not {type_name(entry)}", where=where)
    for key in entry:
        if key not in (known := (*TEXT_KEYS, *LIST_KEYS, OBJECT_KEY)):
            near = difflib.get_close_matches(key, known, n=1)
            raise InputError(
                f"unknown key {key[:60]!r}", where=where, remedy=f"Did you mean {near[0]!r}?" if near else None
            )
    for key in REQUIRED_KEYS:
        if key not in entry:
            raise InputError(f"`{key}` is missing", where=where)
    for key in TEXT_KEYS:
        if key in entry and not isinstance(entry[key], str):
            raise InputError(f"`{key}` must be text, not {type_name(entry[key])}", where=where)
    for key in LIST_KEYS:
        value = entry.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise InputError(f"`{key}` must be a list of texts", where=where)
    named = entry.get(OBJECT_KEY, {})
    if not isinstance(named, dict) or not all(key in COLUMNS and isinstance(one, str) for key, one in named.items()):
        raise InputError(
            f"`{OBJECT_KEY}` must be an object with the names of `input` and `target`",
            where=where,
            remedy=f'Such as "{OBJECT_KEY}": {{"input": "text", "target": "label"}}',
        )
    first, second = (named.get(key, key) for key in COLUMNS)
    if first == second:
        raise InputError(
            f"`{OBJECT_KEY}` has {first[:60]!r} as input and as target, and every answer would be in its prompt",
            where=where,
            remedy="Name two fields",
        )


def _describe(entry: Any, where: str, list_options: ListOptions) -> Task:
    _require_keys(entry, where)
    name = require_slug(entry["name"], what="task name", where=where)
    instructions = [entry["instruction"]] if "instruction" in entry else []
    instructions += entry.get("instructions", [])
    if not instructions or not all(instruction.strip() for instruction in instructions):
        raise InputError("`instruction` (or a list `instructions`) is missing or empty", where=where)
    options = tuple(entry.get("options", ()))
    try:
        return Task(
            name=name,
            family=entry.get("family", name),
            kind=entry["type"],
            templates=templates_from_instructions(instructions, entry["type"], options, list_options),
            options=options,
            domain=entry.get("domain", ""),
            license=entry.get("license", ""),
            source=entry.get("source", ""),
        )
    except InputError as error:
        raise InputError(error.message.replace("`kind`", "`type`"), where=where, remedy=error.remedy) from None


def read_records(file: str | Path, columns: Columns = COLUMNS) -> list[Record]:
    """The records of one file, each with file:line (or row).

    Args:
        file: JSON Lines, CSV or Parquet, by its name.
        columns: the fields that are input and target.

    Raises:
        InputError: the file is absent, empty, truncated, not UTF-8, has a byte order mark, carriage returns, a line
            that is too long, not a JSON object, holds NaN, a repeated key, a missing field or one that is not text.
    """
    file = Path(file)
    if file.suffix == ".parquet":
        return read_parquet_records(file, columns)
    if file.name.endswith((".csv", ".csv.gz")):
        return read_csv_records(file, columns)
    records: list[Record] = []
    with opened(file) as lines:
        for number, line in enumerate(iter(lambda: lines.readline(MAX_LINE_BYTES + 1), b""), start=1):
            records.append(_record(line, columns, f"{file}:{number}", first=number == 1))
    if not records:
        raise InputError("the file is empty", where=str(file))
    return records


def _record(line: bytes, columns: Columns, where: str, *, first: bool) -> Record:
    if len(line) > MAX_LINE_BYTES:
        raise InputError(f"the line is longer than {MAX_LINE_BYTES:,} bytes", where=where)
    if first and line.startswith(BOM):
        raise InputError("the file starts with a byte order mark", where=where, remedy="Save it as UTF-8 without BOM")
    if line.endswith((b"\r\n", b"\r")):
        raise InputError(
            "the line ends with a carriage return", where=where, remedy="Save the file with Unix line ends (LF)"
        )
    if not line.strip():
        raise InputError("the line is empty", where=where, remedy="Remove it")
    content = _parse(line, where, truncated=not line.endswith(b"\n"))
    if not isinstance(content, dict):
        raise InputError(f"expected an object, not {type_name(content)}", where=where)
    require_fields(columns, content, where, "Each line")
    return record(content[columns[0]], content[columns[1]], where, columns)


def _read_bytes(file: Path, limit: int) -> bytes:
    try:
        with file.open("rb") as stream:
            content = stream.read(limit + 1)
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=str(file)) from None
    if len(content) > limit:
        raise InputError(f"the file is larger than {limit:,} bytes", where=str(file))
    if content.startswith(BOM):
        raise InputError(
            "the file starts with a byte order mark", where=str(file), remedy="Save it as UTF-8 without BOM"
        )
    return content


class _NotJsonError(ValueError):
    """A value that Python's parser takes and JSON does not have."""


def _parse(content: bytes, where: str, *, truncated: bool = False) -> Any:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 (byte {error.start + 1})", where=where, remedy="Save it as UTF-8") from None
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_distinct_keys)
    except _NotJsonError as error:
        raise InputError(str(error), where=where) from None
    except json.JSONDecodeError as error:
        hint = "; the file ends in the middle of this line" if truncated else ""
        place = f"line {error.lineno}, column {error.colno}" if error.lineno > 1 else f"column {error.colno}"
        raise InputError(f"not JSON ({error.msg}, {place}){hint}", where=where) from None
    except (RecursionError, ValueError) as error:
        # Nesting and integers without end are attacks or accidents, not examples.
        raise InputError(f"not JSON that can be read ({type(error).__name__})", where=where) from None


def _refuse_constant(name: str) -> Any:
    raise _NotJsonError(f"{name} is not JSON")


def _distinct_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        repeated = next(key for position, key in enumerate(keys) if key in keys[:position])
        raise _NotJsonError(f"the key {repeated[:60]!r} occurs twice in one object")
    return content
