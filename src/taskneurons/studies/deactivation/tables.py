"""The drops of every task without every task's neurons, as a matrix and a test; our values beside the printed ones.

The summary over seeds is in `summary`; the jobs of all tables are here.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

import numpy as np

from taskneurons.errors import InputError
from taskneurons.evidence.measurements import MEASUREMENTS, Condition, Measurement, gather_measurements
from taskneurons.evidence.papers import SCORES, PaperScore, mirrored, printed_rows
from taskneurons.evidence.tasks import MEANS, SCORE, DescribedTask, described_tasks, kind_of, task_kinds
from taskneurons.files import read_json
from taskneurons.job import Job, NoSettings
from taskneurons.studies.deactivation import diagonal
from taskneurons.studies.deactivation.chance import guessed
from taskneurons.studies.deactivation.rows import (
    DIAGONAL,
    PUBLISHED,
    SPECIFICITY,
    SUMMARY,
    DiagonalRow,
    Group,
    PublishedRow,
    SummaryRow,
)
from taskneurons.studies.deactivation.specificity import own_less_other
from taskneurons.studies.deactivation.summary import group_of, summarise_deactivation

PRINTED: dict[Condition, str] = {"original": "original", "random": "deactivate_random", "task": "deactivate_task"}
"""What the paper calls the conditions that it has."""


def drop_matrix(rows: Iterable[Measurement], names: Sequence[str], metrics: Mapping[str, str], seed: int) -> np.ndarray:
    """Drops of one seed, rows = whose neurons are deactivated, columns = the tested task; NaN where not measured.

    Args:
        rows: of one suite and model: one setting, and the original model.
        names: the tasks, in the order of rows and columns.
        metrics: the metric of each tested task.
        seed: the seed of the run.
    """
    places = {name: place for place, name in enumerate(names)}
    original = np.full(len(names), np.nan)
    deactivated = np.full((len(names), len(names)), np.nan)
    for row in rows:
        if row.seed != seed or row.test_task not in places or row.metric != metrics[row.test_task]:
            continue
        if row.condition == "original":
            original[places[row.test_task]] = row.value
        elif row.condition in ("task", "other_task") and row.train_task in places:
            deactivated[places[row.train_task], places[row.test_task]] = row.value
    sign = np.array([-1.0 if metrics[name] == "loss" else 1.0 for name in names])
    drops: np.ndarray = (original - deactivated) * sign
    return drops


def diagonal_tests(rows: Sequence[Measurement], tasks: Sequence[DescribedTask]) -> list[DiagonalRow]:
    """Test whether the drop is largest on the task whose neurons are deactivated (Leng & Xiong 2025, Figure 5 a-b).

    For every model and setting with more than the own task tested; p is adjusted over all tests of a model and seed.
    Tasks that the untouched model does no better on than by chance are left out: neither what they lose nor what their
    neurons cost others tells anything.

    Args:
        rows: of all runs.
        tasks: of every suite in the rows; families and kinds define the means.

    Raises:
        InputError: a row's task is not described in `tasks`.
    """
    kinds = task_kinds(tasks)
    originals: dict[tuple[str, str], list[Measurement]] = defaultdict(list)
    groups: dict[Group, list[Measurement]] = defaultdict(list)
    tested: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows:
        kind_of(kinds, row.suite, row.test_task)
        tested[row.suite, row.model].add(row.test_task)
        if row.condition == "original":
            originals[row.suite, row.model].append(row)
        elif row.condition in ("task", "other_task"):
            groups[group_of(row)].append(row)
    at_chance = guessed(rows, tasks)
    results = []
    for group, own in groups.items():
        if all(row.condition == "task" for row in own):
            continue
        run = group.suite, group.model
        both = own + originals[run]
        members = [task for task in tasks if task.suite == group.suite and task.name in tested[run]]
        tests = diagonal.diagonal_tests(
            [task for task in members if (*run, task.name) not in at_chance],
            {(row.test_task, row.metric) for row in both},
            sorted({row.seed for row in own}),
            partial(drop_matrix, both),
            "drops",
        )
        results += [DiagonalRow(**vars(group), **vars(test)) for test in tests]
    return _adjusted(results)


def _adjusted(tests: Sequence[DiagonalRow]) -> list[DiagonalRow]:
    """The tests in their order, each adjusted over all tests of its model and seed."""
    families: dict[tuple[str, str, int | str], list[DiagonalRow]] = defaultdict(list)
    for test in tests:
        families[test.suite, test.model, test.seed].append(test)
    done = {family: iter(diagonal.adjusted(members)) for family, members in families.items()}
    return [next(done[test.suite, test.model, test.seed]) for test in tests]


def compare_with_published(
    summary: Sequence[SummaryRow],
    printed: Mapping[str, Sequence[PaperScore]],
    tasks: Sequence[DescribedTask],
    architectures: Mapping[str, str],
) -> list[PublishedRow]:
    """Our values beside those of Table 1 (Llama-2-7b), or of Table 6 (Bloom-7b1) for models of the Bloom architecture.

    Each of our tasks stands beside the paper's task that it is or mirrors; tasks without one are left out, and so is
    the average over a kind unless our tasks stand for exactly the paper's. Accuracy is the freely generated one.

    Args:
        summary: of `summarise_deactivation`.
        printed: the rows of `T1` and `T6`.
        tasks: of every suite in the summary.
        architectures: architecture of each model, as its configuration names it.

    Raises:
        InputError: a model has no architecture.
    """
    mirrors = mirrored(tasks, printed["T1"])
    # An average without the tasks at chance is not the paper's average.
    partly = {
        (row.suite, row.model, MEANS[row.kind]) for row in summary if row.condition == "original" and row.at_chance
    }
    compared = []
    for row in summary:
        theirs = mirrors.get((row.suite, row.task))
        if (row.suite, row.model, row.task) in partly:
            continue
        if theirs is None or row.condition not in PRINTED or row.metric != SCORE[row.kind]:
            continue
        if row.model not in architectures:
            raise InputError(f"the architecture of model `{row.model}` is not given")
        table = "T6" if architectures[row.model] == "bloom" else "T1"
        compared.append(_beside(row, table, theirs, printed[table]))
    return compared


def _beside(row: SummaryRow, table: str, theirs: str, printed: Sequence[PaperScore]) -> PublishedRow:
    values = {paper.condition: paper.value for paper in printed if paper.task == theirs}
    value = values.get(PRINTED[row.condition])
    # The papers print one decimal, so their difference has no more.
    drop = None if value is None or row.condition == "original" else round(values["original"] - value, 1)
    return PublishedRow(
        table=table,
        suite=row.suite,
        model=row.model,
        **vars(row.setting),
        condition=row.condition,
        task=row.task,
        published_task=theirs,
        metric=row.metric,
        published=value,
        value=row.value,
        low=row.low,
        high=row.high,
        interval=row.interval,
        published_drop=drop,
        drop=row.drop,
        drop_low=row.drop_low,
        drop_high=row.drop_high,
        drop_interval=row.drop_interval,
        seeds=row.seeds,
    )


# Jobs


def tabulate(job: Job[NoSettings]) -> None:
    """Gather every deactivation, and the models as they were, into one table."""
    MEASUREMENTS.write(job.outputs.one("rows"), gather_measurements(job.inputs["rows"], "deactivation"))


def summarise(job: Job[NoSettings]) -> None:
    """Means and intervals over seeds, own less other, the test of the diagonal, and our values beside printed ones."""
    rows = MEASUREMENTS.read(job.inputs.one("rows"))
    tasks = described_tasks(job.inputs["tasks"])
    printed = {table: printed_rows(SCORES, job.inputs["published"], table) for table in ("T1", "T6")}
    # A checkpoint lies below `results/models/<suite>/<model>/`.
    architectures = {path.parts[3]: read_json(path)["architecture"] for path in job.inputs["checkpoints"]}
    summary = summarise_deactivation(rows, tasks)
    SUMMARY.write(job.outputs.one("summary"), summary)
    DIAGONAL.write(job.outputs.one("diagonal"), diagonal_tests(rows, tasks))
    SPECIFICITY.write(job.outputs.one("specificity"), own_less_other(rows, tasks))
    PUBLISHED.write(job.outputs.one("published"), compare_with_published(summary, printed, tasks, architectures))
