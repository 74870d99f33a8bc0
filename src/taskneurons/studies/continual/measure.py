"""The jobs that choose how methods learn, learn streams of tasks, and answer with weighted patches."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from taskneurons.continual.making import make_method
from taskneurons.continual.method import Given, Learned, Method
from taskneurons.continual.ncft import as_patch, of_patch
from taskneurons.continual.sequence import Order, StageScore, final_accuracy, follow, identity, learned_accuracy
from taskneurons.continual.stages import Stages
from taskneurons.continual.stream_tuner import ACCURACIES, StreamTuner
from taskneurons.engine.evaluation import Evaluation
from taskneurons.engine.execution import Execution
from taskneurons.engine.fine_tuner import Recipe
from taskneurons.engine.training import Diverged
from taskneurons.errors import InputError
from taskneurons.files import read_json, write_json
from taskneurons.job import Job
from taskneurons.models.load import DType
from taskneurons.neurons.patches import load_patch, save_patch
from taskneurons.studies.continual.rows import (
    SCORINGS,
    SINGLE_TASK,
    STREAMS,
    TRIALS,
    Rate,
    Scoring,
    StreamRow,
    TrialRow,
)

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


@dataclass(frozen=True)
class Tried:
    """What a method reached on the development order.

    Attributes:
        accuracy: mean over the tasks at the end, percent.
        restricted: the same among the options alone.
        learned: mean over the tasks of the accuracy just after each was learned, percent.
    """

    accuracy: float
    restricted: float
    learned: float

    @classmethod
    def of(cls, scores: Sequence[StageScore]) -> "Tried":
        """From the scores of a stream."""
        return cls(final_accuracy(scores), final_accuracy(scores, ACCURACIES[1]), learned_accuracy(scores))


Trials = dict[Chosen, Tried | None]
"""What a method reached with the values that were tried; None: it diverged."""


@dataclass(frozen=True)
class Search:
    """The development order, and what is tried on it.

    Args:
        tuner: whose recipe tests on the validation split.
        order: the development order, which is never reported as a result.
        stages: where what is learned is kept.
        grid: what is tried.
        least_learned: the accuracy just after its stage that a task must reach, on average, percent.
    """

    tuner: StreamTuner
    order: Order
    stages: Stages
    grid: Grid
    least_learned: float = 0.0

    def choose(self, learner: Asked, weightings: Sequence[Asked] = ()) -> tuple[dict[str, Chosen], list[TrialRow]]:
        """Try a method with every rate, then strengths at the best one, then temperatures of weightings.

        A weighting answers with what the method has learned at its rate.

        Args:
            learner: the method.
            weightings: of the patches that it leaves.

        Returns:
            What the method and each weighting got; and every trial.

        Raises:
            InputError: the method diverges with every rate.
        """
        found: Trials = {}
        streams: dict[Chosen, list[Learned]] = {}
        strengths = self.grid.strengths or (None,)
        # The middle of the grid decides the rate; the other strengths are tried at that rate alone.
        middle = strengths[len(strengths) // 2]
        for rate in self.grid.learning_rates:
            self._learn(learner, Chosen(rate, middle), found, streams)
        rate = self._best(found).learning_rate
        for strength in strengths:
            self._learn(learner, Chosen(rate, strength), found, streams)
        best = self._best(found)
        chosen = {learner.name: best}
        rows = [_trial(learner.name, values, tried, values == best) for values, tried in found.items()]
        for asked in weightings:
            weighed = self._weigh(asked, best, streams[best])
            right = max(weighed, key=lambda values: (weighed[values].accuracy, values.temperature))
            chosen[asked.name] = right
            rows += [_trial(asked.name, values, tried, values == right) for values, tried in weighed.items()]
        return chosen, rows

    def _learn(self, learner: Asked, values: Chosen, found: Trials, streams: dict[Chosen, list[Learned]]) -> None:
        """Let the method learn with some values, once."""
        if values in found:
            return
        try:
            method = learner.made(values, len(self.order))
            scores, streams[values] = follow(self.tuner, method, self.order, self.stages, whole=False)
        except Diverged:
            found[values] = None
        else:
            found[values] = Tried.of(scores)

    def _weigh(self, asked: Asked, learner: Chosen, learned: Sequence[Learned]) -> dict[Chosen, Tried]:
        """A weighting of what was learned, with each temperature."""
        found = {}
        for temperature in self.grid.temperatures if asked.temperature is None else (asked.temperature,):
            values = Chosen(learner.learning_rate, temperature=temperature)
            method = asked.made(values, len(self.order))
            scores, _ = follow(self.tuner, method, self.order, self.stages, learned=learned, whole=False)
            found[values] = Tried.of(scores)
        return found

    def _best(self, found: Trials) -> Chosen:
        """The values of the highest final accuracy among those with which the method has learned its tasks.

        Where it has with none, those with which it learned most. Of equal ones the lowest rate.
        """
        sound = {values: tried for values, tried in found.items() if tried is not None}
        if not sound:
            raise InputError("every learning rate diverges", where="continual", remedy="Add lower learning rates")
        enough = [values for values, tried in sound.items() if tried.learned >= self.least_learned]

        def worth(values: Chosen) -> tuple[float, float]:
            tried = sound[values]
            return tried.accuracy if enough else tried.learned, -values.learning_rate

        return max(enough or sound, key=worth)


def _trial(name: str, values: Chosen, tried: Tried | None, chosen: bool) -> TrialRow:
    reached = {} if tried is None else asdict(tried)
    empty: dict[str, float | None] = {"accuracy": None, "restricted": None, "learned": None}
    return TrialRow(name, **asdict(values), **{**empty, **reached}, chosen=chosen)


# Jobs


@dataclass(frozen=True)
class ChooseSettings:
    """Settings of `choose_rates`.

    Attributes:
        method: that learns.
        weightings: of the patches that it leaves.
        order: the development order.
        seed: of the run.
        budget: of a stage.
        grid: what is tried.
        learned_percent: the share of what Per-Task FT learns that a method must learn.
        dtype: precision of the products.
    """

    method: Asked
    weightings: tuple[Asked, ...]
    order: Order
    seed: int
    budget: Budget
    grid: Grid
    learned_percent: float
    dtype: DType


def choose_rates(job: Job[ChooseSettings]) -> None:
    """Choose how a method learns, by the validation split of the development order."""
    settings = job.settings
    tuner = _tuner(job, settings.budget.recipe(settings.seed, split="validation"), settings.dtype)
    stages = Stages(job.resume / "stages", identity(tuner))
    limits = [
        row.learned for path in job.inputs["limit"] for row in TRIALS.read(path)
        if row.chosen and row.method == SINGLE_TASK and row.learned is not None
    ]  # fmt: skip
    # Without Per-Task FT there is nothing to compare with, and the best end decides.
    least = settings.learned_percent / 100 * limits[0] if limits else 0.0
    search = Search(tuner, settings.order, stages, settings.grid, least)
    chosen, rows = search.choose(settings.method, settings.weightings)
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
        equal_rate: the rate that all methods have besides; None for a method that has its own alone.
        orders: the tasks of each order.
        budget: of a stage.
        dtype: precision of the products.
    """

    method: Asked
    rate_of: str
    equal_rate: float | None
    orders: Mapping[str, Order]
    budget: Budget
    dtype: DType


def learn_streams(job: Job[LearnSettings]) -> None:
    """Learn streams of tasks with one method, and test all tasks after every stage (Leng & Xiong 2025, Table 5).

    Where the rate of all is the method's own, each stage is learned once and stands in the rows of both.
    """
    settings, asked = job.settings, job.settings.method
    tuner = _tuner(job, settings.budget.recipe(job.seed), settings.dtype)
    own = Chosen(**read_json(job.inputs.one("chosen"))[settings.rate_of])
    patches = _by_stream(job.outputs["patches"])
    stages = Stages(STAGES / job.outputs["rows"][0].parent, identity(tuner))
    for order, path in job.outputs.by_stem("rows").items():
        tasks = settings.orders[order]
        rows: list[StreamRow] = []
        for rate, chosen in _rates(own, settings.equal_rate).items():
            scores, seen = follow(tuner, asked.made(chosen, len(tasks)), tasks, stages)
            rows += _rows(job, asked.name, rate, order, scores)
            # Of a method that keeps patches the rule names a file for each stage.
            kept = patches.get((order, rate), ())
            for patch, learned in zip(kept, seen, strict=bool(kept)):
                save_patch(patch, as_patch(learned))
        STREAMS.write(path, rows)
    stages.finish(keep=bool(job.resources["keep_stages"]))


@dataclass(frozen=True)
class WeighSettings:
    """Settings of `weigh_patches`.

    Attributes:
        weightings: that answer.
        learner: the method whose patches they weigh.
        equal_rate: the rate that all methods have besides their own.
        orders: the tasks of each order.
        budget: of a stage.
        dtype: precision of the products.
    """

    weightings: tuple[Asked, ...]
    learner: str
    equal_rate: float
    orders: Mapping[str, Order]
    budget: Budget
    dtype: DType


def weigh_patches(job: Job[WeighSettings]) -> None:
    """Answer with patches weighted by similarity: the readings of W-NCFT, or the dynamic weightings."""
    settings = job.settings
    tuner = _tuner(job, settings.budget.recipe(job.seed), settings.dtype)
    chosen = {name: Chosen(**values) for name, values in read_json(job.inputs.one("chosen")).items()}
    stages = Stages(job.resume / "stages", identity(tuner))
    patches, learning = _by_stream(job.inputs["patches"]), job.inputs.by_stem("learning")
    asked = {one.name: one for one in settings.weightings}
    for path in job.outputs["rows"]:
        name, order = path.parent.name, path.stem
        tasks = settings.orders[order]
        rows: list[StreamRow] = []
        for rate, values in _rates(chosen[name], settings.equal_rate).items():
            learned = list(_learned(patches[order, rate], learning[order], rate))
            scores, _ = follow(tuner, asked[name].made(values, len(tasks)), tasks, stages, learned=learned)
            rows += _rows(job, name, rate, order, scores)
        STREAMS.write(path, rows)
    stages.finish(keep=False)


def _tuner(job: Job[Any], recipe: Recipe, dtype: DType) -> StreamTuner:
    """Where the methods of a job learn."""
    execution = Execution.of(job, dtype)
    return StreamTuner.load(job.inputs.folder("base"), job.inputs.folders("tasks"), recipe, execution, job=job.code)


def _rates(own: Chosen, equal: float | None) -> dict[Rate, Chosen]:
    """The values of a method at its own rate and at that of all."""
    return {"own": own} if equal is None else {"own": own, "equal": replace(own, learning_rate=equal)}


def _rows(job: Job[Any], method: str, rate: Rate, order: str, scores: Iterable[StageScore]) -> Iterator[StreamRow]:
    scorings: dict[str, Scoring] = dict(zip(ACCURACIES, SCORINGS, strict=True))
    for score in scores:
        cells = asdict(score)
        scoring = scorings.get(score.metric)
        cells["metric"] = "accuracy" if scoring else score.metric
        yield StreamRow(job.suite, job.model, job.seed, method, rate, order, scoring=scoring, **cells)


def _by_stream(paths: Iterable[Path]) -> dict[tuple[str, str], list[Path]]:
    """Patches of the stages of each stream: `.../<order>/<rate>/<stage>_<task>.safetensors`, the first stage first."""
    found: dict[tuple[str, str], list[Path]] = {}
    for path in paths:
        order, rate = path.parts[-3:-1]
        found.setdefault((order, rate), []).append(path)
    return {
        stream: sorted(own, key=lambda path: int(path.name.partition("_")[0])) for stream, own in found.items()
    }  # fmt: skip


def _learned(patches: Sequence[Path], rows: Path, rate: Rate) -> Iterator[Learned]:
    """What the stages of a stream left, with what they cost."""
    costs = {(row.stage, row.metric): row.value for row in STREAMS.read(rows) if row.rate == rate}
    for stage, path in enumerate(patches, start=1):
        passes, loss = int(costs[stage, "passes"] or 0), costs[stage, "loss"] or 0.0
        yield replace(of_patch(load_patch(path)), passes=passes, loss=loss)
