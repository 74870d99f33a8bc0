"""The numbers that Leng & Xiong 2025 print, read from `published/leng2025/` with checks."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Annotated, TypeVar

from taskneurons.errors import InputError
from taskneurons.evidence.tasks import MEANS, DescribedTask
from taskneurons.measures.crossed import Coefficient
from taskneurons.table import Column, Table

Row = TypeVar("Row")
Percent = Annotated[float, Column(unit="%", low=0, high=100, measured=True)]


@dataclass(frozen=True)
class PaperScore:
    """A value of Tables 1, 2, 6 or 7.

    Attributes:
        model: the paper's model.
        condition: what was done to its neurons.
        task: a task, or the average over a kind.
        task_type: classification or generation.
        metric: accuracy or rougeL.
        value: the printed score.
    """

    model: str
    condition: str
    task: str
    task_type: str
    metric: str
    value: Percent


@dataclass(frozen=True)
class PaperCorrelation:
    """A value of Table 4.

    Attributes:
        test_task: the tested task.
        coefficient: pearson or spearman.
        r: correlation of the similarity of parameters with the score.
        p_value: as printed.
    """

    test_task: str
    coefficient: Coefficient
    r: Annotated[float, Column(low=-1, high=1, measured=True)]
    p_value: Annotated[float, Column(low=0, high=1, measured=True)]


@dataclass(frozen=True)
class PaperStream:
    """A value of Table 5.

    Attributes:
        method: of continual learning.
        order: of the tasks, or avg.
        value: mean accuracy after the last task.
    """

    method: str
    order: str
    value: Percent


@dataclass(frozen=True)
class PaperOverlap:
    """A value of Table 8.

    Attributes:
        train_test: the kinds of the training and of the test tasks.
        percent: share of the neurons that is selected.
        overlap: of the two sets.
    """

    train_test: str
    percent: str
    overlap: Percent


@dataclass(frozen=True)
class PaperControlled:
    """A value of Tables 9 to 11.

    Attributes:
        overlap_percent: that was set.
        trained_percent: share of the neurons that is trained.
        value: score of the test task.
    """

    overlap_percent: str
    trained_percent: str
    value: Percent


@dataclass(frozen=True)
class PaperOrder:
    """A row of Table 14.

    Attributes:
        order: its number.
        benchmark: standard or large.
        tasks: in their order, separated by spaces.
    """

    order: str
    benchmark: str
    tasks: str


SCORES, CORRELATIONS, STREAMS = Table(PaperScore), Table(PaperCorrelation), Table(PaperStream)
OVERLAPS, CONTROLLED, ORDERS = Table(PaperOverlap), Table(PaperControlled), Table(PaperOrder)
FILES = {
    "T1": "table1_deactivation_llama2_7b",
    "T2": "table2_neuron_tuning_llama2_7b",
    "T4": "table4_similarity_correlation",
    "T5": "table5_continual_learning",
    "T6": "table6_deactivation_bloom_7b1",
    "T7": "table7_neuron_tuning_bloom_7b1",
    "T8": "table8_overlap",
    "T9": "table9_controlled_overlap_cls_cls",
    "T10": "table10_controlled_overlap_gen_gen",
    "T11": "table11_controlled_overlap_gen_cls",
    "T14": "table14_task_orders",
}
"""The file of each table below `published/leng2025/`, without its ending."""


def read_table(table: Table[Row], path: str | Path) -> list[Row]:
    """The rows of one published table.

    Raises:
        InputError: as `Table.read`; a value that stands there twice or has an empty name; no values.
    """
    rows = table.gather([path])
    if not rows:
        raise InputError("holds no values", where=str(path))
    for line, row in enumerate(rows, start=2):
        if "" in astuple(row):  # type: ignore[call-overload]
            raise InputError("a cell that names the value is empty", where=f"{path}:{line}")
    return rows


def printed_task(name: str, source: str, printed: Iterable[PaperScore]) -> str | None:
    """The task of the paper that one of ours is, or mirrors: None when there is none.

    It is the one with our task's name, else the one that its source names (`mirrors SST-2`, `stanfordnlp/sst2`), both
    without regard to case and punctuation.

    Args:
        name, source: of our task.
        printed: the values of a table over all of the paper's tasks.
    """
    return printed_name(name, source, [row.task for row in printed if not row.task.startswith("mean_")])


def printed_name(name: str, source: str, names: Iterable[str]) -> str | None:
    """As `printed_task`, among some names."""
    theirs = {_plain(one): one for one in names}
    if _plain(name) in theirs:
        return theirs[_plain(name)]
    # Longest first, so that a name inside another one does not win.
    named = [plain for plain in sorted(theirs, key=len, reverse=True) if plain in _plain(source)]
    return theirs[named[0]] if named else None


def mirrored(tasks: Sequence[DescribedTask], printed: Sequence[PaperScore]) -> dict[tuple[str, str], str | None]:
    """(suite, task) -> the paper's task that it is or mirrors, None where there is none.

    The average of a kind has an entry where our tasks of the suite stand for exactly the paper's.

    Args:
        tasks: of every suite.
        printed: the values of a table over all of the paper's tasks.
    """
    mirrors = {(task.suite, task.name): printed_task(task.name, task.source, printed) for task in tasks}
    for kind, mean in MEANS.items():
        paper = sorted({row.task for row in printed if row.task_type == kind and row.task != mean})
        for suite in {task.suite for task in tasks}:
            ours = sorted(str(mirrors[suite, task.name]) for task in tasks if (task.suite, task.kind) == (suite, kind))
            if ours == paper:
                mirrors[suite, mean] = mean
    return mirrors


def printed_rows(table: Table[Row], paths: Iterable[Path], name: str) -> list[Row]:
    """The rows of a published table, such as `T1`, whose file is among some files.

    Raises:
        InputError: its file is not among them, or as `read_table`.
    """
    return read_table(table, table_of(paths, name))


def table_of(paths: Iterable[Path], name: str) -> Path:
    """The file of a table, such as `T1`, among some files.

    Raises:
        InputError: it is not among them.
    """
    for path in paths:
        if path.stem == FILES[name]:
            return path
    raise InputError(f"the published table {name} is not among the inputs", where=FILES[name])


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
