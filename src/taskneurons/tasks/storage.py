"""The files of a task: task.json, one JSONL file a split, counts.json."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import asdict, dataclass, fields
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any

from taskneurons.errors import InputError
from taskneurons.files import read_json, read_jsonl, write_json, write_jsonl
from taskneurons.tasks.task import SPLITS, Example, Task

OPTIONAL = frozenset({"others", "words"})
"""Fields of an example or a task that stand in its file only where they are not the default."""
EXAMPLE_FIELDS = frozenset(field.name for field in fields(Example))


@dataclass(frozen=True)
class SplitCounts:
    """What became of the records of one split: read = kept + unused + all that were dropped.

    Args:
        asked: how many examples the parameters ask for; None for all of them.
        read: records looked at.
        kept: examples in the split.
        unused: valid records beyond what was asked.
        dropped: reason -> records.

    Raises:
        InputError: a count is negative or the sum does not hold.
    """

    asked: int | None
    read: int
    kept: int
    unused: int
    dropped: Mapping[str, int]

    def __post_init__(self) -> None:
        object.__setattr__(self, "dropped", MappingProxyType(dict(sorted(self.dropped.items()))))
        if min(self.read, self.kept, self.unused, *self.dropped.values(), self.asked or 0) < 0:
            raise InputError("a count of examples is negative")
        if self.read != self.kept + self.unused + sum(self.dropped.values()):
            raise InputError(f"{self.read} records were read, but the counts of what became of them do not sum to that")

    @property
    def missing(self) -> int:
        """How many examples fewer than asked there are."""
        return max(0, (self.asked or 0) - self.kept)


@dataclass(frozen=True)
class Counts:
    """The counts of a task's three splits."""

    splits: Mapping[str, SplitCounts]

    def __post_init__(self) -> None:
        if tuple(self.splits) != SPLITS:
            raise InputError(f"counts must be given for {', '.join(SPLITS)}, not for {', '.join(self.splits)}")
        object.__setattr__(self, "splits", MappingProxyType(dict(self.splits)))

    def as_json(self) -> dict[str, Any]:
        """The form of counts.json: split -> {asked, read, kept, unused, dropped}."""
        return {
            split: {
                "asked": counts.asked,
                "read": counts.read,
                "kept": counts.kept,
                "unused": counts.unused,
                "dropped": dict(counts.dropped),
            }
            for split, counts in self.splits.items()
        }


def write_task(folder: str | Path, task: Task, splits: Mapping[str, Sequence[Example]], counts: Counts) -> None:
    """Write task.json, train.jsonl, validation.jsonl, test.jsonl and counts.json.

    Raises:
        InputError: a split is absent, does not have the counted size, repeats an id, uses a foreign template, or a
            classification answer is not among the options.
    """
    where = f"task {task.name}"
    if set(splits) != set(SPLITS):
        raise InputError(f"a task has the splits {', '.join(SPLITS)}, not {', '.join(splits)}", where=where)
    for split, examples in splits.items():
        if len(examples) != counts.splits[split].kept:
            raise InputError(f"{split} has {len(examples)} examples, counted {counts.splits[split].kept}", where=where)
        if len({example.id for example in examples}) < len(examples):
            raise InputError(f"{split} repeats an example id", where=where)
        for example in examples:
            if example.instruction not in task.templates:
                raise InputError(f"example {example.id} has a foreign instruction template", where=where)
            if task.options and example.target not in task.options:
                raise InputError(f"example {example.id} has a label outside the options", where=where)
    folder = Path(folder)
    for split in SPLITS:
        write_jsonl(folder / f"{split}.jsonl", (content_of(example) for example in splits[split]))
    write_json(folder / "counts.json", counts.as_json())
    write_json(folder / "task.json", content_of(task))


def content_of(value: Example | Task) -> dict[str, Any]:
    """The form of an example or a task in its file: all fields, of the optional ones those that are not the default."""
    defaults = {field.name: field.default for field in fields(value) if field.name in OPTIONAL}
    return {key: one for key, one in asdict(value).items() if key not in defaults or one != defaults[key]}


def _has_keys(content: Any, known: Set[str]) -> bool:
    return isinstance(content, dict) and known - OPTIONAL <= set(content) <= known


def read_task(folder: str | Path) -> Task:
    """Read task.json.

    Raises:
        InputError: the file is absent or does not describe a task; the message names it.
    """
    path = Path(folder) / "task.json"
    content = read_json(path)
    known = {field.name for field in fields(Task)}
    if not _has_keys(content, known):
        keys = ", ".join(sorted(known - OPTIONAL))
        raise InputError(f"expected an object with exactly the keys {keys}", where=str(path))
    for field in ("templates", "options"):
        if not isinstance(content[field], list):
            raise InputError(f"`{field}` must be a list", where=str(path))
    try:
        return Task(**{**content, "templates": tuple(content["templates"]), "options": tuple(content["options"])})
    except InputError as error:
        raise InputError(error.message, where=str(path), remedy=error.remedy) from None


def read_split(folder: str | Path, split: str, limit: int | None = None) -> list[Example]:
    """Read the examples of one split, the first `limit` of them when given.

    Raises:
        InputError: the split or file is absent, or a line is not an example; the message names file and line.
    """
    if split not in SPLITS:
        raise InputError(f"there is no split {split!r}", remedy=f"Choose among: {', '.join(SPLITS)}")
    path = Path(folder) / f"{split}.jsonl"
    examples: list[Example] = []
    for number, record in enumerate(islice(read_jsonl(path), limit), start=1):
        where = f"{path}:{number}"
        if not _has_keys(record, EXAMPLE_FIELDS) or not isinstance(record.get("others", []), list):
            expected = ", ".join(sorted(EXAMPLE_FIELDS - OPTIONAL))
            raise InputError(f"expected an object with exactly the keys {expected}", where=where)
        try:
            examples.append(Example(**{**record, "others": tuple(record.get("others", ()))}))
        except InputError as error:
            raise InputError(error.message, where=where, remedy=error.remedy) from None
    return examples


def read_counts(folder: str | Path) -> Counts:
    """Read counts.json.

    Raises:
        InputError: the file is absent or malformed; the message names it.
    """
    path = Path(folder) / "counts.json"
    content = read_json(path)
    try:
        return Counts({split: SplitCounts(**content[split]) for split in SPLITS})
    except (InputError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"not the counts of a task ({error})", where=str(path)) from None


def read_task_folder(folder: str | Path) -> tuple[Task, dict[str, list[Example]], Counts]:
    """Read all files of a task: the task, its splits, its counts.

    Raises:
        InputError: a file is absent or broken; the message names it.
    """
    return read_task(folder), {split: read_split(folder, split) for split in SPLITS}, read_counts(folder)
