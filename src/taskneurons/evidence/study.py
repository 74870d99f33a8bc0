"""What a study says of itself: words for the report and the README, and what else the report is to show of it.

A study is one constant `STUDY` in `studies/<study>/study.py`. It holds no results and imports nothing heavy, so that
the list of all studies costs nothing. No job but that of the report reads it: a caption makes no table and no figure
again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Literal

from taskneurons.errors import InputError
from taskneurons.evidence import words

LENG = "Leng & Xiong 2025"
ZHAO = "Zhao, Ziser & Cohen 2024"

Role = Literal["verdicts", "scores", "tasks", "cards", "effects"]
"""What the report reads a study's files as, beside its tables and figures.

- verdicts: `results/claims.json`, the claims with their verdicts; they have a section of their own.
- scores: neuron scores, for the atlas.
- tasks: descriptions of tasks, beside their test examples.
- cards: data cards.
- effects: a table of what switching whole sets off does, for the cards of neurons.
"""


@dataclass(frozen=True)
class Filter:
    """One choice above a chart.

    Attributes:
        label: in words.
        columns: whose values, as words and joined, are what a reader chooses among; of `either`, the first that is not
            empty.
        first: the value, as the table has it, that is chosen at first.
        together: values that are one to the reader.
        either: whether one column stands for the others where it is empty.
    """

    label: str
    columns: tuple[str, ...]
    first: str = ""
    together: tuple[str, ...] = ()
    either: bool = False


@dataclass(frozen=True)
class Dots:
    """A chart of one value for each task and condition, with its interval.

    Attributes:
        table: stem of the table; its column `task` gives the lines, `condition` the colours.
        title, caption: in words.
        value, low, high: columns of a value and its interval.
        axis: what the value is, with its unit.
        legend: what the conditions are.
        conditions: those that are drawn, in order.
        filters: choices above the chart.
    """

    table: str
    title: str
    caption: str
    value: str
    low: str
    high: str
    axis: str
    legend: str
    conditions: tuple[str, ...]
    filters: tuple[Filter, ...]


@dataclass(frozen=True)
class Matrix:
    """A chart of tasks against tasks: what a value loses against a reference in the same run, seed, task and metric.

    Attributes:
        table: stem of the table, of tidy rows: `seed`, `condition`, `train_task`, `test_task`, `metric`, `value`.
        title, caption: in words.
        rows, columns: what `train_task` and `test_task` are.
        legend: what the colour is.
        conditions: those that are drawn.
        reference: the condition that others are compared with.
        filters: choices above the chart.
    """

    table: str
    title: str
    caption: str
    rows: str
    columns: str
    legend: str
    conditions: tuple[str, ...]
    reference: str
    filters: tuple[Filter, ...]


@dataclass(frozen=True)
class Lines:
    """A chart of values by layer.

    Attributes:
        table: stem of the table, with a column `layer`; rows whose layer is no number are left out.
        title, caption: in words.
        lines: (column, what it is), the foremost first.
        axis: what the values are.
        filters: choices above the chart.
    """

    table: str
    title: str
    caption: str
    lines: tuple[tuple[str, str], ...]
    axis: str
    filters: tuple[Filter, ...]


@dataclass(frozen=True)
class Beside:
    """A table of ours that is shown beside the printed values, by task and condition.

    Attributes:
        table: stem; columns `table`, `suite`, `model`, `condition`, `task`, `metric`, `published`, `value`, and those
            that tell settings apart.
        conditions: from left to right; the first is the model that no setting changes.
        setting: columns that tell settings apart.
        where: (column, value) of the rows that are shown under a changed model.
    """

    table: str
    conditions: tuple[str, ...]
    setting: tuple[str, ...] = ("estimator", "percent", "selection")
    where: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Study:
    """One study.

    Attributes:
        name: of its room, of `rules/<name>.smk`, `results/tables/<name>*.csv` and `results/figures/<name>/`.
        title: its heading.
        question: what it asks, in half a sentence for a table of studies.
        asks: one paragraph: what is asked, and how it is answered.
        paper: the paper that asks this with the tables and figures concerned; empty where none does.
        page: its page below `docs/`; empty where it has none.
        figures: (pattern of the file's stem, caption); the first pattern that fits counts.
        tables: (stem, heading) in the order in which they are shown.
        published: (file below `published/`, what the paper prints there).
        beside: the table that is shown beside printed values.
        charts: drawn in the report.
        words: (column, value, what readers are told), for what `evidence.words` does not know or tells otherwise.
        files: (what the report reads it as, pattern of the paths), for what is neither table nor figure.

    Raises:
        InputError: the name is no identifier, or a title, a question or a paragraph is empty.
    """

    name: str
    title: str
    question: str
    asks: str
    paper: str = ""
    page: str = ""
    figures: tuple[tuple[str, str], ...] = ()
    tables: tuple[tuple[str, str], ...] = ()
    published: tuple[tuple[str, str], ...] = ()
    beside: Beside | None = None
    charts: tuple[Dots | Matrix | Lines, ...] = ()
    words: tuple[tuple[str, str, str], ...] = ()
    files: tuple[tuple[Role, str], ...] = ()

    def __post_init__(self) -> None:
        if not self.name.isidentifier() or not (self.title and self.question and self.asks):
            raise InputError(f"a study needs a name, a title, a question and a paragraph, not {self.name!r}")

    def caption(self, stem: str) -> str:
        """The caption of the figure with this stem; empty where no pattern fits."""
        return next((caption for pattern, caption in self.figures if fnmatch(stem, pattern)), "")

    def heading(self, stem: str) -> str:
        """The heading of the table with this stem; its name in words where there is none."""
        return dict(self.tables).get(stem, stem.replace("_", " ").capitalize())

    def say(self, name: str, column: str = "") -> str:
        """What readers are told that a name means: the study's own words for it, else those of `evidence.words`."""
        own = {(known, value): said for known, value, said in self.words}
        return own.get((column, name)) or words.of(name, column)

    def reads(self, path: str | Path, role: Role) -> bool:
        """Whether a file of this path is what the report reads in this role."""
        return any(PurePosixPath(path).match(pattern) for known, pattern in self.files if known == role)


def study_of(path: str | Path, studies: Iterable[Study]) -> str:
    """The name of the study that an artifact belongs to by its path.

    That is: of a table, the study that lists it, else the one with the longest name that its stem begins with; of
    another file, the study that names it in `files`, else the folder below `results/` or `results/figures/`.
    """
    known, place = tuple(studies), PurePosixPath(path)
    parts = place.parts
    if parts[:2] == ("results", "tables"):
        listed = [study.name for study in known if place.stem in dict(study.tables)]
        begun = [study.name for study in known if f"{place.stem}_".startswith(f"{study.name}_")]
        return listed[0] if listed else max(begun, key=len, default=place.stem.partition("_")[0])
    for study in known:
        if any(place.match(pattern) for _, pattern in study.files):
            return study.name
    if parts[:2] == ("results", "figures") and len(parts) > 3:
        return parts[2]
    return parts[1] if len(parts) > 2 else place.stem
