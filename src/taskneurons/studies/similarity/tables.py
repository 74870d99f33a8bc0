"""Similarity of the parameters of two tasks' neurons, by layer (Leng & Xiong 2025, Figure 3)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from statistics import fmean
from typing import Any

from taskneurons.evidence.papers import CORRELATIONS as PRINTED
from taskneurons.evidence.papers import printed_rows
from taskneurons.evidence.tasks import Kind, described_tasks, kind_of, task_kinds
from taskneurons.evidence.trained import TRAINED, gather_trained
from taskneurons.job import Job
from taskneurons.measures.similarity import residuals
from taskneurons.measures.stats import t_interval
from taskneurons.studies.similarity.correlation import correlations, gather_transfer
from taskneurons.studies.similarity.rows import (
    BESIDE,
    CELLS,
    CORRELATIONS,
    DROP,
    GROUPS,
    LAYERS,
    MEASURES,
    RISE,
    SIMILARITIES,
    CellRow,
    LayerRow,
    Part,
    SimilarityRow,
)

Kinds = Mapping[tuple[str, str], Kind]
"""(suite, task) -> kind."""


def gather_similarity(files: Iterable[str | Path]) -> list[SimilarityRow]:
    """The comparisons of all files with what their overlap and chance explain, sorted.

    Raises:
        InputError: as `Table.gather`.
    """
    groups: dict[tuple[Any, ...], list[CellRow]] = defaultdict(list)
    for row in CELLS.gather(files):
        groups[row.suite, row.model, row.seed, row.state].append(row)
    found: list[SimilarityRow] = []
    for own in groups.values():
        left = residuals([row.masked_cosine for row in own], [row.ochiai for row in own])
        for row, residual in zip(own, left, strict=True):
            match, chance = row.best_match_outside, row.best_match_chance
            excess = None if match is None or chance is None else match - chance
            found.append(SimilarityRow(**vars(row), masked_cosine_residual=residual, best_match_excess=excess))
    return SIMILARITIES.sorted(found)


def layer_summary(rows: Sequence[SimilarityRow], kinds: Kinds) -> list[LayerRow]:
    """Similarity by layer: mean over the models that were `trained` on one kind of tasks and the `tested` tasks.

    Args:
        rows: of `gather_similarity`.
        kinds: of all tasks.

    Raises:
        InputError: a task is not described.
    """
    runs: dict[tuple[Any, ...], list[SimilarityRow]] = defaultdict(list)
    for row in rows:
        for task in (row.train_task, row.test_task):
            kind_of(kinds, row.suite, task)
        runs[row.study, row.model, row.suite, row.estimator, row.selection, row.percent, row.state].append(row)
    found: list[LayerRow] = []
    for own in runs.values():
        first, seeds = own[0], len({row.seed for row in own})
        for trained, tested in product(GROUPS, GROUPS):
            part = [
                row
                for row in own
                if trained in ("all", kinds[row.suite, row.train_task])
                and tested in ("all", kinds[row.suite, row.test_task])
            ]
            for measure in (*MEASURES, *BESIDE):
                blank = LayerRow(
                    first.study, first.model, first.suite, seeds, first.estimator, first.selection, first.percent,
                    first.state, trained, tested, "mean", measure, 0, 0,
                )  # fmt: skip
                found += _by_layer(blank, part)
    return found


def _by_layer(blank: LayerRow, rows: Sequence[SimilarityRow]) -> Iterator[LayerRow]:
    # model (training task), seed -> layer -> values of its pairs
    values: dict[tuple[str, int], dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        value: float | None = getattr(row, blank.measure)
        if value is not None:
            values[row.train_task, row.seed][row.layer].append(value)
    curves = {key: {layer: fmean(v) for layer, v in layers.items()} for key, layers in values.items()}
    layers = sorted({row.layer for row in rows})
    for name, part in _parts(layers).items():
        of_model: dict[str, dict[int, float]] = defaultdict(dict)
        for (task, seed), curve in curves.items():
            if all(layer in curve for side in part for layer in side):
                high, *low = (fmean(curve[layer] for layer in side) for side in part)
                of_model[task][seed] = high - sum(low)
        counted = part[0] if len(part) == 1 else layers
        pairs = sum(len(found) for of_layer in values.values() for layer, found in of_layer.items() if layer in counted)
        yield _mean(replace(blank, layer=name, models=len(of_model), pairs=pairs), of_model)


def _parts(layers: Sequence[int]) -> dict[int | Part, tuple[Sequence[int], ...]]:
    """Layers whose mean is taken, less the mean of the second group where there is one."""
    parts: dict[int | Part, tuple[Sequence[int], ...]] = {layer: ([layer],) for layer in layers}
    if layers:
        parts["mean"] = (layers,)
    if len(layers) > 2:
        parts |= {RISE: (layers[1:-1], layers[:1]), DROP: (layers[-1:], layers[1:-1])}
    return parts


def _mean(row: LayerRow, of_model: Mapping[str, Mapping[int, float]]) -> LayerRow:
    if not of_model:
        return replace(row, reason="no pair of tasks has a value in every one of these layers")
    models = {task: fmean(by_seed.values()) for task, by_seed in of_model.items()}
    seeds = sorted({seed for by_seed in of_model.values() for seed in by_seed})
    per_seed = [fmean(by_seed[seed] for by_seed in of_model.values() if seed in by_seed) for seed in seeds]
    over_seeds, over_models = t_interval(per_seed), t_interval(list(models.values()))
    chosen, what = (over_seeds, "seeds") if len(seeds) >= 3 else (over_models, "models")
    why = f"not available: {chosen.reason.replace('seeds', what)}"
    return replace(
        row,
        value=fmean(models.values()),
        low=chosen.low,
        high=chosen.high,
        interval=f"95 % t over {what}" if chosen.available else why,
        lowest=min(models.values()),
        highest=max(models.values()),
    )


# Jobs


@dataclass(frozen=True)
class TabulateSettings:
    """Settings of `tabulate`.

    Attributes:
        draws: permutations of tasks in every test, where they are not enumerated.
    """

    draws: int


def tabulate(job: Job[TabulateSettings]) -> None:
    """Similarity of parameters beside transfer: comparisons, layers (Figure 3), correlations (Table 4)."""
    tasks = described_tasks(job.inputs["tasks"])
    cells, scores = gather_similarity(job.inputs["cells"]), gather_trained(job.inputs["scores"], "similarity")
    SIMILARITIES.write(job.outputs.one("cells"), cells)
    TRAINED.write(job.outputs.one("transfer"), scores)
    LAYERS.write(job.outputs.one("layers"), layer_summary(cells, task_kinds(tasks)))
    published = printed_rows(PRINTED, job.inputs["published"], "T4")
    found = correlations(gather_transfer(cells, scores, tasks), tasks, published, draws=job.settings.draws)
    CORRELATIONS.write(job.outputs.one("correlation"), found)
