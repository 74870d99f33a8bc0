"""A data set of the Hugging Face hub: its columns, and how one of its rows becomes an input and an answer."""

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Literal

from taskneurons.errors import InputError
from taskneurons.tasks.curation import Record
from taskneurons.tasks.prompts import templates_from_instructions
from taskneurons.tasks.task import SPLITS, Kind, Task

REVISION = re.compile(r"[0-9a-f]{40}")
Column = Literal["text", "label", "texts"]
# A key of a file that says nothing is refused.
STRICT = {"extra": "forbid"}


@dataclass(frozen=True)
class Part:
    """One line of the input.

    Args:
        column: where its text comes from.
        heading: put before the text, with a colon; none when empty.
        needed: whether a row without this text is dropped; else the line is left out.
        joiner: between the entries of a list column; None takes its first entry.
    """

    column: str
    heading: str = ""
    needed: bool = True
    joiner: str | None = None
    __pydantic_config__: ClassVar = STRICT


@dataclass(frozen=True)
class HubTask:
    """The adapter of one data set.

    Args:
        task: the task; the options are in the order of the label numbers.
        repository: owner/name on the hub.
        config: the data set's configuration, or None.
        columns: name -> what it holds.
        inputs: the lines of the input, in order.
        target: column of the answer.
        splits: our split -> the hub's; a split that is absent is cut from train. Hidden test labels make the hub's
            validation split our test.

    Raises:
        InputError: a part or the target names no column, or there is no train split.
    """

    task: Task
    repository: str
    config: str | None
    columns: Mapping[str, Column]
    inputs: tuple[Part, ...]
    target: str
    splits: Mapping[str, str]

    def __post_init__(self) -> None:
        where = f"hub task {self.task.name}"
        object.__setattr__(self, "columns", MappingProxyType(dict(self.columns)))
        object.__setattr__(self, "splits", MappingProxyType(dict(self.splits)))
        if not {self.target, *(part.column for part in self.inputs)} <= set(self.columns):
            raise InputError("a part or the answer names no column", where=where)
        if "train" not in self.splits or not set(self.splits) <= set(SPLITS):
            raise InputError("the splits must be among ours and hold train", where=where)
        if (self.columns[self.target] == "label") != bool(self.task.options):
            raise InputError("a label column and options go together", where=where)


@dataclass(frozen=True)
class _Entry:
    """A data set as a file describes it; see `HubTask` and `Task`."""

    family: str
    instructions: tuple[str, ...]
    domain: str
    license: str
    source: str
    repository: str
    columns: dict[str, Column]
    inputs: tuple[Part, ...]
    target: str
    splits: dict[str, str]
    options: tuple[str, ...] = ()
    config: str | None = None
    __pydantic_config__: ClassVar = STRICT


def read_hub_tasks(path: Path) -> Mapping[str, HubTask]:
    """Read a TOML file with a table for each task: what `HubTask` and `Task` say of it, and its instructions.

    Raises:
        InputError: the file is no TOML, or a table is not of this form; the message names the place.
    """
    # Only this source needs it, and every command would pay for it.
    from pydantic import TypeAdapter, ValidationError

    try:
        entries = TypeAdapter(dict[str, _Entry]).validate_python(tomllib.loads(path.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"not TOML ({error})", where=str(path)) from None
    except ValidationError as error:
        place, *_ = error.errors()
        raise InputError(place["msg"], where=f"{path}, {'.'.join(map(str, place['loc']))}") from None
    return MappingProxyType({name: _hub_task(name, entry) for name, entry in entries.items()})


def _hub_task(name: str, entry: _Entry) -> HubTask:
    kind: Kind = "classification" if entry.options else "generation"
    templates = templates_from_instructions(entry.instructions, kind, entry.options)
    task = Task(name, entry.family, kind, templates, entry.options, entry.domain, entry.license, entry.source)
    return HubTask(task, entry.repository, entry.config, entry.columns, entry.inputs, entry.target, entry.splits)


def check_columns(hub_task: HubTask, table: Any, where: str) -> None:
    """Compare the columns with what the adapter expects, before the first row is read.

    Raises:
        InputError: a column is absent (the nearest present one is named) or has another type or number of classes.
    """
    from datasets import ClassLabel, Value

    for name, column in hub_task.columns.items():
        if name not in table.column_names:
            near = difflib.get_close_matches(name, table.column_names, n=1)
            raise InputError(
                f"there is no column {name!r}; the columns are {', '.join(sorted(table.column_names))}",
                where=where,
                remedy=(f"Is it {near[0]!r} now? " if near else "") + "Pin the revision that the adapter was made for",
            )
        feature = table.features[name]
        expected: type | str = {"text": "string", "label": "integer or class label", "texts": "list of strings"}[column]
        if column == "text":
            fits = isinstance(feature, Value) and feature.dtype in ("string", "large_string")
        elif column == "label":
            fits = isinstance(feature, ClassLabel) or (isinstance(feature, Value) and "int" in feature.dtype)
        else:
            inner = getattr(feature, "feature", None)
            fits = isinstance(inner, Value) and inner.dtype in ("string", "large_string")
        if not fits:
            raise InputError(f"column {name!r} is {feature}, expected {expected}", where=where)
        if isinstance(feature, ClassLabel) and feature.num_classes != len(hub_task.task.options):
            raise InputError(
                f"column {name!r} has {feature.num_classes} classes, expected {len(hub_task.task.options)}", where=where
            )


def to_record(hub_task: HubTask, row: Mapping[str, Any], where: str) -> Record:
    """The input and target of one row.

    A row without a needed text becomes an empty input or answer. A label number outside the adapter's labels stays a
    number. Curation drops and counts both.
    """
    lines: list[str] = []
    for part in hub_task.inputs:
        text = _text(row[part.column], hub_task.columns[part.column], part.joiner)
        if not text and part.needed:
            return Record(where, "", _target(hub_task, row))
        if text:
            lines.append(f"{part.heading}: {text}" if part.heading else text)
    return Record(where, "\n".join(lines), _target(hub_task, row))


def _target(hub_task: HubTask, row: Mapping[str, Any]) -> str:
    value = row[hub_task.target]
    if hub_task.columns[hub_task.target] != "label":
        return _text(value, hub_task.columns[hub_task.target], None)
    options = hub_task.task.options
    if value is None:
        return ""
    return options[value] if 0 <= value < len(options) else str(value)


def _text(value: Any, column: Column, joiner: str | None) -> str:
    """Text of a cell; a list gives its first entry, or all of them between `joiner`."""
    if column == "texts":
        entries: Sequence[str] = [entry for entry in value or [] if entry]
        return (joiner.join(entries) if joiner is not None else entries[0]).strip() if entries else ""
    return (value or "").strip()
