"""Tables of overlap beside chance (Leng & Xiong 2025, Table 8): pairs of tasks, unions of groups, split halves.

Overlap is the Jaccard index (Eq. 13), in percent.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from taskneurons.evidence.papers import OVERLAPS, PaperOverlap, printed_rows
from taskneurons.evidence.tasks import DescribedTask, described_tasks
from taskneurons.job import Job
from taskneurons.neurons.scores import Within
from taskneurons.studies.overlap.means import ONE_SEED, blank, mean_over_seeds
from taskneurons.studies.overlap.pairs import Tasks, pair_table, relation_rows
from taskneurons.studies.overlap.rows import GROUPS, PAIRS, SUMMARY, SummaryRow
from taskneurons.studies.overlap.sets import ScoredRun, TaskSets, chance, read_scored_runs
from taskneurons.studies.overlap.unions import union_rows

Groups = Mapping[str, Sequence[str]]
"""The tasks of `train_classification`, `test_classification` and so on."""


def overlap_summary(
    runs: Sequence[ScoredRun],
    groups: Mapping[str, Groups],
    tasks: Mapping[str, Tasks],
    published: Iterable[PaperOverlap],
    *,
    percents: Sequence[float],
    within: Within,
    permutations: int,
) -> list[SummaryRow]:
    """Table 8 beside chance and ceiling, the means over pairs of tasks, and the split halves; in all and by layer.

    With several seeds there are rows of each and of their mean.

    Args:
        runs: scores.
        groups: for each suite, its groups.
        tasks: for each suite, what they are.
        published: rows of Table 8.
        percents, within: see `NeuronScores.top`.
        permutations: draws of each null.

    Raises:
        InputError: a task is not described or has no scores.
    """
    printed = {(row.train_test, float(row.percent)): row.overlap for row in published}
    rows: list[SummaryRow] = []
    by_model: dict[tuple[str, str], list[ScoredRun]] = defaultdict(list)
    for run in runs:
        by_model[run.suite, run.model].append(run)
    for (suite, _), own in by_model.items():
        for percent in percents:
            found = [run.sets(percent, within) for run in own]
            for layer in (None, *range(own[0].shape[0])):
                for group in GROUPS:
                    value = printed.get((group, float(percent))) if layer is None else None
                    rows += [
                        _beside(row, value) for row in union_rows(found, groups[suite], group, layer, permutations)
                    ]
                rows += relation_rows(found, tasks[suite], layer, permutations)
            rows += _halves(found)
    return rows


def _beside(row: SummaryRow, value: float | None) -> SummaryRow:
    """With the printed value, whose difference from chance has no more decimals than the table."""
    if value is None or row.expected_model is None:
        return replace(row, published=value)
    return replace(row, published=value, published_excess=round(value - row.expected_model, 1))


def _halves(found: Sequence[TaskSets]) -> Iterator[SummaryRow]:
    """The overlap of the two halves of each task: each seed, and their mean."""
    for task in found[0].run.whole:
        rows = []
        for sets in found:
            row = replace(blank(sets, "halves", task), interval=ONE_SEED)
            if reason := sets.why_not([task]):
                rows.append(replace(row, reason=reason))
                continue
            one, other = sets.halves[task]
            value = 100 * one.jaccard(other)
            null = 100 * chance([one.layers(), other.layers()], sets.size).expected
            rows.append(replace(row, value=value, null_layer=null, excess_layer=value - null))
        yield from rows
        if len(rows) > 1:
            yield mean_over_seeds(rows)


# Jobs


@dataclass(frozen=True)
class TabulateSettings:
    """Settings of `tabulate`.

    Attributes:
        groups: for each suite, its groups of tasks.
        percents, within: of the sets.
        permutations: draws of each null.
    """

    groups: Mapping[str, Mapping[str, tuple[str, ...]]]
    percents: tuple[float, ...]
    within: Within
    permutations: int


def tabulate(job: Job[TabulateSettings]) -> None:
    """Overlap of the neurons of tasks beside chance and ceiling: every two tasks, and the groups of Table 8."""
    settings = job.settings
    tasks: dict[str, dict[str, DescribedTask]] = defaultdict(dict)
    for task in described_tasks(job.inputs["tasks"]):
        tasks[task.suite][task.name] = task
    runs = read_scored_runs(job.inputs["scores"])
    PAIRS.write(job.outputs.one("pairs"), pair_table(runs, tasks, percents=settings.percents, within=settings.within))
    summary = overlap_summary(
        runs,
        settings.groups,
        tasks,
        printed_rows(OVERLAPS, job.inputs["published"], "T8"),
        percents=settings.percents,
        within=settings.within,
        permutations=settings.permutations,
    )
    SUMMARY.write(job.outputs.one("summary"), summary)
