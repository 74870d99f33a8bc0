"""Tasks from public data sets of the Hugging Face hub, each at a pinned revision, or from a local mirror of them.

No code of a data set is ever run: only its tables (Parquet, JSON, CSV) are read. A mirror is a folder with one
sub-folder a data set, `<owner>__<name>`, as `hf download <owner>/<name> --repo-type dataset --local-dir ...` makes it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from taskneurons.errors import InputError
from taskneurons.tasks.corpus import text_corpus
from taskneurons.tasks.curation import Record, curate
from taskneurons.tasks.hub_task import REVISION, HubTask, check_columns, read_hub_tasks, to_record
from taskneurons.tasks.storage import Counts
from taskneurons.tasks.task import SPLITS, Example, Size, Task, choose_tasks

# Of a large data set only so many rows are looked at: enough for what is asked and all that may be dropped from it.
ROWS_PER_ASKED, SPARE_ROWS = 2, 1000


@cache
def hub_tasks() -> Mapping[str, HubTask]:
    """The known data sets by the name of their task, as hub.toml beside this module describes them."""
    return read_hub_tasks(Path(__file__).with_name("hub.toml"))


def names(*, tasks: Iterable[str]) -> tuple[str, ...]:
    """The chosen tasks in the asked order.

    Raises:
        InputError: see `choose_tasks`.
    """
    return choose_tasks(tasks, hub_tasks(), where="hub suite")


def make(
    chosen: Iterable[str],
    *,
    train: Size,
    validation: Size,
    test: Size,
    seed: int,
    max_invalid_percent: float,
    revisions: Mapping[str, str],
    mirror: str | Path | None = None,
) -> Iterator[tuple[Task, dict[str, list[Example]], Counts]]:
    """Read tasks from the hub.

    Args:
        chosen: names in the wanted order.
        train: examples of each train split, at most, or "all".
        validation: of each validation split, at most; cut from train where the data set has none to spare.
        test: of each test split, at most, or "all".
        seed: of the draw of rows and examples.
        max_invalid_percent: share of invalid rows of a split, in percent, above which it is refused.
        revisions: task -> commit of its data set, 40 hexadecimal digits; not needed with a mirror.
        mirror: folder of local copies; the hub is then not asked at all.

    Yields:
        Task, its splits, and what became of every row that was looked at.

    Raises:
        InputError: an unknown task, no pinned revision, a data set that cannot be reached or has other columns.
    """
    sizes: dict[str, Size] = dict(zip(SPLITS, (train, validation, test), strict=True))
    known, asked = hub_tasks(), names(tasks=chosen)
    if mirror is None:
        for name in asked:
            if not REVISION.fullmatch(revisions.get(name, "")):
                raise InputError(
                    f"task {name} has no pinned revision",
                    where="hub suite",
                    remedy=f"Give the commit of {known[name].repository}, 40 hexadecimal digits, in `revisions`",
                )
    for name in asked:
        hub_task = known[name]
        records = {
            split: _records(hub_task, split, _asked_rows(hub_task, split, sizes), seed, revisions.get(name), mirror)
            for split in SPLITS
            if split in hub_task.splits
        }
        splits, counts = curate(
            hub_task.task,
            records,
            sizes,
            seed=seed,
            max_invalid_percent=max_invalid_percent,
            where=hub_task.repository,
        )
        yield hub_task.task, splits, counts


def corpus(documents: int, examples: Mapping[str, Sequence[Example]], *, seed: int) -> Iterator[dict[str, Any]]:
    """Pre-training text from the training examples of the tasks; see `text_corpus`."""
    return text_corpus(examples, documents, seed)


def _asked_rows(hub_task: HubTask, split: str, sizes: Mapping[str, Size]) -> int | None:
    """How many rows to look at; None for all. Train also provides the splits that the data set does not have."""
    asked = [sizes[split]]
    if split == "train":
        asked += [sizes[other] for other in SPLITS if other not in hub_task.splits]
    numbers = [size for size in asked if size != "all"]
    if len(numbers) < len(asked):
        return None
    # A held-out split is cut from at most a fifth of train, so there must be five times as many rows.
    cuts = 5 * sum(numbers[1:])
    return ROWS_PER_ASKED * (numbers[0] + cuts) + SPARE_ROWS


def _records(
    hub_task: HubTask, split: str, rows: int | None, seed: int, revision: str | None, mirror: str | Path | None
) -> list[Record]:
    hub_split = hub_task.splits[split]
    table = _load(hub_task, hub_split, revision, mirror)
    where = f"{hub_task.repository}, {hub_split}"
    check_columns(hub_task, table, where)
    if rows is not None and rows < len(table):
        chosen = sorted(Random(f"{seed}/{hub_task.task.name}/{hub_split}").sample(range(len(table)), rows))
        table = table.select(chosen)
    else:
        chosen = list(range(len(table)))
    return [to_record(hub_task, row, f"{where}, row {number}") for number, row in zip(chosen, table, strict=True)]


def _load(hub_task: HubTask, hub_split: str, revision: str | None, mirror: str | Path | None) -> Any:
    """The table of one split. Every failure becomes one line that says how to fetch the data."""
    import datasets

    repository = hub_task.repository
    folder = None if mirror is None else Path(mirror) / repository.replace("/", "__")
    local = folder or Path("MIRROR") / repository.replace("/", "__")
    pin = f" --revision {revision}" if revision else ""
    fetch = f"hf download {repository} --repo-type dataset{pin} --local-dir {local}"
    if folder is not None:
        if not folder.is_dir():
            raise InputError("the mirror has no such folder", where=str(folder), remedy=f"Fetch it with `{fetch}`")
        if scripts := sorted(folder.glob("*.py")):
            raise InputError(
                "the data set is a loading script, and no code of a data set is run",
                where=str(scripts[0]),
                remedy="Take the repository's revision with Parquet files (branch refs/convert/parquet)",
            )
    try:
        return datasets.load_dataset(
            str(folder or repository),
            name=hub_task.config,
            split=hub_split,
            revision=None if folder is not None else revision,
        )
    except Exception as error:
        # The libraries below raise a dozen unrelated types here, from sockets to Arrow; none tells the user what to do.
        gated = "gated" in str(error).lower() or "401" in str(error)
        reason = "it is gated or private" if gated else type(error).__name__
        raise InputError(
            f"split {hub_split!r} of the data set could not be read ({reason})",
            where=str(folder or f"{repository} at {revision}"),
            remedy=(
                f"Fetch it where there is a network with `{fetch}` (a gated one needs the environment variable "
                "HF_TOKEN) and give the parameter `mirror`"
            ),
        ) from None
