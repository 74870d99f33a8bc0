"""Parameters of task suites: where examples come from and how many are used."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from taskneurons.params.folders import FolderPath
from taskneurons.params.section import Inconsistency, Named, Revision, Section, Slug, described, repeated

ListOptions = Literal["never", "sometimes", "always"]


class SyntheticSuite(Section):
    """Generated tasks: twelve in six families of two, or thirty in twelve families of two or three."""

    source: Literal["synthetic"] = described("where the examples come from", "-")
    tasks: Literal["twelve", "wide"] = described(
        "`twelve`: two tasks of each family, for the neuron studies; `wide`: clusters of two or three, for the layers",
        "-",
    )
    train: PositiveInt = described("training examples of each task", "examples")
    validation: PositiveInt = described("validation examples of each task", "examples")
    test: PositiveInt = described("test examples of each task", "examples")
    seed: int = described("seed of the generator", "-", ge=0, lt=2**31)
    corpus: PositiveInt = described("documents of the pre-training text", "documents")


class JsonlSuite(Section):
    """Tasks from a folder of JSON Lines, CSV or Parquet files that a `tasks.json` describes."""

    source: Literal["jsonl"] = described("where the examples come from", "-")
    path: FolderPath = described(
        "folder with `tasks.json` and, for each task, `<task>.train.jsonl` and `<task>.test.jsonl` (or "
        ".csv, .parquet, .gz)",
        "-",
    )
    tasks: Literal["all"] | tuple[Slug, ...] = described("names of the tasks to use, or all of the folder", "-")
    train: PositiveInt = described("training examples of each task, at most", "examples")
    validation: PositiveInt = described("validation examples of each task, taken from its training file", "examples")
    test: Literal["all"] | PositiveInt = described("test examples of each task, at most", "examples")
    seed: int = described("seed of the draw of examples", "-", ge=0, lt=2**31)
    max_invalid_percent: float = described(
        "share of invalid examples (label outside the options, empty text) above which a task is refused",
        "% of the examples",
        ge=0,
        le=100,
    )
    list_options: ListOptions = described(
        "whether the form of prompts that lists the options of a classification is never taken, is one of four, or is "
        "the only one; an instruction with `{input}` is taken as it stands",
        "-",
    )
    corpus: PositiveInt | None = described(
        "documents of the pre-training text, drawn from the training splits; null: none, so no model from scratch",
        "documents",
    )

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """The task list names each task once."""
        if self.tasks != "all":
            yield from task_list(self.tasks)


class HubSuite(Section):
    """Public data sets of the Hugging Face hub, each at a pinned revision."""

    source: Literal["hub"] = described("where the examples come from", "-")
    tasks: tuple[Slug, ...] = described("names of the tasks to use", "-")
    train: PositiveInt = described("training examples of each task, at most", "examples")
    validation: PositiveInt = described("validation examples of each task, at most", "examples")
    test: Literal["all"] | PositiveInt = described("test examples of each task, at most", "examples")
    seed: int = described("seed of the draw of examples", "-", ge=0, lt=2**31)
    max_invalid_percent: float = described(
        "share of invalid examples above which a task is refused", "% of the examples", ge=0, le=100
    )
    mirror: FolderPath | None = described(
        "folder with local copies of the data sets (<owner>__<name>/...); null: ask the hub", "-"
    )
    revisions: Named[Revision] = described(
        "commit of each task's data set, 40 hexadecimal digits; `pin-me` until `taskneurons pin` writes it", "-"
    )
    corpus: PositiveInt | None = described(
        "documents of the pre-training text, drawn from the training splits; null: none, so no model from scratch",
        "documents",
    )

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """Every task is pinned, and nothing else."""
        yield from task_list(self.tasks)
        for index, task in enumerate(self.tasks):
            if task not in self.revisions:
                yield Inconsistency(("tasks", index), f"task `{task}` has no revision", f"Add `{task}` to revisions")
        for task in self.revisions:
            if task not in self.tasks:
                yield Inconsistency(("revisions", task), f"a revision for `{task}`, which is not among the tasks")


class FlanSuite(Section):
    """FLAN 2021, 66 tasks in 12 clusters with 10 templates each, from one repository of the hub."""

    source: Literal["flan"] = described("where the examples come from", "-")
    tasks: Literal["all"] | tuple[Slug, ...] = described("names of the tasks to use, or all of them", "-")
    train: PositiveInt = described("training examples of each task, at most", "examples")
    validation: PositiveInt = described("validation examples of each task, at most", "examples")
    test: Literal["all"] | PositiveInt = described("test examples of each task, at most", "examples")
    seed: int = described("seed of the draw of examples", "-", ge=0, lt=2**31)
    max_invalid_percent: float = described(
        "share of invalid examples above which a task is refused", "% of the examples", ge=0, le=100
    )
    mirror: FolderPath | None = described("folder with a local copy (Muennighoff__flan/...); null: ask the hub", "-")
    revision: Revision = described(
        "commit of Muennighoff/flan, 40 hexadecimal digits; `pin-me` until `taskneurons pin` writes it", "-"
    )
    corpus: PositiveInt | None = described(
        "documents of the pre-training text, drawn from the training splits; null: none, so no model from scratch",
        "documents",
    )

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """The task list names each task once."""
        if self.tasks != "all":
            yield from task_list(self.tasks)


class DialSuite(Section):
    """Generated tasks, two for each place of a ring of latent skills, of which every pair shares a known number."""

    source: Literal["dial"] = described("where the examples come from", "-")
    skills: int = described("latent skills on the ring; there are twice as many tasks", "skills", ge=2, le=6)
    asked: PositiveInt = described("skills that each task asks: the highest setting of the dial", "skills")
    train: PositiveInt = described("training examples of each task", "examples")
    validation: PositiveInt = described("validation examples of each task", "examples")
    test: PositiveInt = described("test examples of each task", "examples")
    seed: int = described("seed of the generator", "-", ge=0, lt=2**31)
    corpus: PositiveInt = described("documents of the pre-training text", "documents")

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """Some tasks share no skill."""
        if 2 * self.asked > self.skills:
            yield Inconsistency(
                ("asked",),
                f"any two tasks that ask {self.asked} of {self.skills} skills share some",
                f"Ask at most {self.skills // 2}",
            )


class StreamSuite(Section):
    """Generated classification tasks for learning one after another, after the eight of the benchmark of the paper."""

    source: Literal["stream"] = described("where the examples come from", "-")
    tasks: Literal["all"] | tuple[Slug, ...] = described("names of the tasks to use, or all eight", "-")
    train: PositiveInt = described("training examples of each task", "examples")
    validation: PositiveInt = described("validation examples of each task", "examples")
    test: PositiveInt = described("test examples of each task", "examples")
    seed: int = described("seed of the generator", "-", ge=0, lt=2**31)
    corpus: PositiveInt = described("documents of the pre-training text", "documents")

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """The task list names each task once."""
        if self.tasks != "all":
            yield from task_list(self.tasks)


class TransferSuite(Section):
    """Generated tasks of six families in two domains, which a base of few pre-training steps learns in part."""

    source: Literal["transfer"] = described("where the examples come from", "-")
    tasks: Literal["all"] | tuple[Slug, ...] = described("names of the tasks to use, or all twelve", "-")
    train: PositiveInt = described("training examples of each task", "examples")
    validation: PositiveInt = described("validation examples of each task", "examples")
    test: PositiveInt = described("test examples of each task", "examples")
    seed: int = described("seed of the generator", "-", ge=0, lt=2**31)
    corpus: PositiveInt = described("documents of the pre-training text", "documents")

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """The task list names each task once."""
        if self.tasks != "all":
            yield from task_list(self.tasks)


class PlantSuite(Section):
    """Generated tasks in families of two: each asks a skill that all ask, one of its family and one of its own."""

    source: Literal["plant"] = described("where the examples come from", "-")
    families: int = described("families of two tasks", "families", ge=2, le=3)
    train: PositiveInt = described("training examples of each task", "examples")
    validation: PositiveInt = described("validation examples of each task", "examples")
    test: PositiveInt = described("test examples of each task", "examples")
    seed: int = described("seed of the generator", "-", ge=0, lt=2**31)
    corpus: PositiveInt = described("documents of the pre-training text", "documents")


def task_list(tasks: tuple[str, ...]) -> Iterator[Inconsistency]:
    """A list of tasks is not empty and repeats nothing."""
    if not tasks:
        yield Inconsistency(("tasks",), "no task is named", "Name at least one task")
    yield from repeated(tasks, "tasks")


Suite = Annotated[
    SyntheticSuite | JsonlSuite | HubSuite | FlanSuite | DialSuite | StreamSuite | TransferSuite | PlantSuite,
    Field(discriminator="source"),
]
