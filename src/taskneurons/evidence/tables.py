"""Tables of the neurons and deactivation studies: gathered rows, their summary over seeds, tests, published values.

A task is described by a mapping with `suite`, `name`, `family`, `kind` (`classification` or `generation`), `source`
and `options`.
A drop is positive where deactivation hurts: original - deactivated for scores, deactivated - original for the loss.
"""

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np

from taskneurons.errors import InputError
from taskneurons.evidence.chance import at_chance, chance_level
from taskneurons.evidence.published import published_task
from taskneurons.evidence.tidy import COLUMNS, CONDITIONS, SETTING, Row, order
from taskneurons.files import read_csv
from taskneurons.measures.stats import Interval, diagonal_test, holm, paired_difference, t_interval
from taskneurons.neurons.sets import load_sets

NEURON_COLUMNS = tuple(c for column in COLUMNS for c in ((column, "layer") if column == "draw" else (column,)))
SUMMARY_COLUMNS = (
    "suite", "model", *SETTING, "condition", "task", "kind", "metric", "seeds", "value", "low", "high", "interval",
    "drop", "drop_low", "drop_high", "drop_interval", "draws", "draw_sd", "n", "chance", "at_chance",
)  # fmt: skip
DIAGONAL_COLUMNS = (
    "suite", "model", *SETTING, "scope", "metric", "seed", "tasks", "diagonal", "off_diagonal", "sibling", "same_kind",
    "other_kind", "statistic", "p_value", "p_holm", "permutations", "exact", "rows_largest", "columns_largest",
    "reason",
)  # fmt: skip
PUBLISHED_COLUMNS = (
    "table", "suite", "model", *SETTING, "condition", "task", "published_task", "metric", "published", "value", "low",
    "high", "interval", "published_drop", "drop", "drop_low", "drop_high", "drop_interval", "seeds",
)  # fmt: skip
KINDS = {"classification": "mean_cls", "generation": "mean_gen"}
# The score of each kind that the paper reports, and that a table over both kinds calls `score`.
SCORE = {"classification": "accuracy", "generation": "rougeL"}
_PUBLISHED_CONDITIONS = {"original": "original", "random": "deactivate_random", "task": "deactivate_task"}

Tasks = Sequence[Mapping[str, Any]]


def neuron_table(files: Iterable[tuple[Mapping[str, Any], str | Path]]) -> list[Row]:
    """Where the neurons of each task set lie: one row a layer, the share of the set in that layer in percent.

    Args:
        files: for each file of sets, what it holds (`suite`, `model`, `seed`, `estimator`, `percent`, `selection`,
            `train_task`) and its path. The set named `task` is counted.

    Returns:
        Tidy rows with a further column `layer` (from 0), metric `layer_share`, n = size of the whole set.

    Raises:
        InputError: a file is unreadable, has no set `task`, or that set is empty.
    """
    rows = []
    for cells, path in files:
        sets, _ = load_sets(path)
        if "task" not in sets or not sets["task"]:
            raise InputError("holds no neurons under the name `task`", where=str(path))
        members = sets["task"].layers()
        size = int(members.sum())
        for layer, count in enumerate(members):
            row = dict.fromkeys(NEURON_COLUMNS) | dict(cells) | {"study": "neurons", "condition": "task"}
            row |= {"layer": layer, "metric": "layer_share", "value": 100 * int(count) / size, "n": size}
            rows.append({column: row[column] for column in NEURON_COLUMNS})
    return sorted(rows, key=order)


def read_neuron_table(path: str | Path) -> list[Row]:
    """The rows that `neuron_table` made, with their types.

    Raises:
        InputError: the columns are not those of `neuron_table`.
    """
    rows = read_csv(path)
    if rows and tuple(rows[0]) != NEURON_COLUMNS:
        raise InputError(f"columns must be {', '.join(NEURON_COLUMNS)}", where=str(path))
    return [
        {**row, "seed": int(row["seed"]), "percent": float(row["percent"]), "layer": int(row["layer"])}
        | {"value": float(row["value"]), "n": int(row["n"])}
        for row in rows
    ]


def summarise_deactivation(rows: Iterable[Row], tasks: Tasks) -> list[Row]:
    """Means over seeds with t intervals, and drops against the original model paired by seed.

    Within a seed the random draws, and the sets of the other tasks, are averaged first; `draws` says how many there
    were and `draw_sd` is their standard deviation, averaged over seeds. The tasks `mean_cls` and `mean_gen` are
    averages over all tasks of that kind that the original model does better than by chance, made within each seed
    that has them all (for `random`, `draw_sd` is then that of the average of each draw). `interval` is `95 % t`, or
    says why there is none. A score stands beside the level of chance, and `at_chance` says whether it is no better:
    such a task tells nothing.

    Args:
        rows: of `tidy.gather`.
        tasks: of every suite in the rows.

    Raises:
        InputError: a row's task is not described in `tasks`.
    """
    kinds = task_kinds(tasks)
    chances = {(task["suite"], task["name"]): chance_level(task) for task in tasks}
    # (suite, model, setting, condition, task, metric) -> seed -> (draw or set) -> value
    cells: dict[tuple[Any, ...], dict[int, dict[Any, float]]] = defaultdict(lambda: defaultdict(dict))
    counts: dict[tuple[Any, ...], int] = {}
    for row in rows:
        kind = kind_of(kinds, row["suite"], row["test_task"])
        key = (*_group(row), row["condition"], row["test_task"], kind, row["metric"])
        repeat = row["draw"] if row["condition"] == "random" else row["train_task"]
        cells[key][row["seed"]][repeat] = row["value"]
        counts[key] = min(row["n"], counts.get(key, row["n"]))
    _add_kind_means(cells, counts, _guessing(cells, counts, chances))

    per_seed = {key: {s: fmean(v.values()) for s, v in seeds.items()} for key, seeds in cells.items()}
    summary = []
    for key, seeds in cells.items():
        suite, model, *_, condition, task, kind, metric = key
        original = per_seed.get((suite, model, *[None] * len(SETTING), "original", task, kind, metric), {})
        value = t_interval([per_seed[key][seed] for seed in sorted(seeds)])
        own = per_seed[key]
        drop = paired_difference(own, original) if metric == "loss" else paired_difference(original, own)
        spreads = [stdev(v.values()) for v in seeds.values() if len(v) > 1]
        row = dict(zip(("suite", "model", *SETTING), key, strict=False))
        row |= {"condition": condition, "task": task, "kind": kind, "metric": metric, "seeds": len(seeds)}
        row |= {"value": value.mean, "low": value.low, "high": value.high, "interval": told(value)}
        if condition == "original":
            row |= dict.fromkeys(("drop", "drop_low", "drop_high", "drop_interval"))
        else:
            row |= {"drop": drop.mean, "drop_low": drop.low, "drop_high": drop.high, "drop_interval": told(drop)}
        row |= {"draws": min(map(len, seeds.values())), "draw_sd": fmean(spreads) if spreads else None}
        row |= {"n": counts[key], "chance": None, "at_chance": None}
        if metric != "loss" and chances.get((suite, task)) is not None:
            row["chance"] = chances[suite, task]
            row["at_chance"] = at_chance(fmean(own.values()), counts[key], row["chance"])
        summary.append({column: row[column] for column in SUMMARY_COLUMNS})
    return sorted(summary, key=lambda row: _summary_order(row, tasks))


def compare_with_published(
    summary: Iterable[Row],
    published: Mapping[str, list[dict[str, Any]]],
    tasks: Tasks,
    architectures: Mapping[str, str],
) -> list[Row]:
    """Our values beside those of Table 1 (Llama-2-7b), or of Table 6 (Bloom-7b1) for models of the Bloom architecture.

    Each of our tasks stands beside the paper's task that it is or mirrors; tasks without one are left out, and so is
    the average over a kind unless our tasks stand for exactly the paper's. Accuracy is the freely generated one.

    Args:
        summary: of `summarise_deactivation`.
        published: the rows of `T1` and `T6`.
        tasks: of every suite in the summary.
        architectures: architecture of each model, as its configuration names it.

    Raises:
        InputError: a model has no architecture.
    """
    compared = []
    mirrors = mirrored(tasks, published["T1"])
    summary = list(summary)
    # An average without the tasks at chance is not the paper's average.
    originals = [row for row in summary if row["condition"] == "original"]
    partial = {(row["suite"], row["model"], KINDS[row["kind"]]) for row in originals if row["at_chance"]}
    for row in summary:
        theirs = mirrors.get((row["suite"], row["task"]))
        if (row["suite"], row["model"], row["task"]) in partial:
            continue
        if theirs is None or row["condition"] not in _PUBLISHED_CONDITIONS or row["metric"] != SCORE[row["kind"]]:
            continue
        if row["model"] not in architectures:
            raise InputError(f"the architecture of model `{row['model']}` is not given")
        table = "T6" if architectures[row["model"]] == "bloom" else "T1"
        values = {r["condition"]: r["value"] for r in published[table] if r["task"] == theirs}
        value = values.get(_PUBLISHED_CONDITIONS[row["condition"]])
        known = value is not None and row["condition"] != "original"
        both = row | {"table": table, "published_task": theirs, "published": value}
        # The papers print one decimal, so their difference has no more.
        both["published_drop"] = round(values["original"] - value, 1) if known else None
        compared.append({column: both[column] for column in PUBLISHED_COLUMNS})
    return compared


def mirrored(tasks: Tasks, published: list[dict[str, Any]]) -> dict[tuple[str, str], str | None]:
    """(suite, task) -> the paper's task that it is or mirrors, None where there is none.

    The average of a kind has an entry where our tasks of the suite stand for exactly the paper's.

    Args:
        tasks: of every suite.
        published: the rows of a table over all of the paper's tasks.
    """
    mirrors = {(t["suite"], t["name"]): published_task(t["name"], t.get("source", ""), published) for t in tasks}
    for kind, mean in KINDS.items():
        paper = sorted({r["task"] for r in published if r["task_type"] == kind and r["task"] != mean})
        for suite in {t["suite"] for t in tasks}:
            ours = sorted(str(mirrors[suite, t["name"]]) for t in tasks if (t["suite"], t["kind"]) == (suite, kind))
            if ours == paper:
                mirrors[suite, mean] = mean
    return mirrors


def drop_matrix(rows: Iterable[Row], names: Sequence[str], metrics: Mapping[str, str], seed: int) -> np.ndarray:
    """Drops of one seed, rows = whose neurons are deactivated, columns = the tested task; NaN where not measured.

    Args:
        rows: tidy rows of one suite and model: one setting, and the original model.
        names: the tasks, in the order of rows and columns.
        metrics: the metric of each tested task.
        seed: the seed of the run.
    """
    places = {name: place for place, name in enumerate(names)}
    original = np.full(len(names), np.nan)
    deactivated = np.full((len(names), len(names)), np.nan)
    for row in rows:
        tested = row["test_task"]
        if row["seed"] != seed or tested not in places or row["metric"] != metrics[tested]:
            continue
        if row["condition"] == "original":
            original[places[tested]] = row["value"]
        elif row["condition"] in ("task", "other_task") and row["train_task"] in places:
            deactivated[places[row["train_task"]], places[tested]] = row["value"]
    sign = np.array([-1.0 if metrics[name] == "loss" else 1.0 for name in names])
    return (original - deactivated) * sign


def diagonal_tests(rows: Sequence[Row], tasks: Tasks) -> list[Row]:
    """Is the drop largest on the task whose neurons are deactivated? (Leng & Xiong 2025, Figure 5 a-b, as a test.)

    For every model and setting with more than the own task tested: the classification, the generation and all tasks,
    for each metric, for each seed and for the mean over seeds (`seed` = `mean`). Over all tasks the metric `score` is
    the accuracy of classification and the ROUGE-L of generation columns. `sibling`, `same_kind`, `other_kind` are the
    mean drops on tasks of the same family, of another family of the same kind, and of the other kind. `p_holm` is
    adjusted over all tests of one model and seed.

    Args:
        rows: of `tidy.gather`.
        tasks: of every suite in the rows; families and kinds define the means.

    Raises:
        InputError: a row's task is not described in `tasks`.
    """
    kinds = task_kinds(tasks)
    originals: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    tested: dict[tuple[Any, ...], set[str]] = defaultdict(set)
    for row in rows:
        kind_of(kinds, row["suite"], row["test_task"])
        tested[row["suite"], row["model"]].add(row["test_task"])
        if row["condition"] == "original":
            originals[row["suite"], row["model"]].append(row)
        elif row["condition"] in ("task", "other_task"):
            groups[_group(row)].append(row)
    results = []
    for key, own in groups.items():
        if all(row["condition"] == "task" for row in own):
            continue
        run = key[:2]
        members = [t for t in tasks if t["suite"] == key[0] and t["name"] in tested[run]]
        both = own + originals[run]
        tests = scope_tests(
            members,
            {(row["test_task"], row["metric"]) for row in both},
            sorted({row["seed"] for row in own}),
            partial(drop_matrix, both),
            "drops",
        )
        results += [dict(zip(("suite", "model", *SETTING), key, strict=True)) | row for row in tests]
    for run in dict.fromkeys((r["suite"], r["model"], r["seed"]) for r in results):
        family = [r for r in results if (r["suite"], r["model"], r["seed"]) == run and r["p_value"] is not None]
        for row, adjusted in zip(family, holm([r["p_value"] for r in family]), strict=True):
            row["p_holm"] = adjusted
    return [{column: row[column] for column in DIAGONAL_COLUMNS} for row in results]


def scope_tests(
    members: Tasks,
    measured: Container[tuple[str, str]],
    seeds: Iterable[int],
    matrix_of: Callable[[Sequence[str], Mapping[str, str], int], np.ndarray],
    what: str,
) -> list[Row]:
    """The test of the diagonal for each kind of tasks and all of them, each metric, each seed and the mean over seeds.

    Args:
        members: the tested tasks.
        measured: (task, metric) of which there are values.
        seeds: of the runs.
        matrix_of: the matrix of some tasks, their metrics and one seed.
        what: the entries are, for the reason why a test could not be made.
    """
    scopes: list[tuple[str, str, list[Mapping[str, Any]], dict[str, str]]] = []
    both = len({t["kind"] for t in members}) > 1
    for scope in (*KINDS, "all") if both else KINDS:
        chosen = [t for t in members if scope in ("all", t["kind"])]
        own = ("accuracy", "accuracy_restricted") if scope == "classification" else ("rougeL",)
        for metric in ("score", "loss") if scope == "all" else (*own, "loss"):
            metrics = {t["name"]: SCORE[t["kind"]] if metric == "score" else metric for t in chosen}
            if any((name, metrics[name]) in measured for name in metrics):
                scopes.append((scope, metric, chosen, metrics))
    results = []
    for scope, metric, chosen, metrics in scopes:
        names = [t["name"] for t in chosen]
        matrices: dict[Any, np.ndarray] = {seed: matrix_of(names, metrics, seed) for seed in seeds}
        matrices["mean"] = np.mean(list(matrices.values()), axis=0)
        for seed, matrix in matrices.items():
            results.append({"scope": scope, "metric": metric, "seed": seed} | _tested(matrix, chosen, what))
    return results


def _tested(matrix: np.ndarray, tasks: Tasks, what: str) -> Row:
    test = diagonal_test(matrix)
    family = np.array([t["family"] for t in tasks])
    kind = np.array([t["kind"] for t in tasks])
    same_family = family[:, None] == family
    same_kind = kind[:, None] == kind
    means = {
        "sibling": same_family & ~np.eye(len(tasks), dtype=bool),
        "same_kind": same_kind & ~same_family,
        "other_kind": ~same_kind,
    }
    missing = int(np.isnan(matrix).sum())
    return {
        "tasks": test.tasks,
        "diagonal": test.diagonal,
        "off_diagonal": test.off_diagonal,
        **{name: float(matrix[cells].mean()) if test.available and cells.any() else None
           for name, cells in means.items()},
        "statistic": test.statistic,
        "p_value": test.p_value,
        "p_holm": None,
        "permutations": test.permutations if test.available else None,
        "exact": test.exact if test.available else None,
        "rows_largest": test.rows_largest,
        "columns_largest": test.columns_largest,
        "reason": f"{missing} of {matrix.size} {what} were not measured" if missing else test.reason,
    }  # fmt: skip


def _guessing(
    cells: Mapping[tuple[Any, ...], Mapping[int, Mapping[Any, float]]],
    counts: Mapping[Any, int],
    chances: Mapping[tuple[str, str], float | None],
) -> set[tuple[str, str, str]]:
    """(suite, model, task) where the untouched model is at chance: what deactivation does there tells nothing."""
    found = set()
    for key, seeds in cells.items():
        suite, model, *_, condition, task, kind, metric = key
        chance = chances.get((suite, task))
        if condition == "original" and metric == SCORE[kind] and chance is not None:
            score = fmean(value for values in seeds.values() for value in values.values())
            if at_chance(score, counts[key], chance):
                found.add((suite, model, task))
    return found


def _add_kind_means(
    cells: dict[tuple[Any, ...], dict[int, dict[Any, float]]],
    counts: dict[Any, int],
    guessing: set[tuple[str, str, str]],
) -> None:
    groups: dict[tuple[Any, ...], list[tuple[Any, ...]]] = defaultdict(list)
    expected: dict[tuple[Any, ...], set[str]] = defaultdict(set)
    for key in cells:
        suite, model, *_, condition, task, kind, metric = key
        if (suite, model, task) in guessing:
            continue
        groups[(*key[: 2 + len(SETTING)], condition, KINDS[kind], kind, metric)].append(key)
        expected[suite, model, kind].add(task)
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
        if mean in cells:
            counts[mean] = sum(counts[key] for key in keys)


def _group(row: Mapping[str, Any]) -> tuple[Any, ...]:
    setting = (None,) * len(SETTING) if row["condition"] == "original" else tuple(row[column] for column in SETTING)
    return (row["suite"], row["model"], *setting)


def task_kinds(tasks: Tasks) -> dict[tuple[str, str], str]:
    """(suite, task) -> kind."""
    return {(t["suite"], t["name"]): t["kind"] for t in tasks}


def kind_of(kinds: Mapping[tuple[str, str], str], suite: str, task: str) -> str:
    """The kind of a task.

    Raises:
        InputError: it is not described.
    """
    if (suite, task) not in kinds:
        raise InputError(f"task `{task}` of suite `{suite}` has results but no description")
    return kinds[suite, task]


def told(interval: Interval) -> str:
    """Which interval it is, or why there is none."""
    return "95 % t" if interval.available else f"not available: {interval.reason}"


def _summary_order(row: Row, tasks: Tasks) -> tuple[Any, ...]:
    """Run, setting, condition, kind, task in the order of the suite with the average last, metric."""
    names = [t["name"] for t in tasks if t["suite"] == row["suite"]]
    place = names.index(row["task"]) if row["task"] in names else len(names)
    setting = tuple((row[column] is not None, row[column] or 0) for column in SETTING)
    return (
        row["suite"], row["model"], setting, CONDITIONS.index(row["condition"]), list(KINDS).index(row["kind"]), place,
        row["metric"],
    )  # fmt: skip
