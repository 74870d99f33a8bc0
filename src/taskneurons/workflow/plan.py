"""What the parameters ask for: runs, seeds, tasks, and the groups of tasks that one job does together.

A run is a model on a suite. Paths name it `<suite>/<model>`, which rules match as the one wildcard `{run}`, so that no
rule fits a model on a suite that no run has.
"""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from string import Formatter
from typing import Any, Literal, TypeVar

from taskneurons.errors import InputError
from taskneurons.params.models import Model, ScratchModel
from taskneurons.params.root import Params
from taskneurons.params.selection import Selection
from taskneurons.params.suites import Suite
from taskneurons.tasks.source import source_named
from taskneurons.workflow.sources import suite_arguments

Seeds = Literal["all", "first", "further"]
Section = TypeVar("Section")
Wildcards = Any
"""Snakemake's wildcards of a job; an attribute for each."""


@dataclass(frozen=True)
class Run:
    """A model on a suite.

    Attributes:
        suite, model: names below `suites` and `models` of the parameters.
        seeds: of initialisation, data order and random controls.
        studies: that are made of it.
    """

    suite: str
    model: str
    seeds: tuple[int, ...]
    studies: tuple[str, ...]

    @property
    def name(self) -> str:
        """The run in paths."""
        return f"{self.suite}/{self.model}"

    def some(self, seeds: Seeds) -> tuple[int, ...]:
        """All seeds, the first, or the further ones."""
        return {"all": self.seeds, "first": self.seeds[:1], "further": self.seeds[1:]}[seeds]


@dataclass(frozen=True)
class Batch:
    """Tasks of a suite that one job does together.

    Attributes:
        suite: their suite.
        name: of the batch, a part of a rule's name.
        tasks: names.
    """

    suite: str
    name: str
    tasks: tuple[str, ...]


class Plan:
    """The parameters as rules ask them.

    Args:
        params: the validated parameters.
    """

    NOTHING = "(?!)"
    """The constraint of `{run}` in a rule that no run needs."""

    def __init__(self, params: Params) -> None:
        self.params = params
        self._tasks: dict[str, tuple[str, ...]] = {}

    @cached_property
    def all_runs(self) -> tuple[Run, ...]:
        """Every run, in the order of the parameters."""
        return tuple(Run(run.suite, run.model, run.seeds, run.studies) for run in self.params.runs)

    @cached_property
    def tuned(self) -> bool:
        """Whether the models that are studied were tuned on all tasks of their suite; else they are the bases."""
        return self.params.multitask is not None

    def runs(self, *studies: str) -> list[Run]:
        """The runs that name one of the studies; none given: all, since each has tasks and a base."""
        return [run for run in self.all_runs if not studies or set(studies) & set(run.studies)]

    def run(self, name: str) -> Run:
        """The run that a path names."""
        return next(run for run in self.all_runs if run.name == name)

    def suites(self, *studies: str) -> list[str]:
        """The suites of the runs of some studies, each once."""
        return list(dict.fromkeys(run.suite for run in self.runs(*studies)))

    @cached_property
    def scratch_models(self) -> tuple[str, ...]:
        """The models that are trained here from random weights."""
        return tuple(name for name, model in self.params.models.items() if model.source == "scratch")

    @cached_property
    def first_architectures(self) -> tuple[str, ...]:
        """The models from scratch whose architecture is Llama or Bloom."""
        return tuple(name for name in self.scratch_models if not _is_further(self.params.models[name]))

    @cached_property
    def further_architectures(self) -> tuple[str, ...]:
        """The models from scratch of another architecture."""
        return tuple(name for name in self.scratch_models if _is_further(self.params.models[name]))

    def runs_on(self, suite: str) -> list[Run]:
        """The runs on a suite, in the order of the names of their models."""
        return sorted((run for run in self.all_runs if run.suite == suite), key=lambda run: run.model)

    # Tasks

    def tasks(self, suite: str) -> tuple[str, ...]:
        """The tasks of a suite."""
        if suite not in self._tasks:
            self._tasks[suite] = _task_names(self.params.suites[suite])
        return self._tasks[suite]

    def grouped_tasks(self, suite: str) -> tuple[str, ...]:
        """The tasks of a suite that models are trained on or tested with one by one, in the suite's order.

        Raises:
            InputError: `groups` names a task that the suite has not.
        """
        return self.some_tasks(suite, self.params.groups[suite].tasks(), f"groups.{suite}")

    def some_tasks(self, suite: str, chosen: Literal["all"] | Iterable[str], where: str) -> tuple[str, ...]:
        """Chosen tasks of a suite, in the suite's order.

        Args:
            suite: the suite.
            chosen: names, or all.
            where: the key of the parameters that chooses.

        Raises:
            InputError: the suite has no such task.
        """
        names = set(self.tasks(suite) if chosen == "all" else chosen)
        if unknown := sorted(names - set(self.tasks(suite))):
            raise InputError(
                f"there is no task {', '.join(unknown)}",
                where=where,
                remedy=f"Choose among {', '.join(self.tasks(suite))}",
            )
        return tuple(task for task in self.tasks(suite) if task in names)

    def batches(self, suite: str, tasks: Sequence[str] | None = None) -> list[Batch]:
        """The tasks of a suite, or some of them, in groups that one job does together."""
        tasks = tuple(self.tasks(suite) if tasks is None else tasks)
        size = self.params.workflow.tasks_per_job
        if size == "all":
            return [Batch(suite, "all", tasks)]
        groups = [tasks[start : start + size] for start in range(0, len(tasks), size)]
        return [
            Batch(suite, rule_name(group[0]) if size == 1 else f"batch{place}", group)
            for place, group in enumerate(groups)
        ]

    # Wildcards

    def pattern(
        self,
        *studies: str,
        suite: str | Collection[str] | None = None,
        seeds: Seeds | None = None,
        models: Collection[str] | None = None,
    ) -> str:
        """The constraint of `{run}` in rules.

        Args:
            studies: whose runs; none given: all runs.
            suite: of this suite alone, or of these.
            seeds: where `seed{seed}` follows in the paths: with the seeds of the run, all or some. A look-ahead,
                since a wildcard's own constraint cannot know the run.
            models: of these models alone.
        """
        fits = []
        suites = (suite,) if isinstance(suite, str) else suite
        for run in self.runs(*studies):
            if (suites is None or run.suite in suites) and (models is None or run.model in models):
                ahead = f"(?=/seed(?:{'|'.join(map(str, run.some(seeds)))})/)" if seeds else ""
                fits.append(re.escape(run.name) + ahead)
        return "|".join(fits) or self.NOTHING

    def expand(
        self,
        *patterns: str,
        study: str | Sequence[str] = (),
        seeds: Seeds = "all",
        **values: Iterable[Any] | Callable[[str], Iterable[Any]],
    ) -> list[str]:
        """The files of all runs of a study, or of one of some.

        Args:
            patterns: paths with `{run}`, `{seed}`, `{task}` and others, as far as they have them.
            study: whose runs; none given: all runs.
            seeds: all seeds of a run, or some.
            values: of the other wildcards, or functions that give them for a suite; `task` is by default every task of
                the run's suite.
        """
        runs = self.runs(study) if isinstance(study, str) else self.runs(*study)
        files = (path for run in runs for path in self.of_run(run.name, *patterns, seeds=seeds, **values))
        return list(dict.fromkeys(files))

    def of_run(
        self,
        run: str,
        /,
        *patterns: str,
        seeds: Seeds = "all",
        **values: Iterable[Any] | Callable[[str], Iterable[Any]],
    ) -> list[str]:
        """The files of one run; see `expand`."""
        asked = self.run(run)
        choices: dict[str, Iterable[Any]] = {"run": [run], "seed": asked.some(seeds), "task": self.tasks(asked.suite)}
        choices |= {name: own(asked.suite) if callable(own) else own for name, own in values.items()}
        found: dict[str, None] = {}
        for pattern in patterns:
            names = [name for _, name, _, _ in Formatter().parse(pattern) if name]
            for chosen in product(*(choices[name] for name in names)):
                found[pattern.format(**dict(zip(names, chosen, strict=True)))] = None
        return list(found)

    @cached_property
    def selections(self) -> dict[str, Selection]:
        """The selections of neurons by their slugs."""
        return {selection.slug: selection for selection in self.params.neurons.selections}

    def selection_within(self, whole: Literal["model", "layer"]) -> str:
        """The slug of the first selection that ranks neurons over this whole, else of the first one."""
        slugs = [slug for slug, selection in self.selections.items() if selection.within == whole]
        return (slugs or list(self.selections))[0]

    def is_first(self, wildcards: Wildcards) -> bool:
        """Whether a job belongs to the first seed of its run."""
        return int(wildcards.seed) == self.run(wildcards.run).seeds[0]

    def dtype(self, wildcards: Wildcards) -> str:
        """The precision in which the model of a job is loaded."""
        return dtype_of(self.params, model_of(wildcards))

    def sooner(self, priority: int) -> Callable[[Wildcards], int]:
        """A priority by which the first seed of a run comes before the others, and that of the first run before all.

        So a first picture is there long before the last seed is.
        """

        def of(wildcards: Wildcards) -> int:
            bonus = 200 if self.run(wildcards.run) == self.all_runs[0] else 100
            return priority + bonus * self.is_first(wildcards)

        return of


def present(section: Section | None) -> Section:
    """A section of the parameters that is there because a run names its study.

    Raises:
        InputError: it is absent.
    """
    if section is None:
        raise InputError("a section is absent that a study needs", where="parameters")
    return section


def dtype_of(params: Params, model: str) -> str:
    """The precision in which a model is loaded."""
    return getattr(params.models[model], "dtype", "float32")


def fresh_model(model: ScratchModel) -> dict[str, Any]:
    """The settings of a model from random weights, before any training."""
    sizes = ("hidden_size", "layers", "heads", "ffn_size", "context")
    return {"architecture": model.architecture, "shape": {name: getattr(model, name) for name in sizes}}


def _is_further(model: Model) -> bool:
    return isinstance(model, ScratchModel) and model.architecture not in ("llama", "bloom")


def suite_of(wildcards: Wildcards) -> str:
    """The suite of a job's run."""
    return str(wildcards.run).partition("/")[0]


def model_of(wildcards: Wildcards) -> str:
    """The model of a job: of its run, or its own wildcard."""
    return str(wildcards.model) if hasattr(wildcards, "model") else str(wildcards.run).partition("/")[2]


def rule_name(text: str) -> str:
    """A text as a part of a rule's name, which Python must accept."""
    return text.replace("-", "_").replace(".", "p")


def _task_names(suite: Suite) -> tuple[str, ...]:
    source = source_named(suite.source)
    return source.names(**suite_arguments(suite, source.names))
