"""The jobs that choose how methods learn, learn streams of tasks, and answer with weighted patches."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from taskneurons.continual.making import make_method
from taskneurons.continual.method import Given, Learned, Method
from taskneurons.continual.ncft import as_patch, of_patch
from taskneurons.continual.sequence import Order, StageScore, final_accuracy, follow, identity, trained
from taskneurons.continual.stages import Stages
from taskneurons.continual.stream_tuner import StreamTuner
from taskneurons.engine.evaluation import Evaluation
from taskneurons.engine.execution import Execution
from taskneurons.engine.fine_tuner import Recipe
from taskneurons.engine.training import Diverged
from taskneurons.errors import InputError
from taskneurons.files import read_json, write_json
from taskneurons.job import Job
from taskneurons.models.load import DType
from taskneurons.neurons.patches import load_patch, save_patch
from taskneurons.studies.continual.rows import COST_ROWS, SINGLE_TASK, STREAMS, TRIALS, CostRow, StreamRow, TrialRow

STAGES = Path(".taskneurons") / "stages"


@dataclass(frozen=True)
class Asked:
    """A method as its rule describes it.

    Attributes:
        name: in tables.
        module: of `taskneurons.continual` that makes it.
        options: which variant of the module it is.
        parameters: that it reads, by the section that they stand in.
        temperature: of a weighting that has no other one.
    """

    name: str
    module: str
    options: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    temperature: float | None = None

    def made(self, chosen: "Chosen", tasks: int) -> Method:
        """The method with what was chosen for it, for a stream of some tasks.

        Raises:
            InputError: as `make_method`.
        """
        given = Given(
            self.name,
            chosen.learning_rate,
            tasks,
            self.parameters,
            self.options,
            strength=chosen.strength,
            temperature=chosen.temperature,
        )
        return make_method(self.module, given)


@dataclass(frozen=True)
class Budget:
    """What every stage of every method has.

    Attributes:
        steps, batch_size, warmup, evaluation: see `Recipe`.
        limit: test examples of each task, at most; None: all.
    """

    steps: int
    batch_size: int
    warmup: int
    evaluation: Evaluation
    limit: int | None = None

    def recipe(self, seed: int, split: str = "test") -> Recipe:
        """The recipe of a stage."""
        return Recipe(
            self.steps, self.batch_size, self.warmup, seed, self.evaluation, split=split, limit=self.limit
        )  # fmt: skip


@dataclass(frozen=True)
class Grid:
    """What is tried.

    Attributes:
        learning_rates: of every method.
        strengths: of methods that have one; empty for the others.
        temperatures: of weightings.
    """

    learning_rates: Sequence[float]
    strengths: Sequence[float] = ()
    temperatures: Sequence[float] = ()


@dataclass(frozen=True)
class Chosen:
    """The values that a method got.

    Attributes:
        learning_rate: of every stage.
        strength: of the penalty.
        temperature: of a weighting.
    """

    learning_rate: float
    strength: float | None = None
    temperature: float | None = None


def choose(
    tuner: StreamTuner,
    methods: Sequence[Asked],
    order: Order,
    stages: Stages,
    grid: Grid,
    *,
    weightings: Sequence[Asked] = (),
) -> tuple[dict[str, Chosen], list[TrialRow]]:
    """Try a group of methods with every rate and strength, then the weightings of what the first one learned.

    Methods of one group (sets of neurons of one size) get the rate that is best for them on average: with a rate of
    its own for each, their difference would be that of the rates. Each weighting is a method of its own: it chooses the
    rate that the first method learns with for it, and a temperature.

    Args:
        tuner: whose recipe tests on the validation split.
        methods: of the group.
        order: the development order, which is never reported as a result.
        stages: where what is learned is kept.
        grid: what is tried.
        weightings: of the patches that the first method leaves.

    Returns:
        What each method and each weighting got; and every trial.

    Raises:
        InputError: a group diverges with every rate.
    """
    found: dict[Chosen, list[float | None]] = {}
    rows: list[TrialRow] = []
    streams: dict[Chosen, list[Learned]] = {}
    for rate in grid.learning_rates:
        for strength in grid.strengths or (None,):
            values = Chosen(rate, strength)
            for asked in methods:
                accuracy = None
                # Where each task has a model of its own, all stages are the end.
                only_last = asked.name != SINGLE_TASK
                try:
                    tested, learned = follow(
                        tuner, asked.made(values, len(order)), order, stages, only_last=only_last
                    )  # fmt: skip
                    accuracy = final_accuracy(tested)
                    if asked is methods[0]:
                        streams[values] = learned
                except Diverged:
                    pass
                found.setdefault(values, []).append(accuracy)
                rows.append(TrialRow(asked.name, rate, strength, None, accuracy, chosen=False))
    best = _best(found.items())
    chosen = {asked.name: best for asked in methods}
    rows = [
        replace(row, chosen=(row.learning_rate, row.strength) == (best.learning_rate, best.strength)) for row in rows
    ]
    for asked in weightings:
        tried = []
        for values, learned in streams.items():
            for temperature in grid.temperatures if asked.temperature is None else (asked.temperature,):
                weighed = Chosen(values.learning_rate, temperature=temperature)
                method = asked.made(weighed, len(order))
                tested, _ = follow(tuner, method, order, stages, learned=learned, only_last=True)
                tried.append((final_accuracy(tested), temperature, -values.learning_rate, weighed))
        _, _, _, right = max(tried, key=lambda one: one[:3])
        chosen[asked.name] = right
        rows += [
            TrialRow(asked.name, one.learning_rate, None, one.temperature, accuracy, chosen=one is right)
            for accuracy, _, _, one in tried
        ]
    return chosen, rows


def _best(found: Iterable[tuple[Chosen, Sequence[float | None]]]) -> Chosen:
    """The rate and strength with the highest accuracy, averaged over the group; of equal ones the lowest rate."""
    sound = [
        (values, fmean(value for value in scores if value is not None))
        for values, scores in found
        if None not in scores
    ]
    if not sound:
        raise InputError("every learning rate diverges", where="continual", remedy="Add lower learning rates")
    return max(sound, key=lambda one: (one[1], -one[0].learning_rate))[0]


# Jobs


@dataclass(frozen=True)
class ChooseSettings:
    """Settings of `choose_rates`.

    Attributes:
        methods: of the group.
        weightings: of the patches that the first one leaves.
        order: the development order.
        seed: of the run.
        budget: of a stage.
        grid: what is tried.
        dtype: precision of the products.
    """

    methods: tuple[Asked, ...]
    weightings: tuple[Asked, ...]
    order: Order
    seed: int
    budget: Budget
    grid: Grid
    dtype: DType


def choose_rates(job: Job[ChooseSettings]) -> None:
    """Choose how a group of methods learns, by the validation split of the development order."""
    settings = job.settings
    tuner = _tuner(job, settings.budget.recipe(settings.seed, split="validation"), settings.dtype)
    stages = Stages(job.resume / "stages", identity(tuner))
    chosen, rows = choose(
        tuner, settings.methods, settings.order, stages, settings.grid, weightings=settings.weightings
    )  # fmt: skip
    said = {
        name: {key: value for key, value in asdict(values).items() if value is not None}
        for name, values in chosen.items()
    }
    write_json(job.outputs.one("chosen"), said)
    TRIALS.write(job.outputs.one("tried"), rows)
    stages.finish(keep=False)


@dataclass(frozen=True)
class LearnSettings:
    """Settings of `learn_streams`.

    Attributes:
        method: that learns.
        rate_of: the method whose learning rate it has.
        orders: the tasks of each order.
        budget: of a stage.
        dtype: precision of the products.
    """

    method: Asked
    rate_of: str
    orders: Mapping[str, Order]
    budget: Budget
    dtype: DType


def learn_streams(job: Job[LearnSettings]) -> None:
    """Learn streams of tasks with one method, and test all tasks after every stage (Leng & Xiong 2025, Table 5)."""
    settings, asked = job.settings, job.settings.method
    tuner = _tuner(job, settings.budget.recipe(job.seed), settings.dtype)
    chosen = Chosen(**read_json(job.inputs.one("chosen"))[settings.rate_of])
    patches = _by_order(job.outputs["patches"])
    stages = Stages(STAGES / job.outputs["rows"][0].parent, identity(tuner))
    costs: list[CostRow] = []
    for order, path in job.outputs.by_stem("rows").items():
        tasks = settings.orders[order]
        scores, seen = follow(tuner, asked.made(chosen, len(tasks)), tasks, stages)
        STREAMS.write(path, _rows(job, asked.name, order, scores))
        costs += _costs(job, asked.name, order, seen)
        # Of a method that keeps patches the rule names a file for each stage.
        for patch, learned in zip(patches.get(order, ()), seen, strict=order in patches):
            save_patch(patch, as_patch(learned))
    COST_ROWS.write(job.outputs.one("costs"), costs)
    stages.finish(keep=bool(job.resources["keep_stages"]))


@dataclass(frozen=True)
class WeighSettings:
    """Settings of `weigh_patches`.

    Attributes:
        weightings: that answer.
        learner: the method whose patches they weigh.
        orders: the tasks of each order.
        budget: of a stage.
        dtype: precision of the products.
    """

    weightings: tuple[Asked, ...]
    learner: str
    orders: Mapping[str, Order]
    budget: Budget
    dtype: DType


def weigh_patches(job: Job[WeighSettings]) -> None:
    """Answer with patches weighted by similarity: the readings of W-NCFT, or the dynamic weightings.

    One that has chosen another learning rate than the method that left the patches learns the streams anew.
    """
    settings = job.settings
    tuner = _tuner(job, settings.budget.recipe(job.seed), settings.dtype)
    chosen = {name: Chosen(**values) for name, values in read_json(job.inputs.one("chosen")).items()}
    stages = Stages(job.resume / "stages", identity(tuner))
    patches, learning = _by_order(job.inputs["patches"]), job.inputs.by_stem("learning")
    spent = {(row.order, row.stage): row.seconds for row in COST_ROWS.read(job.inputs.one("costs"))}
    asked = {one.name: one for one in settings.weightings}
    costs: list[CostRow] = []
    for path in job.outputs["rows"]:
        name, order = path.parent.name, path.stem
        tasks, values = settings.orders[order], chosen[name]
        same = values.learning_rate == chosen[settings.learner].learning_rate
        learned = None
        if same:
            seconds = [spent[order, stage] for stage in range(1, len(tasks) + 1)]
            learned = list(_learned(patches[order], learning[order], seconds))
        scores, seen = follow(tuner, asked[name].made(values, len(tasks)), tasks, stages, learned=learned)
        STREAMS.write(path, _rows(job, name, order, scores))
        costs += _costs(job, name, order, seen)
    COST_ROWS.write(job.outputs.one("costs"), costs)
    stages.finish(keep=False)


def _tuner(job: Job[Any], recipe: Recipe, dtype: DType) -> StreamTuner:
    """Where the methods of a job learn."""
    execution = Execution.of(job, dtype)
    return StreamTuner.load(job.inputs.folder("base"), job.inputs.folders("tasks"), recipe, execution, job=job.code)


def _rows(job: Job[Any], method: str, order: str, scores: Iterable[StageScore]) -> Iterator[StreamRow]:
    for score in scores:
        yield StreamRow(job.suite, job.model, job.seed, method, order, **asdict(score))


def _costs(job: Job[Any], method: str, order: str, seen: Sequence[Learned]) -> Iterator[CostRow]:
    for stage, task, learned in trained(seen):
        yield CostRow(job.suite, job.model, job.seed, method, order, stage, task, learned.seconds)


def _by_order(paths: Iterable[Path]) -> dict[str, list[Path]]:
    """Patches of the stages of each order: `.../<order>/<stage>_<task>.safetensors`, the first stage first."""
    found: dict[str, list[Path]] = {}
    for path in paths:
        found.setdefault(path.parent.name, []).append(path)
    return {
        order: sorted(own, key=lambda path: int(path.name.partition("_")[0])) for order, own in found.items()
    }  # fmt: skip


def _learned(patches: Sequence[Path], rows: Path, seconds: Sequence[float]) -> Iterator[Learned]:
    """What the stages of a stream left, with what they cost."""
    losses = {row.stage: row.value for row in STREAMS.read(rows) if row.metric == "loss"}
    for stage, (path, spent) in enumerate(zip(patches, seconds, strict=True), start=1):
        yield replace(of_patch(load_patch(path)), seconds=spent, loss=losses[stage] or 0.0)
