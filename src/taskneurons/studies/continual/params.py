"""Parameters of continual learning: the streams of a suite, and how every method learns them."""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import AfterValidator, NonNegativeInt, PlainSerializer, PositiveFloat, PositiveInt, StringConstraints

from taskneurons.params.schedule import warmup_fits
from taskneurons.params.section import Inconsistency, Section, Slug, described, repeated
from taskneurons.params.selection import Estimator, Within
from taskneurons.studies.continual.methods import METHODS, of_kind

Order = tuple[Slug, ...]
# The paper's orders are numbers.
OrderName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_]{0,39}$")]
Orders = Annotated[Mapping[OrderName, Order], AfterValidator(MappingProxyType), PlainSerializer(dict)]
# A read-only view in another one must be unwrapped with it: what a serializer returns is not serialized by its type.
Benchmarks = Annotated[
    Mapping[Slug, Orders],
    AfterValidator(MappingProxyType),
    PlainSerializer(lambda benchmarks: {name: dict(orders) for name, orders in benchmarks.items()}),
]
# Each key takes the names that the list of methods has for it.
if TYPE_CHECKING:
    Learner: TypeAlias = str
    Variant: TypeAlias = str
    Weighting: TypeAlias = str
    Dynamic: TypeAlias = str
else:
    Learner = Literal[of_kind("methods")]
    Variant = Literal[of_kind("variants")]
    Weighting = Literal[of_kind("weightings")]
    Dynamic = Literal[of_kind("dynamic")]


class SampledOrders(Section):
    """Further orders of the tasks of a benchmark."""

    benchmark: Slug = described("whose tasks they order", "-")
    count: NonNegativeInt = described("orders that are drawn, named s1, s2, ...", "orders")
    seed: int = described("seed of the draw", "-", ge=0, lt=2**31)


class Streams(Section):
    """The orders in which the tasks of a suite come (Leng & Xiong 2025, Table 14); every method learns all of them."""

    development: Order = described("the order that chooses rates, strengths and temperatures; never reported", "-")
    benchmarks: Benchmarks = described("orders by name, by benchmark; those of a benchmark have the same tasks", "-")
    sampled: SampledOrders = described("further orders", "-")

    def orders(self) -> dict[str, Order]:
        """The orders that are given, by name."""
        return {name: order for orders in self.benchmarks.values() for name, order in orders.items()}

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """Orders are streams, the development order is none of them, and those that are named exist."""
        yield from _stream(self.development, ("development",))
        names = [name for orders in self.benchmarks.values() for name in orders]
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield Inconsistency(("benchmarks",), f"two orders are named `{name}`", "Rename one")
        for name in names:
            if re.fullmatch(r"s\d+", name):
                yield Inconsistency(("benchmarks",), f"`{name}` is the name of a sampled order", "Choose another name")
        if not names:
            yield Inconsistency(("benchmarks",), "has no order", "Name at least one order")
        for benchmark, orders in self.benchmarks.items():
            yield from self._unfit(benchmark, orders)
        if self.sampled.benchmark not in self.benchmarks:
            yield Inconsistency(
                ("sampled", "benchmark"),
                f"there is no benchmark `{self.sampled.benchmark}`",
                f"Known: {', '.join(self.benchmarks) or 'none'}",
            )

    def _unfit(self, benchmark: str, orders: Mapping[str, Order]) -> Iterator[Inconsistency]:
        """Yield what is wrong with the orders of a benchmark."""
        if not orders:
            yield Inconsistency(("benchmarks", benchmark), "has no order", "Name at least one order")
        for name, order in orders.items():
            yield from _stream(order, ("benchmarks", benchmark, name))
            if set(order) != set(next(iter(orders.values()))):
                yield Inconsistency(
                    ("benchmarks", benchmark, name), "has other tasks than the first", "Name another benchmark"
                )
            if order == self.development:
                yield Inconsistency(("development",), f"is order `{name}`, which is reported", "Choose another one")


class SparseTuning(Section):
    """What NCFT selects."""

    percent: float = described("share of the neurons that a task trains", "% of the neurons", gt=0, le=100)
    within: Within = described("neurons are ranked over the whole model or inside each layer", "-")
    estimator: Estimator = described("scores that rank the neurons", "-")
    examples: PositiveInt = described("training examples that are scored, at most", "examples")
    batch_size: PositiveInt = described("examples scored at once", "examples")


class Weighted(Section):
    """What W-NCFT weighs by."""

    temperatures: tuple[PositiveFloat, ...] = described(
        "the grid of temperatures of the softmax; the literal reading has 1, as the paper", "-"
    )
    vector_examples: PositiveInt = described("training prompts that make a task's vector, at most", "examples")
    kept: PositiveInt = described("prompts of each learned task that dynamic weightings keep", "examples")


class Adapters(Section):
    """The adapters of SeqLoRA, O-LoRA and EPI."""

    rank: PositiveInt = described("rank of each adapter", "-")
    alpha: PositiveFloat = described("the adapter's output is multiplied by alpha / rank", "-")
    targets: Literal["attention", "all"] = described(
        "query and value projections, or all linear layers but the language head", "-"
    )


class Buffer(Section):
    """What replay repeats."""

    kept: PositiveInt = described("training examples of each earlier task", "examples")


class Consolidation(Section):
    """What EWC holds fast."""

    strengths: tuple[PositiveFloat, ...] = described("the grid of lambda", "-")
    examples: PositiveInt = described("training examples that estimate a task's Fisher information", "examples")


class Orthogonality(Section):
    """What O-LoRA keeps apart."""

    strengths: tuple[PositiveFloat, ...] = described("the grid of lambda", "-")


class Continual(Section):
    """Continual learning (Leng & Xiong 2025, Table 5 and Figure 4)."""

    methods: tuple[Learner, ...] = described("methods that learn every order; retention needs `pertask`", "-")
    variants: tuple[Variant, ...] = described("variants of NCFT", "-")
    weightings: tuple[Weighting, ...] = described("readings of W-NCFT", "-")
    dynamic: tuple[Dynamic, ...] = described("weightings that need no name of the task and follow the stream", "-")
    steps: PositiveInt = described("optimizer steps of a stage", "steps")
    batch_size: PositiveInt = described("examples of one step", "examples")
    warmup: int = described("steps of linear warm-up at the beginning of a stage", "steps", ge=0)
    learning_rates: tuple[PositiveFloat, ...] = described("the grid that every method chooses its own rate from", "-")
    equal_rate: PositiveFloat = described("the learning rate that every method has besides its own", "-")
    learned_percent: float = described(
        "what a method must reach just after a stage, on average, to have learned its task",
        "% of the accuracy of Per-Task FT",
        gt=0,
        le=100,
    )
    test_examples: PositiveInt = described("test examples of each task, at most", "examples")
    ncft: SparseTuning = described("NCFT", "-")
    wncft: Weighted = described("W-NCFT", "-")
    lora: Adapters = described("SeqLoRA, O-LoRA and EPI", "-")
    replay: Buffer = described("replay", "-")
    ewc: Consolidation = described("EWC", "-")
    olora: Orthogonality = described("O-LoRA", "-")
    keep_stages: bool = described(
        "keep what was learned after each stage, so that a changed order learns its new stages alone; takes disk", "-"
    )

    def penalised(self) -> list[str]:
        """The methods whose loss has a penalty, sorted."""
        return sorted(name for name in self.methods if METHODS[name].penalised)

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """Grids are not empty, and what needs NCFT has it."""
        yield from warmup_fits(self.warmup, self.steps)
        for key in ("methods", "variants", "weightings", "dynamic"):
            yield from repeated(getattr(self, key), key)
        for name in self.methods:
            if (source := METHODS[name].rate_of) and source not in self.methods:
                yield Inconsistency(("methods",), f"`{source}` is missing, whose rate `{name}` has", f"Add {source}")
        if "ncft" not in self.methods:
            yield Inconsistency(("methods",), "`ncft` is missing: variants and weightings need it", "Add ncft")
        for path, values in (
            (("learning_rates",), self.learning_rates),
            (("wncft", "temperatures"), self.wncft.temperatures),
            *(((name, "strengths"), getattr(self, name).strengths) for name in METHODS if METHODS[name].penalised),
        ):
            if not values:
                yield Inconsistency(path, "is empty", "Name at least one")
            if len(set(values)) < len(values):
                yield Inconsistency(path, "names a value twice", "Name each once")


def _stream(order: Order, place: tuple[str, ...]) -> Iterator[Inconsistency]:
    """Yield what is wrong with an order: one task, or a task twice."""
    if len(order) < 2:
        yield Inconsistency(place, "a stream of one task forgets nothing", "Name two tasks or more")
    for task in sorted({task for task in order if order.count(task) > 1}):
        yield Inconsistency(
            place,
            f"`{task}` comes twice: what is forgotten in between could not be told from what is learned again",
            "Name each task once",
        )
