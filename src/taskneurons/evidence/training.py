"""Table of the training study: what each task gains when neurons are trained (Leng & Xiong 2025, Tables 2 and 7).

Rows are those of `tuned.gather_tuned`, tasks as in `tables`. A gain is positive where training helps: trained -
untrained for scores, untrained - trained for the loss.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, stdev
from typing import Any

from taskneurons.evidence.chance import at_chance, chance_level
from taskneurons.evidence.tables import KINDS, Tasks, kind_of, task_kinds
from taskneurons.evidence.training_intervals import signed_rank, stated
from taskneurons.evidence.tuned import CONDITIONS, Row
from taskneurons.measures.stats import holm

SETTING = ("estimator", "percent", "selection")
# Conditions that train no selected neurons, and so have no setting.
UNSELECTED = ("zero_shot", "ffn", "full")
TRAINING_COLUMNS = (
    "suite", "model", *SETTING, "condition", "task", "kind", "metric", "share", "learning_rate", "seeds", "value",
    "low", "high", "interval", "gain", "gain_low", "gain_high", "gain_interval", "gain_p",
    "gain_p_holm", "over_random", "over_random_low", "over_random_high", "over_random_interval", "over_random_p",
    "over_random_p_holm", "tasks", "gain_tasks", "over_random_tasks", "draws", "draw_sd", "n", "chance", "at_chance",
)  # fmt: skip

Key = tuple[Any, ...]


def arms(rows: Iterable[Row]) -> list[Row]:
    """The rows of the table: every task tested by the model that was trained on it, and the untrained model.

    Of the models that train another task's neurons only the table's arm is taken, whose rows have a draw.
    """
    return [
        row
        for row in rows
        if row["condition"] == "zero_shot"
        or (row["train_task"] == row["test_task"] and (row["condition"] != "other_task" or row["draw"] is not None))
    ]


def training_summary(rows: Iterable[Row], tasks: Tasks) -> list[Row]:
    """Means over seeds with t intervals, gains over the untrained model and over as many random neurons.

    Differences are paired by seed; random draws are averaged within a seed first, `draws` says how many there were and
    `draw_sd` is their standard deviation, averaged over seeds. `mean_cls` and `mean_gen` are averages over all tasks of
    a kind, made within each seed that has them all; `mean_all`, for the loss alone, is over both kinds.

    `interval`, `gain_interval` and `over_random_interval` say which interval stands beside the mean
    (`training_intervals.stated`): `95 % t` over seeds; below three seeds, for averages, `95 % t over tasks
    as if independent`; or why there is none.
    For averages `gain_p` and `over_random_p` are exact two-sided p-values of the Wilcoxon signed-rank test over tasks
    (each task's mean over seeds), `gain_p_holm` and `over_random_p_holm` are adjusted over all conditions and settings
    of one model, kind and metric; `gain_tasks` and `over_random_tasks` count the tasks with a positive difference.
    A score stands beside the level of chance, and `at_chance` says whether it is no better.

    Args:
        rows: of `tuned.gather_tuned`.
        tasks: of every suite in the rows.

    Raises:
        InputError: a row's task is not described in `tasks`.
    """
    kinds = task_kinds(tasks)
    chances = {(task["suite"], task["name"]): chance_level(task) for task in tasks}
    cells: dict[Key, dict[int, dict[Any, float]]] = defaultdict(lambda: defaultdict(dict))
    facts: dict[Key, list[Row]] = defaultdict(list)
    for row in arms(rows):
        kind = kind_of(kinds, row["suite"], row["test_task"])
        key = (*_group(row), row["condition"], row["test_task"], kind, row["metric"])
        cells[key][row["seed"]][row["draw"]] = row["value"]
        facts[key].append(row)
    members = _add_means(cells)
    per_seed = {key: {seed: fmean(v.values()) for seed, v in seeds.items()} for key, seeds in cells.items()}

    summary = []
    for key, seeds in cells.items():
        suite, _, *setting, condition, task, kind, metric = key
        of = members.get(key, [key])
        row = dict(zip(("suite", "model", *SETTING), key, strict=False))
        row |= {"condition": condition, "task": task, "kind": kind, "metric": metric}
        row |= _facts([fact for member in of for fact in facts[member]])
        row |= {"seeds": len(seeds), "draws": min(map(len, seeds.values()))}
        spreads = [stdev(v.values()) for v in seeds.values() if len(v) > 1]
        row["draw_sd"] = fmean(spreads) if spreads else None
        row |= stated([per_seed[member] for member in of]).cells()
        sign = -1.0 if metric == "loss" else 1.0
        if condition != "zero_shot":
            row |= _difference("gain", per_seed, of, ("zero_shot", *[None] * len(SETTING)), sign)
        if condition not in (*UNSELECTED, "random"):
            row |= _difference("over_random", per_seed, of, ("random", *setting), sign)
        if key in members:
            row["tasks"] = len(of)
        if metric != "loss" and chances.get((suite, task)) is not None:
            row["chance"] = chances[suite, task]
            row["at_chance"] = at_chance(fmean(per_seed[key].values()), row["n"], row["chance"])
        summary.append({column: row.get(column) for column in TRAINING_COLUMNS})
    for name in ("gain_p", "over_random_p"):
        families: dict[Key, list[Row]] = defaultdict(list)
        for row in summary:
            if row[name] is not None:
                families[tuple(row[column] for column in ("suite", "model", "kind", "metric"))].append(row)
        for family in families.values():
            for row, adjusted in zip(family, holm([row[name] for row in family]), strict=True):
                row[f"{name}_holm"] = adjusted
    return sorted(summary, key=lambda row: _order(row, tasks))


def _group(row: Mapping[str, Any]) -> Key:
    unselected = row["condition"] in UNSELECTED
    return (row["suite"], row["model"], *(None if unselected else row[column] for column in SETTING))


def _add_means(cells: dict[Key, dict[int, dict[Any, float]]]) -> dict[Key, list[Key]]:
    """Add the averages over tasks to the cells; the keys that each of them is made of."""
    groups: dict[Key, list[Key]] = defaultdict(list)
    expected: dict[Key, set[str]] = defaultdict(set)
    for key in cells:
        suite, model, *setting, condition, task, kind, metric = key
        for name, of in ((KINDS[kind], kind), *[("mean_all", "all")] * (metric == "loss")):
            groups[(suite, model, *setting, condition, name, of, metric)].append(key)
            expected[suite, model, of].add(task)
    made: dict[Key, list[Key]] = {}
    for mean, keys in groups.items():
        suite, model, *_, condition, _, kind, metric = mean
        if {key[-3] for key in keys} != expected[suite, model, kind]:
            continue
        for seed in set.intersection(*(set(cells[key]) for key in keys)):
            repeats = set.intersection(*(set(cells[key][seed]) for key in keys))
            if condition == "random" and repeats:
                # The same draws for every task, so that their spread is that of the whole average.
                values = {draw: fmean(cells[key][seed][draw] for key in keys) for draw in repeats}
            else:
                values = {None: fmean(fmean(cells[key][seed].values()) for key in keys)}
            cells.setdefault(mean, defaultdict(dict))[seed] = values
            made[mean] = keys
    return made


def _facts(rows: Sequence[Row]) -> Row:
    """What was trained, and how many examples tested it."""
    shares = [row["share"] for row in rows if row["share"] is not None]
    rates = sorted({row["learning_rate"] for row in rows if row["learning_rate"] is not None})
    fewest: dict[str, int] = {}
    for row in rows:
        fewest[row["test_task"]] = min(row["n"], fewest.get(row["test_task"], row["n"]))
    return {
        "share": fmean(shares) if shares else None,
        "learning_rate": ", ".join(f"{rate:g}" for rate in rates) or None,
        "n": sum(fewest.values()),
    }


def _difference(
    name: str, per_seed: Mapping[Key, Mapping[int, float]], of: Sequence[Key], other: Key, sign: float
) -> Row:
    """Difference to the same tasks under another condition (condition, setting): by seed, and task by task."""
    differences = []
    for key in of:
        suite, model, *_, task, kind, metric = key
        beside = per_seed.get((suite, model, *other[1:], other[0], task, kind, metric), {})
        differences.append({s: sign * (v - beside[s]) for s, v in per_seed[key].items() if s in beside})
    shown = stated(differences)
    cells: Row = {**shown.cells(name)}
    if len(of) > 1 and shown.mean is not None:
        shared = set.intersection(*map(set, differences))
        by_task = [fmean(found[seed] for seed in shared) for found in differences]
        cells |= {f"{name}_p": signed_rank(by_task), f"{name}_tasks": sum(value > 0 for value in by_task)}
    return cells


def _order(row: Row, tasks: Tasks) -> tuple[Any, ...]:
    """Run, setting, condition, kind, task in the order of the suite with the average last, metric."""
    names = [task["name"] for task in tasks if task["suite"] == row["suite"]]
    place = names.index(row["task"]) if row["task"] in names else len(names)
    setting = tuple((row[column] is not None, row[column] or 0) for column in SETTING)
    return (
        row["suite"], row["model"], setting, CONDITIONS.index(row["condition"]), [*KINDS, "all"].index(row["kind"]),
        place, row["metric"],
    )  # fmt: skip
