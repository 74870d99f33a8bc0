"""Does a larger overlap with a task's neurons help the task? Tables 9 to 11 of Leng & Xiong 2025, where it is set.

Random neurons, a set share of which lies in the test task's set, are trained on the tasks of one kind together. They
are of the half of that set with the higher scores, or of that with the lower ones: more overlap with the former also
means neurons that matter more to the test task, and two sets of the same overlap differ in this alone.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

import numpy as np

from taskneurons.errors import InputError
from taskneurons.evidence.changes import called
from taskneurons.evidence.could_show import SETTINGS, SettingRow, setting_rows
from taskneurons.evidence.intervals import Stated, stated
from taskneurons.evidence.papers import CONTROLLED as PRINTED
from taskneurons.evidence.papers import PaperControlled, printed_rows
from taskneurons.evidence.tasks import KINDS, SCORE, DescribedTask, Kind, described_tasks, kind_of, task_kinds
from taskneurons.evidence.trained import TRAINED, Trained, gather_trained
from taskneurons.job import Job, NoSettings
from taskneurons.measures.stats import MINIMUM_SEEDS, holm
from taskneurons.measures.trend import Block, slope
from taskneurons.studies.overlap.rows import CONTROLLED, MEMBERS, TREND, ControlledRow, Members, TrendRow

COMBINATIONS: dict[tuple[Kind, Kind], str] = {
    ("classification", "classification"): "T9",
    ("generation", "generation"): "T10",
    ("generation", "classification"): "T11",
}
"""The kind that is trained on and the kind that is tested -> the paper's table."""
CHOICES = "95 % t over choices"
# Slopes are given for each ten points of overlap.
STEP = 10.0

Published = Mapping[str, Sequence[PaperControlled]]
"""The rows of `T9`, `T10` and `T11`."""


@dataclass(frozen=True)
class Case:
    """What a trend is taken over: one run, one pair of kinds, one trained share, one half of the sets, one metric.

    Attributes: as the columns of `ControlledRow`.
    """

    suite: str
    model: str
    estimator: str
    selection: str
    trained: Kind
    tested: Kind
    percent: float
    members: Members
    metric: str

    @property
    def table(self) -> str:
        """The paper's table; empty where it has none."""
        return COMBINATIONS.get((self.trained, self.tested), "")

    @property
    def is_score(self) -> bool:
        """Whether the metric is the one that the paper reports."""
        return self.metric == SCORE[self.tested]


@dataclass(frozen=True)
class Score:
    """What one model scores whose overlap was set.

    Attributes:
        case: what it belongs to.
        seed: of the run.
        test_task: the task that is tested.
        share: the true share of all neurons that is trained, in percent.
        overlap: share of the trained neurons that lie in the test task's set, in percent.
        draw: number of the random choice of neurons.
        learning_rate: the highest of the schedule.
        value: percent; of the loss, nats a token.
        n: test examples.
    """

    case: Case
    seed: int
    test_task: str
    share: float
    overlap: float
    draw: int
    learning_rate: float
    value: float
    n: int


def controlled_scores(rows: Iterable[Trained], tasks: Iterable[DescribedTask]) -> list[Score]:
    """The rows whose overlap was set.

    Raises:
        InputError: a row's task is not described in `tasks`, or a row does not say what was trained.
    """
    kinds = task_kinds(tasks)
    return [_score(row, kind_of(kinds, row.suite, row.test_task)) for row in rows if row.overlap is not None]


def controlled_summary(
    rows: Sequence[Trained], tasks: Sequence[DescribedTask], published: Published
) -> list[ControlledRow]:
    """Mean score of each pair of kinds, trained share and overlap, beside the printed one.

    The mean is over test tasks, seeds and random choices of neurons.

    Args:
        rows: of `gather_trained`; those without an overlap give the scores of the untrained model.
        tasks: of every suite in the rows.
        published: the rows of `T9`, `T10` and `T11`.

    Raises:
        InputError: as `controlled_scores`.
    """
    untrained = {
        (row.suite, row.model, row.seed, row.test_task, row.metric): row.value
        for row in rows
        if row.condition == "zero_shot"
    }
    groups: dict[tuple[Case, float], list[Score]] = defaultdict(list)
    for score in controlled_scores(rows, tasks):
        groups[score.case, score.overlap].append(score)
    return CONTROLLED.sorted(
        _summarised(case, overlap, own, untrained, published) for (case, overlap), own in groups.items()
    )


def controlled_trend(rows: Sequence[Trained], tasks: Sequence[DescribedTask], published: Published) -> list[TrendRow]:
    """Does the score go with the overlap? The slope for ten points of overlap, its intervals and its test.

    Args, Raises: as `controlled_summary`.
    """
    groups: dict[Case, list[Score]] = defaultdict(list)
    for score in controlled_scores(rows, tasks):
        groups[score.case].append(score)
    found = [_trend(case, own, published) for case, own in groups.items()]
    return TREND.sorted(_adjusted(found))


def printed(rows: Iterable[PaperControlled], percent: float) -> list[tuple[float, float]]:
    """(overlap, value) of a printed table at one trained share, in the order of the overlaps.

    Args:
        rows: of `T9`, `T10` or `T11`.
        percent: trained share.
    """
    own = (row for row in rows if float(row.trained_percent) == percent)
    return sorted((float(row.overlap_percent), row.value) for row in own)


def published_slope(rows: Iterable[PaperControlled], percent: float) -> float | None:
    """Least-squares slope of the printed values for ten points of overlap; None with fewer than two of them.

    Args: as `printed`.
    """
    points = np.array(printed(rows, percent))
    if len(points) < 2:
        return None
    return float(np.polyfit(points[:, 0] / STEP, points[:, 1], 1)[0])


def read_printed(paths: Iterable[Path]) -> dict[str, list[PaperControlled]]:
    """The rows of Tables 9 to 11, which are among the paths.

    Raises:
        InputError: as `printed_rows`.
    """
    paths = list(paths)
    return {table: printed_rows(PRINTED, paths, table) for table in COMBINATIONS.values()}


def _score(row: Trained, tested: Kind) -> Score:
    trained = next((kind for kind in KINDS if kind == row.train_task), None)
    members = next((members for members in MEMBERS if members == row.condition), None)
    if (
        trained is None
        or members is None
        or row.estimator is None
        or row.selection is None
        or row.percent is None
        or row.share is None
        or row.overlap is None
        or row.draw is None
        or row.learning_rate is None
    ):
        raise InputError(f"a row of {row.test_task} has an overlap, but does not say what was trained: {row}")
    case = Case(row.suite, row.model, row.estimator, row.selection, trained, tested, row.percent, members, row.metric)
    return Score(case, row.seed, row.test_task, row.share, row.overlap, row.draw, row.learning_rate, row.value, row.n)


def _summarised(
    case: Case,
    overlap: float,
    scores: Sequence[Score],
    untrained: Mapping[tuple[str, str, int, str, str], float],
    published: Published,
) -> ControlledRow:
    by_task: dict[tuple[str, int], list[float]] = defaultdict(list)
    for score in scores:
        by_task[score.test_task, score.seed].append(score.value)
    names = sorted({task for task, _ in by_task})
    seeds = {seed for _, seed in by_task}
    over_seeds = stated([{s: fmean(v) for (t, s), v in by_task.items() if t == name} for name in names])
    over_choices, spread = _over_choices(list(by_task.values()))
    mean = over_seeds if len(seeds) >= MINIMUM_SEEDS else over_choices
    before = [untrained.get((case.suite, case.model, seed, task, case.metric)) for task, seed in by_task]
    known = [value for value in before if value is not None]
    sign = -1.0 if case.metric == "loss" else 1.0
    changes = {
        (task, seed): sign * (fmean(values) - start)
        for ((task, seed), values), start in zip(by_task.items(), before, strict=True)
        if start is not None
    }
    change = stated([{s: value for (t, s), value in changes.items() if t == name} for name in names])
    values = dict(printed(published.get(case.table, ()), case.percent)) if case.is_score else {}
    return ControlledRow(
        **vars(case),
        table=case.table,
        share=fmean(score.share for score in scores),
        overlap=overlap,
        learning_rate=", ".join(f"{rate:g}" for rate in sorted({score.learning_rate for score in scores})),
        before=fmean(known) if len(known) == len(before) else None,
        after=mean.mean,
        low=mean.low,
        high=mean.high,
        interval=mean.interval,
        choice_sd=spread,
        change=change.mean,
        change_low=change.low,
        change_high=change.high,
        called=called(change.low, change.high, seen=False),
        choices=min(map(len, by_task.values())),
        tasks=len(names),
        seeds=len(seeds),
        n=sum(min(score.n for score in scores if score.test_task == name) for name in names),
        published=values.get(overlap),
    )


def _trend(case: Case, scores: Sequence[Score], published: Published) -> TrendRow:
    blocks = _blocks(scores, -1.0 if case.metric == "loss" else 1.0)
    trend = slope(list(blocks.values()))
    alone: dict[str, dict[int, float]] = defaultdict(dict)
    if trend.value is not None:
        for (task, seed), (levels, values) in blocks.items():
            alone[task][seed] = float(np.polyfit(levels, values[:, 0], 1)[0])
    over = stated(list(alone.values())) if alone else Stated(None, None, None, "")
    return TrendRow(
        **vars(case),
        table=case.table,
        slope=trend.value,
        low=trend.low,
        high=trend.high,
        interval=CHOICES if trend.low is not None else "not available: " + (trend.reason or "too few models"),
        tasks_low=over.low,
        tasks_high=over.high,
        tasks_interval=over.interval,
        tasks_rising=sum(fmean(seeds.values()) > 0 for seeds in alone.values()) if alone else None,
        p_value=trend.p_value,
        p_holm=None,
        permutations=trend.permutations or None,
        exact=trend.exact if trend.permutations else None,
        models=trend.units,
        tasks=len({task for task, _ in blocks}),
        seeds=len({seed for _, seed in blocks}),
        published_slope=published_slope(published.get(case.table, ()), case.percent) if case.is_score else None,
        reason=trend.reason,
    )


def _adjusted(rows: Sequence[TrendRow]) -> list[TrendRow]:
    """The rows with p-values that are adjusted over all of one model with the same metric."""
    families: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for row in rows:
        if row.p_value is not None:
            families[_family(row)].append(row.p_value)
    values = {family: iter(holm(of_family)) for family, of_family in families.items()}
    return [row if row.p_value is None else replace(row, p_holm=next(values[_family(row)])) for row in rows]


def _family(row: TrendRow) -> tuple[str, str, str]:
    return row.suite, row.model, "score" if row.metric in SCORE.values() else row.metric


def _blocks(scores: Iterable[Score], sign: float) -> dict[tuple[str, int], Block]:
    """For each test task and seed: overlaps of the models in tens of points, and what they score."""
    models: dict[tuple[str, int], list[tuple[float, float]]] = defaultdict(list)
    for score in scores:
        models[score.test_task, score.seed].append((score.overlap / STEP, sign * score.value))
    arrays = {key: np.array(values) for key, values in models.items()}
    return {key: (values[:, 0], values[:, 1:]) for key, values in arrays.items()}


def _over_choices(groups: Sequence[Sequence[float]]) -> tuple[Stated, float | None]:
    """Mean of the groups' means with its t interval from the pooled scatter within groups, and that scatter."""
    mean = fmean(map(fmean, groups))
    freedom = sum(map(len, groups)) - len(groups)
    if not freedom:
        return Stated(mean, None, None, "not available: one choice, at least 2 are needed"), None
    centres = [fmean(group) for group in groups]
    squares = sum((x - centre) ** 2 for group, centre in zip(groups, centres, strict=True) for x in group)
    spread = math.sqrt(squares / freedom)
    if spread <= 1e-12 * max(map(abs, centres)):
        return Stated(mean, None, None, "not available: all choices are equal"), spread
    from scipy.special import stdtrit

    error = spread * math.sqrt(sum(1 / len(group) for group in groups)) / len(groups)
    half = float(stdtrit(freedom, 0.975)) * error
    return Stated(mean, mean - half, mean + half, CHOICES), spread


def settings_of(rows: Sequence[Trained], tasks: Sequence[DescribedTask]) -> list[SettingRow]:
    """Whether each pair of kinds could show an effect: see `SettingRow`. What was trained are neurons drawn anywhere.

    Raises:
        InputError: a row's task is not described in `tasks`.
    """
    pairs = sorted({(score.case.trained, score.case.tested) for score in controlled_scores(rows, tasks)})
    unseen = {row.test_task for row in rows if row.overlap is not None}
    return setting_rows(rows, tasks, pairs, unseen, lambda row: row.condition == "random")


# Jobs


def gather(job: Job[NoSettings]) -> None:
    """Gather what the trained models score into one table."""
    TRAINED.write(job.outputs.one("rows"), gather_trained(job.inputs["rows"], "overlap"))


def summarise(job: Job[NoSettings]) -> None:
    """Scores at every overlap that was set, and the test of their trend, beside Tables 9 to 11."""
    rows, tasks = TRAINED.read(job.inputs.one("rows")), described_tasks(job.inputs["tasks"])
    published = read_printed(job.inputs["published"])
    CONTROLLED.write(job.outputs.one("summary"), controlled_summary(rows, tasks, published))
    TREND.write(job.outputs.one("trend"), controlled_trend(rows, tasks, published))
    SETTINGS.write(job.outputs.one("setting"), settings_of(rows, tasks))
