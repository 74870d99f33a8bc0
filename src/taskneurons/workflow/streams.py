"""What continual learning asks of the workflow: orders of tasks; budget and parameters of each method."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from taskneurons.errors import InputError
from taskneurons.studies.continual.methods import METHODS
from taskneurons.studies.continual.params import Continual
from taskneurons.studies.continual.rows import RATES_OF, SINGLE_TASK
from taskneurons.tasks.orders import sampled_orders
from taskneurons.workflow.paths import fill
from taskneurons.workflow.plan import Plan, present

Orders = Mapping[str, tuple[str, ...]]
"""Tasks of orders, by the name of the order."""
# What is tried, and so no parameter of a method.
GRIDS = ("strengths", "temperatures")


@dataclass(frozen=True)
class Stream:
    """A stream of tasks that is learned, or answered with weighted patches.

    Attributes:
        run: `<suite>/<model>`.
        seed: of the run.
        method: that learns or weighs.
        order: of the tasks.
    """

    run: str
    seed: int
    method: str
    order: str


class Streams:
    """The parameters as the rules of continual learning ask them.

    Args:
        plan: runs and tasks.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._benchmarks: dict[str, dict[str, Orders]] = {}

    @cached_property
    def params(self) -> Continual:
        """The section of the parameters, which is there where a run names the study."""
        return present(self.plan.params.continual)

    # Orders

    def benchmarks(self, suite: str) -> dict[str, Orders]:
        """The orders of each benchmark of a suite; sampled ones follow those of their benchmark.

        Raises:
            InputError: an order names a task that the suite has not, or there are not enough orders to sample.
        """
        if suite not in self._benchmarks:
            self._benchmarks[suite] = self._with_sampled(suite)
        return self._benchmarks[suite]

    def _with_sampled(self, suite: str) -> dict[str, Orders]:
        streams = self.plan.params.streams[suite]
        known = self.plan.tasks(suite)
        asked = {task for order in (*streams.orders().values(), streams.development) for task in order}
        if unknown := sorted(asked - set(known)):
            raise InputError(
                f"there is no task {', '.join(unknown)}",
                where=f"streams.{suite}",
                remedy=f"Choose among {', '.join(known)}",
            )
        found: dict[str, Orders] = {name: dict(orders) for name, orders in streams.benchmarks.items()}
        own = found[streams.sampled.benchmark]
        besides = [*streams.orders().values(), streams.development]
        drawn = sampled_orders(next(iter(own.values())), streams.sampled.count, streams.sampled.seed, besides)
        found[streams.sampled.benchmark] = {**own, **{f"s{place}": order for place, order in enumerate(drawn, start=1)}}
        return found

    def names(self, suite: str) -> dict[str, list[str]]:
        """The names of the orders of each benchmark of a suite."""
        return {benchmark: list(orders) for benchmark, orders in self.benchmarks(suite).items()}

    def orders(self, suite: str) -> dict[str, tuple[str, ...]]:
        """All orders of a suite."""
        return {name: order for orders in self.benchmarks(suite).values() for name, order in orders.items()}

    def shown_order(self, suite: str) -> str:
        """The order whose stages are drawn: the first."""
        return next(iter(self.orders(suite)))

    def tasks(self, suite: str, orders: Orders) -> list[str]:
        """The tasks of some orders, in the suite's order."""
        asked = {task for order in orders.values() for task in order}
        return [task for task in self.plan.tasks(suite) if task in asked]

    def development(self, suite: str) -> tuple[str, ...]:
        """The order that chooses rates, strengths and temperatures.

        Raises:
            InputError: as `benchmarks`.
        """
        self.benchmarks(suite)
        return self.plan.params.streams[suite].development

    def development_tasks(self, suite: str) -> list[str]:
        """Its tasks, in the suite's order.

        Raises:
            InputError: as `benchmarks`.
        """
        return self.tasks(suite, {"development": self.development(suite)})

    # Methods

    def groups(self) -> tuple[str, ...]:
        """The methods that choose their own values, which variants and weightings take; without runs none."""
        if not self.plan.runs("continual"):
            return ()
        return tuple(name for name in self.params.methods if METHODS[name].chooses)

    def learners(self) -> tuple[str, ...]:
        """The methods that learn, and their variants."""
        return (*self.params.methods, *self.params.variants)

    def weightings(self) -> list[tuple[str, str, tuple[str, ...]]]:
        """For each learner and kind of weightings those that weigh its patches in one job."""
        found: dict[tuple[str, str], list[str]] = {}
        for name in (*self.params.weightings, *self.params.dynamic):
            found.setdefault((METHODS[name].weighs, METHODS[name].kind), []).append(name)
        return [(learner, kind, tuple(names)) for (learner, kind), names in found.items()]

    def group(self, method: str) -> str:
        """The method whose values a method has: itself, or another one."""
        return METHODS[method].rate_of or METHODS[method].weighs or method

    def limit(self, group: str, pattern: str) -> list[str]:
        """What Per-Task FT reached on the development order, with which the others of a run are compared.

        Args:
            group: that chooses its values.
            pattern: of the file of a method's trials, with `{group}`.
        """
        return [fill(pattern, group=SINGLE_TASK)] if group != SINGLE_TASK and SINGLE_TASK in self.groups() else []

    def equal_rate(self, method: str) -> float | None:
        """The rate that a method has besides its own; a bound has none."""
        return None if METHODS[method].is_bound else self.params.equal_rate

    def weighed(self, group: str) -> list[str]:
        """The weightings that are tried on what a method learned."""
        return [name for name in (*self.params.weightings, *self.params.dynamic) if METHODS[name].weighs == group]

    def makers(self, methods: Sequence[str]) -> list[str]:
        """The functions that make some methods, on which the code of a job that makes them depends."""
        return list(dict.fromkeys(f"continual.{METHODS[name].module}:make" for name in methods))

    # Settings of jobs

    def method(self, name: str) -> dict[str, Any]:
        """A method as jobs take it, with the parameters that it reads."""
        method = METHODS[name]
        return {
            "name": name,
            "module": method.module,
            "options": method.options,
            "parameters": {section: self._parameters(section) for section in method.sections},
            "temperature": method.temperature,
        }

    def _parameters(self, section: str) -> dict[str, Any]:
        values: dict[str, Any] = getattr(self.params, section).model_dump(mode="json")
        return {key: value for key, value in values.items() if key not in GRIDS}

    def budget(self, limit: int | None = None) -> dict[str, Any]:
        """The budget of a stage, the same for every method.

        Args:
            limit: test examples of each task, at most.
        """
        params = self.params
        budget = {"steps": params.steps, "batch_size": params.batch_size, "warmup": params.warmup, "limit": limit}
        return budget | {"evaluation": self.plan.params.evaluation}

    def grid(self, group: str) -> dict[str, Any]:
        """What a method chooses from."""
        return {
            "learning_rates": self.params.learning_rates,
            "strengths": getattr(self.params, group).strengths if METHODS[group].penalised else [],
            "temperatures": self.params.wncft.temperatures if self.weighed(group) else [],
        }

    # Files

    def patches(self, pattern: str, method: str, orders: Orders) -> list[str]:
        """The patches that the stages of some orders leave; none of a method that keeps none.

        Args:
            pattern: with `{method}`, `{order}`, `{rate}`, `{stage}` and `{task}`.
            method: that learns.
            orders: that it learns.
        """
        if not METHODS[method].keeps_patches:
            return []
        return [
            fill(pattern, method=method, order=order, rate=rate, stage=stage, task=task)
            for order, tasks in orders.items()
            for rate in RATES_OF
            for stage, task in enumerate(tasks, start=1)
        ]

    def streams(self) -> Iterator[Stream]:
        """Every stream of every run."""
        for run in self.plan.runs("continual"):
            for seed in run.seeds:
                for method in (*self.learners(), *self.params.weightings, *self.params.dynamic):
                    for order in self.orders(run.suite):
                        yield Stream(run.name, seed, method, order)

    def files(self, pattern: str) -> list[str]:
        """A file of every stream.

        Args:
            pattern: with `{run}`, `{seed}`, `{method}` and `{order}`.
        """
        return [pattern.format(**asdict(stream)) for stream in self.streams()]

    def suites(self) -> list[str]:
        """The suites whose tasks are learned one after another."""
        return self.plan.suites("continual")
