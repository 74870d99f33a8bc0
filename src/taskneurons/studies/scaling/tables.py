"""Models of several sizes and architectures side by side: what deactivation costs, what scores are like, and transfer.

A model that has not learned its tasks decides nothing: it is in no mean and in no trend.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import log10
from statistics import fmean
from typing import Literal, cast

from taskneurons.evidence.intervals import in_words
from taskneurons.evidence.measurements import MEASUREMENTS, Measurement
from taskneurons.evidence.tasks import SCORE, DescribedTask, described_tasks
from taskneurons.evidence.trained import TRAINED, Trained
from taskneurons.job import Job
from taskneurons.measures.line import MINIMUM_POINTS, curvature_p, fit_line
from taskneurons.measures.stats import t_interval
from taskneurons.studies.scaling.rows import (
    MEASURED,
    MODELS,
    RANGES,
    SUMMARY,
    TREND,
    Measure,
    MeasureRow,
    ModelRow,
    SummaryRow,
    TrendRow,
)

Relation = Literal["sibling", "other_family"]
"""What another task of the same kind is to a task."""
Against = Literal["own", "random"] | Relation
"""Whose neurons are deactivated."""
_Model = tuple[str, str, int]
"""Suite, model, seed."""


def with_scores(
    models: Iterable[ModelRow], rows: Iterable[Measurement], tasks: Sequence[DescribedTask], *, learned: float
) -> list[ModelRow]:
    """The models with what they score on their tasks, and whether they have learned them.

    Args:
        models: of all runs.
        rows: scores of untouched models.
        tasks: of the suites of the models.
        learned: lowest mean score of a model that has learned its tasks, %.
    """
    score = {(task.suite, task.name): task.score for task in tasks}
    found: dict[_Model, list[float]] = defaultdict(list)
    for row in rows:
        if row.metric == score.get((row.suite, row.test_task)):
            found[row.suite, row.model, row.seed].append(row.value)
    with_score = []
    for model in models:
        values = found[model.suite, model.model, model.seed]
        mean = fmean(values) if values else None
        enough = mean is not None and mean >= learned
        with_score.append(replace(model, score=mean, lowest=min(values, default=None), learned=enough))
    return MODELS.sorted(with_score)


def effects(
    rows: Iterable[Measurement], models: Iterable[ModelRow], tasks: Sequence[DescribedTask]
) -> Iterator[MeasureRow]:
    """What the tasks of each model lose without their own top, and beyond what others' tops cost, by share.

    Only what is set to zero is read. Differences are paired by task, and so are means over tasks. A share of less than
    one neuron of the model is left out.

    Args:
        rows: of deactivation.
        models: of which effects are wanted.
        tasks: of the suites of the models.
    """
    known = {(task.suite, task.name): task for task in tasks}
    neurons = {(one.suite, one.model, one.seed): one.neurons for one in models}
    originals: dict[tuple[_Model, str, str], float] = {}
    measured: dict[_Model, list[Measurement]] = defaultdict(list)
    for row in rows:
        model = row.suite, row.model, row.seed
        if model in neurons and row.condition == "original":
            originals[model, row.test_task, row.metric] = row.value
        elif model in neurons and row.intervention == "zero":
            measured[model].append(row)
    for model, own_rows in measured.items():
        drops: dict[tuple[float, str, str], dict[Against, list[float]]] = defaultdict(lambda: defaultdict(list))
        for row in own_rows:
            task, against = known[row.suite, row.test_task], _against(row, known)
            if against is None or row.percent is None or row.metric not in ("loss", SCORE[task.kind]):
                continue
            change = originals[model, row.test_task, row.metric] - row.value
            unit = "" if row.metric == "loss" else "_points"
            key = float(row.percent), unit, row.test_task
            drops[key][against].append(-change if row.metric == "loss" else change)
        for percent in sorted({key[0] for key in drops}):
            if percent * neurons[model] >= 100:
                yield from _of_share(model, percent, drops)


def _of_share(
    model: _Model, percent: float, drops: Mapping[tuple[float, str, str], Mapping[Against, Sequence[float]]]
) -> Iterator[MeasureRow]:
    share = int(percent) if percent.is_integer() else percent
    for unit in ("", "_points"):
        of_tasks = [
            {against: fmean(values) for against, values in found.items()}
            for (at, of, _), found in drops.items()
            if (at, of) == (percent, unit)
        ]
        own = _mean(one.get("own") for one in of_tasks)
        yield MeasureRow(*model, cast(Measure, f"own{unit}"), share, own)
        less: dict[str, float | None] = {}
        for against in ("sibling", "other_family", "random"):
            pairs = [one["own"] - one[against] for one in of_tasks if "own" in one and against in one]
            less[against] = _mean(pairs)
            yield MeasureRow(*model, cast(Measure, f"own_less_{against}{unit}"), share, less[against])
        special = less["other_family"]
        if not unit:
            # A part of nothing, or of a gain, is none.
            part = None if own is None or own <= 0 or special is None else 100 * special / own
            yield MeasureRow(*model, "own_share", share, part)


def _against(row: Measurement, known: Mapping[tuple[str, str], DescribedTask]) -> Against | None:
    if row.condition == "task":
        return "own"
    if row.condition == "random":
        return "random"
    return _relation(row, known) if row.condition == "other_task" else None


def _mean(values: Iterable[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return fmean(there) if there else None


def transfers(
    rows: Iterable[Trained], models: Iterable[ModelRow], tasks: Sequence[DescribedTask]
) -> Iterator[MeasureRow]:
    """What a task of each model gains when the whole pre-trained model is trained on another task of its kind.

    A task's gains of several trained tasks are averaged first, so that each tested task weighs the same.

    Args:
        rows: of the study of similarity.
        models: of which gains are wanted.
        tasks: of the suites of the models.
    """
    known = {(task.suite, task.name): task for task in tasks}
    wanted = {(one.suite, one.model, one.seed) for one in models}
    before: dict[tuple[_Model, str, str], float] = {}
    after: list[tuple[_Model, Trained]] = []
    for row in rows:
        model = row.suite, row.model, row.seed
        if model in wanted and row.condition == "zero_shot":
            before[model, row.test_task, row.metric] = row.value
        elif model in wanted and row.condition == "full":
            after.append((model, row))
    gains: dict[tuple[_Model, Measure], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for model, row in after:
        relation, loss = _relation(row, known), row.metric == "loss"
        if relation is None or not (loss or row.metric == SCORE[known[row.suite, row.test_task].kind]):
            continue
        change = row.value - before[model, row.test_task, row.metric]
        measure = cast(Measure, f"transfer_{relation}{'' if loss else '_points'}")
        gains[model, measure][row.test_task].append(-change if loss else change)
    for (model, measure), by_task in gains.items():
        yield MeasureRow(*model, measure, None, fmean(fmean(values) for values in by_task.values()))


def _relation(row: Measurement | Trained, known: Mapping[tuple[str, str], DescribedTask]) -> Relation | None:
    """What the other task is to the tested one; none where it is the same task or of another kind."""
    if row.train_task is None or row.train_task == row.test_task:
        return None
    tested, trained = known[row.suite, row.test_task], known[row.suite, row.train_task]
    if tested.kind != trained.kind:
        return None
    return "sibling" if tested.family == trained.family else "other_family"


def summarise(models: Sequence[ModelRow], rows: Iterable[MeasureRow]) -> list[SummaryRow]:
    """The mean of each measure of a model over the seeds in which it has learned its tasks.

    Args:
        models: with scores.
        rows: of the measures.
    """
    runs: dict[tuple[str, str], list[ModelRow]] = defaultdict(list)
    for model in models:
        runs[model.suite, model.model].append(model)
    values: dict[tuple[str, str, Measure, float | None], dict[int, float | None]] = defaultdict(dict)
    for row in rows:
        values[row.suite, row.model, row.measure, row.percent][row.seed] = row.value
    found = []
    for (suite, name, measure, percent), by_seed in values.items():
        run = runs[suite, name]
        learned = [by_seed.get(one.seed) for one in run if one.learned]
        there = [value for value in learned if value is not None]
        interval = t_interval(there)
        words = in_words(interval) if any(one.learned for one in run) else "not available: tasks not learned"
        found.append(
            SummaryRow(
                suite, name, run[0].architecture, fmean(one.parameters for one in run), measure, percent, len(there),
                len(run), interval.mean, interval.low, interval.high, words,
            )
        )  # fmt: skip
    return SUMMARY.sorted(found)


def trends(rows: Sequence[SummaryRow], sizes: Sequence[str], *, predicted: float) -> list[TrendRow]:
    """The line of each measure through the models of one architecture, over the logarithm of their parameters.

    Args:
        rows: of the summary.
        sizes: names of the models that the line goes through.
        predicted: number of parameters for which a prediction is wanted.
    """
    points: dict[tuple[str, Measure, float | None], list[SummaryRow]] = defaultdict(list)
    for row in rows:
        if row.model in sizes:
            points[row.suite, row.measure, row.percent].append(row)
    found = []
    for (suite, measure, percent), every in points.items():
        there = [(log10(row.parameters), row.value) for row in every if row.value is not None]
        levels, values = [level for level, _ in there], [value for _, value in there]
        line, bend = fit_line(levels, values), curvature_p(levels, values)
        if line is None:
            note = f"{len(there)} models that have learned their tasks, at least {MINIMUM_POINTS} are needed"
            found.append(TrendRow(suite, measure, percent, len(there), note=note))
            continue
        smallest, largest = min(levels), max(levels)
        far = line.at(log10(predicted))
        lowest, highest = RANGES.get(measure, (-float("inf"), float("inf")))
        found.append(
            TrendRow(
                suite, measure, percent, len(there), 10**smallest, 10**largest, line.slope, line.low, line.high,
                bend, line.at(largest).value, predicted, log10(predicted) - largest, far.value, far.low, far.high,
                lowest <= far.value <= highest,
            )
        )  # fmt: skip
    return TREND.sorted(found)


# Jobs


@dataclass(frozen=True)
class TabulateSettings:
    """Settings of `tabulate`.

    Attributes:
        learned: lowest mean score of a model that has learned its tasks, %.
        sizes: names of the models through which the trend goes.
        predicted: number of parameters for which a prediction is wanted.
    """

    learned: float
    sizes: tuple[str, ...]
    predicted: float


def tabulate(job: Job[TabulateSettings]) -> None:
    """Gather all models, their measures, effects and transfer; average over seeds, and fit the trend over sizes."""
    settings, tasks = job.settings, described_tasks(job.inputs["tasks"])
    scores = MEASUREMENTS.gather(job.inputs["scores"])
    models = with_scores(MODELS.gather(job.inputs["models"]), scores, tasks, learned=settings.learned)
    rows = MEASURED.gather(job.inputs["measures"])
    for path in job.inputs["effects"]:
        rows += effects(MEASUREMENTS.read(path), models, tasks)
    for path in job.inputs["transfer"]:
        rows += transfers(TRAINED.read(path), models, tasks)
    summary = summarise(models, rows)
    MODELS.write(job.outputs.one("models"), models)
    MEASURED.write(job.outputs.one("rows"), MEASURED.sorted(rows))
    SUMMARY.write(job.outputs.one("summary"), summary)
    TREND.write(job.outputs.one("trend"), trends(summary, settings.sizes, predicted=settings.predicted))
