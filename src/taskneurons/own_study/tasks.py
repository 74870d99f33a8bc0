"""The tasks of a new study: a folder, a file of one task, or known data sets of the hub."""

import csv
import difflib
import io
import json
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from taskneurons.errors import InputError
from taskneurons.own_study.sizes import Sizes
from taskneurons.params.suites import HubSuite, JsonlSuite
from taskneurons.tasks.file_forms import COLUMNS, FORMS, Columns, opened
from taskneurons.tasks.one_file import OneFile, write_task_of
from taskneurons.tasks.source import source_named
from taskneurons.tasks.storage import Counts
from taskneurons.tasks.task import Example, Task
from taskneurons.workflow.hub import current_commit
from taskneurons.workflow.raw import task_inputs
from taskneurons.workflow.sources import suite_arguments

Splits = Mapping[str, Sequence[Example]]
TASKS = "tasks"
# Names of columns in one message, at most.
_SHOWN = 20
_TASKS = "Name a folder with tasks.json, a file of one task with --instruction, or known data sets of the hub"


@dataclass(frozen=True)
class Tasks:
    """Tasks that were read.

    Attributes:
        entry: their keys below `suites`.
        tasks: each with its splits.
        files: that are copied; none for tasks of the hub.
        counts: what became of the records of each task, by its name.
    """

    entry: Mapping[str, Any]
    tasks: tuple[tuple[Task, Splits], ...]
    files: tuple[Path, ...] = ()
    counts: Mapping[str, Counts] = field(default_factory=dict)


def find_tasks(text: str, sizes: Sizes) -> Tasks:
    """Read the tasks that a text names.

    Raises:
        InputError: there are none, or they cannot be used: files, labels, examples.
    """
    if not text.strip():
        raise InputError("no tasks are named", where="--tasks", remedy=_TASKS)
    folder = Path(text)
    local = folder.is_dir()
    if local and not (folder / "tasks.json").exists():
        raise InputError("the folder has no tasks.json", where=text, remedy=_TASKS)
    entry: dict[str, Any] = {"source": "jsonl", "path": TASKS, "tasks": "all"} if local else _hub_tasks(text)
    entry |= {"train": sizes.train, "validation": sizes.validation, "test": sizes.test, "seed": 0}
    # A model as it is was not taught which answers there are.
    entry |= {"max_invalid_percent": 5.0, "corpus": None} | ({"list_options": "always"} if local else {})
    kind = JsonlSuite if local else HubSuite
    suite: JsonlSuite | HubSuite = kind.model_validate_json(json.dumps(entry))
    if local:
        # The study reads its copy, so that the folder itself may lie where no path of a study may lead.
        suite = suite.model_copy(update={"path": str(folder)})
    source = source_named(suite.source)
    names = source.names(**suite_arguments(suite, source.names))
    made = tuple(source.make(names, **suite_arguments(suite, source.make)))
    files = tuple(map(Path, task_inputs(suite, names)))
    counts = {task.name: one for task, _, one in made}
    return Tasks(entry, tuple((task, splits) for task, splits, _ in made), files, counts)


def _hub_tasks(text: str) -> dict[str, Any]:
    """The keys of a suite of known data sets, each at its newest commit."""
    from taskneurons.tasks.sources.hub import hub_tasks

    known = hub_tasks()
    names = [one.strip() for one in text.split(",")]
    by_repository = {one.repository: name for name, one in known.items()}
    names = [by_repository.get(name, name) for name in names]
    if unknown := [name for name in names if name not in known]:
        raise InputError(
            f"neither a folder nor a known data set of the hub: {', '.join(unknown)}",
            where="--tasks",
            remedy=f"Name a folder with tasks.json, or some of {', '.join(known)}",
        )
    revisions = {name: current_commit("dataset", known[name].repository) for name in names}
    return {"source": "hub", "tasks": names, "mirror": None, "revisions": revisions}


@contextmanager
def as_folder(text: str, columns: Columns, instruction: str | None) -> Iterator[tuple[str, tuple[str, ...]]]:
    """A folder of tasks for the time of the block where a text names a file, else the text; and what is to be said.

    Raises:
        InputError: as `write_task_of`; there is no such file; or what is said of a file is said of something else.
    """
    file = Path(text)
    if not file.is_file():
        if text.endswith(FORMS) and not file.is_dir():
            beside = [one.name for one in file.parent.iterdir()] if file.parent.is_dir() else []
            near = difflib.get_close_matches(file.name, beside, n=1)
            raise InputError("no such file", where=text, remedy=f"Did you mean {near[0]!r}?" if near else None)
        if instruction is not None or columns != COLUMNS:
            raise InputError(
                "--columns and --instruction are for a task of one file",
                where=text,
                remedy="A folder has them in tasks.json",
            )
        yield text, ()
        return
    with tempfile.TemporaryDirectory() as folder:
        made = _written(file, Path(folder), instruction, columns)
        read = () if made.labels else (f"{file}: read as a text to write: {made.answers} different answers",)
        try:
            yield folder, read
        except InputError as error:
            where = _of_file(error.where or str(file), file, folder, made)
            remedy = _of_file(error.remedy, file, folder, made) if error.remedy else None
            raise InputError(_of_file(error.message, file, folder, made), where=where, remedy=remedy) from None


def _written(file: Path, folder: Path, instruction: str | None, columns: Columns) -> OneFile:
    """What `write_task_of` makes of a file.

    Raises:
        InputError: as there; a missing column is asked for by the option, for who gives one file has no tasks.json.
    """
    try:
        return write_task_of(file, folder, instruction, columns)
    except InputError as error:
        for key in columns:
            if error.message == f"`{key}` is missing":
                there = _shown(_columns_at(file, error.where or ""), key)
                error.remedy = f"Name input and target with --columns, or rename them in the file; there are {there}"
        raise


def _columns_at(file: Path, where: str) -> list[str]:
    """The columns of a table, or the fields of a line of JSON Lines, in a file that was read until there.

    Args:
        file: in one of `FORMS`.
        where: of JSON Lines, file:line.
    """
    with opened(file) as stream:
        if file.suffix == ".parquet":
            # Only users of such a file pay for the import.
            from pyarrow import parquet

            return list(parquet.ParquetFile(stream).schema_arrow.names)
        if file.name.endswith((".csv", ".csv.gz")):
            return next(csv.reader(io.TextIOWrapper(stream, "utf-8", newline="")))
        number = int(where.rpartition(":")[2])
        return list(json.loads(next(islice(stream, number - 1, None))))


def _shown(names: Sequence[str], wanted: str) -> str:
    """Names in words; of many, those that are most like the wanted one. A table without a header has long ones."""
    short = [name[:60] for name in names]
    most = short if len(short) <= _SHOWN else difflib.get_close_matches(wanted, short, n=_SHOWN, cutoff=0.0)
    more = f" and {len(short) - len(most)} more" if len(short) > len(most) else ""
    return (", ".join(map(repr, most)) or "none") + more


def _of_file(text: str, file: Path, folder: str, made: OneFile) -> str:
    """A message about what was made of a file, as one about the file."""
    text = re.sub(
        rf"{re.escape(folder)}/([\w.]+:\d+)", lambda found: made.places.get(found[1], f"{file}: {found[1]}"), text
    )
    written = rf"(?:/{re.escape(made.name)}(?:\.\w+\.jsonl)?(?![\w.])|/tasks\.json)?"
    return re.sub(re.escape(folder) + written, lambda _: str(file), text)
