"""Own less other: what a task loses without its own neurons beyond what it loses without those of others."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import fmean

from taskneurons.evidence.measurements import Measurement, Metric
from taskneurons.evidence.tasks import DescribedTask, kind_of, task_kinds
from taskneurons.studies.deactivation.chance import guessed
from taskneurons.studies.deactivation.rows import Against, Group, SpecificityRow
from taskneurons.studies.deactivation.summary import group_of

AGAINST: tuple[Against, ...] = ("sibling", "other_family", "other_kind", "random")
# A cell: run, seed, tested task and metric.
_Cell = tuple[str, str, int, str, Metric]


def own_less_other(rows: Iterable[Measurement], tasks: Sequence[DescribedTask]) -> list[SpecificityRow]:
    """The specificity of each task's neurons, by setting, seed and metric, paired within seed and tested task.

    Args:
        rows: of any runs.
        tasks: of every suite in the rows.

    Returns:
        By run, setting, task in the order of the suites, metric, seed, and whose neurons are compared.

    Raises:
        InputError: a row's task is not described in `tasks`.
    """
    rows, known = list(rows), {(task.suite, task.name): task for task in tasks}
    kinds = task_kinds(tasks)
    original: dict[_Cell, float] = {}
    own: dict[tuple[Group, int, str, Metric], float] = {}
    other: dict[tuple[Group, int, str, Metric], dict[Against, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        kind_of(kinds, row.suite, row.test_task)
        key = group_of(row), row.seed, row.test_task, row.metric
        if row.condition == "original":
            original[row.suite, row.model, row.seed, row.test_task, row.metric] = row.value
        elif row.condition == "task":
            own[key] = row.value
        elif row.condition == "random":
            other[key]["random"].append(row.value)
        elif row.condition == "other_task" and row.train_task is not None:
            kind_of(kinds, row.suite, row.train_task)
            both = known[row.suite, row.test_task], known[row.suite, row.train_task]
            other[key][_relation(*both)].append(row.value)
    at_chance = guessed(rows, tasks)
    found = []
    for (group, seed, name, metric), value in own.items():
        task = known[group.suite, name]
        start = original.get((group.suite, group.model, seed, name, metric))
        if start is None:
            continue
        sign = -1 if metric == "loss" else 1
        for against in AGAINST:
            values = other[group, seed, name, metric][against]
            if not values:
                continue
            drops = sign * (start - value), sign * (start - fmean(values))
            found.append(
                SpecificityRow(
                    **vars(group),
                    seed=seed,
                    task=name,
                    kind=task.kind,
                    family=task.family,
                    at_chance=(group.suite, group.model, name) in at_chance,
                    metric=metric,
                    against=against,
                    sets=len(values),
                    own=drops[0],
                    other=drops[1],
                    difference=drops[0] - drops[1],
                )
            )
    places = {name: place for place, name in enumerate(known)}
    return sorted(found, key=lambda row: (*_setting(row), places[row.suite, row.task], row.metric, row.seed))


def _setting(row: SpecificityRow) -> tuple[str, ...]:
    return (row.suite, row.model, str(row.estimator), f"{row.percent:09.3f}", str(row.selection), str(row.intervention))


def _relation(tested: DescribedTask, trained: DescribedTask) -> Against:
    if tested.kind != trained.kind:
        return "other_kind"
    return "sibling" if tested.family == trained.family else "other_family"
