"""FLAN 2021 from the Hugging Face hub at a pinned revision, or from a local mirror: 66 tasks in 12 clusters.

The repository has a JSON Lines file for each task and split, so that only the chosen tasks are fetched. A mirror may
hold these files or the Parquet tables of the hub's branch refs/convert/parquet, in which the tasks lie one after
another and a column names them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from taskneurons.errors import InputError
from taskneurons.tasks.corpus import text_corpus
from taskneurons.tasks.curation import Record, curate
from taskneurons.tasks.flan_clusters import FLAN_TASKS, REPOSITORY, published_name
from taskneurons.tasks.hub_task import REVISION, check_columns, to_record
from taskneurons.tasks.storage import Counts
from taskneurons.tasks.task import SPLITS, Example, Size, Task, choose_tasks


def names(*, tasks: Iterable[str] | Literal["all"] = "all") -> tuple[str, ...]:
    """The chosen tasks in the asked order, or all of them cluster by cluster.

    Raises:
        InputError: see `choose_tasks`.
    """
    return choose_tasks(tasks, FLAN_TASKS, where="FLAN suite")


def make(
    chosen: Iterable[str],
    *,
    train: Size,
    validation: Size,
    test: Size,
    seed: int,
    max_invalid_percent: float,
    revision: str,
    mirror: str | Path | None = None,
) -> Iterator[tuple[Task, dict[str, list[Example]], Counts]]:
    """Read tasks of FLAN.

    Args:
        chosen: names in the wanted order.
        train: examples of each train split, at most, or "all".
        validation: of each validation split, at most.
        test: of each test split, at most, or "all".
        seed: of the draw of examples.
        max_invalid_percent: share of invalid rows of a split, in percent, above which it is refused.
        revision: commit of the repository, 40 hexadecimal digits; not needed with a mirror.
        mirror: folder of local copies (see the source `hub`); the hub is then not asked at all.

    Yields:
        Task, its splits, and what became of every row.

    Raises:
        InputError: an unknown task, no pinned revision, files that cannot be reached or have other columns.
    """
    sizes: Mapping[str, Size] = dict(zip(SPLITS, (train, validation, test), strict=True))
    asked = names(tasks=chosen)
    if mirror is None and not REVISION.fullmatch(revision):
        raise InputError(
            f"{REPOSITORY} has no pinned revision",
            where="FLAN suite",
            remedy="Give its commit, 40 hexadecimal digits, as `revision`",
        )
    for name in asked:
        records = {split: _records(name, split, revision, mirror) for split in SPLITS}
        splits, counts = curate(
            FLAN_TASKS[name].task,
            records,
            sizes,
            seed=seed,
            max_invalid_percent=max_invalid_percent,
            where=f"{REPOSITORY}, {name}",
        )
        yield FLAN_TASKS[name].task, splits, counts


def corpus(documents: int, examples: Mapping[str, Sequence[Example]], *, seed: int) -> Iterator[dict[str, Any]]:
    """Pre-training text from the training examples of the tasks; see `text_corpus`."""
    return text_corpus(examples, documents, seed)


def _records(name: str, split: str, revision: str, mirror: str | Path | None) -> list[Record]:
    file = f"{split}/{published_name(name)}_{split}.jsonl"
    folder = None if mirror is None else Path(mirror) / REPOSITORY.replace("/", "__")
    files = [file] if folder is None else _files(folder, file, split, _fetch(name, revision, folder))
    table = _load(name, split, files, revision, folder)
    where = f"{REPOSITORY}, {split} of {name}"
    check_columns(FLAN_TASKS[name], table, where)
    if not files[0].endswith(".jsonl"):
        table = _rows_of(name, table, where)
    return [to_record(FLAN_TASKS[name], row, f"{where}, row {number}") for number, row in enumerate(table)]


def _fetch(name: str, revision: str, folder: Path) -> str:
    """The command that fetches one task."""
    pin = f" --revision {revision}" if revision else ""
    return (
        f"hf download {REPOSITORY} --repo-type dataset{pin} --include '*/{published_name(name)}_*' --local-dir {folder}"
    )


def _files(folder: Path, file: str, split: str, fetch: str) -> list[str]:
    """The files of a mirror that hold a split: the task's own, else all Parquet tables of the split."""
    if (folder / file).is_file():
        return [file]
    tables = [
        path.relative_to(folder).as_posix()
        for path in sorted(folder.rglob("*.parquet"))
        # train-00000-of-00002.parquet, or train/0000.parquet, or partial-train/0000.parquet of a long split.
        if split in (path.stem.split("-")[0], path.parent.name.removeprefix("partial-"))
    ]
    if not tables:
        raise InputError(
            f"the mirror has neither {file} nor Parquet tables of {split}",
            where=str(folder),
            remedy=f"Fetch it with `{fetch}`",
        )
    return tables


def _load(name: str, split: str, files: list[str], revision: str, folder: Path | None) -> Any:
    """The rows of some files. Every failure becomes one line that says how to fetch the data."""
    import datasets

    paths = files if folder is None else [str(folder / file) for file in files]
    try:
        if folder is None:
            return datasets.load_dataset(REPOSITORY, data_files={split: paths}, split=split, revision=revision)
        form = "json" if paths[0].endswith(".jsonl") else "parquet"
        return datasets.load_dataset(form, data_files={split: paths}, split=split)
    except Exception as error:
        # The libraries below raise a dozen unrelated types here, from sockets to Arrow; none tells the user what to do.
        raise InputError(
            f"{files[0]} could not be read ({type(error).__name__})",
            where=str(folder or f"{REPOSITORY} at {revision}"),
            remedy=(
                f"Fetch it where there is a network with "
                f"`{_fetch(name, revision, folder or Path('MIRROR') / REPOSITORY.replace('/', '__'))}` "
                "and give the parameter `mirror`"
            ),
        ) from None


def _rows_of(name: str, table: Any, where: str) -> Any:
    """The rows of one task among those of many."""
    import pyarrow.compute as compute

    if "task" not in table.column_names:
        raise InputError("there is no column 'task' to tell the tasks apart", where=where)
    chosen = compute.equal(table.data.column("task"), published_name(name))
    numbers = [number for number, one in enumerate(chosen.to_pylist()) if one]
    if not numbers:
        raise InputError(f"no row has the task {published_name(name)!r}", where=where)
    return table.select(numbers)
