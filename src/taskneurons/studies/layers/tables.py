"""Tables of the layers study: all comparisons, their means over tasks and families, and the map of the layers.

Z1 to Z4 are the findings of Zhao et al. 2024 that the tables answer. The paper prints figures, so directions can be
compared with it, values cannot.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from taskneurons.job import Job
from taskneurons.measures.stats import t_interval
from taskneurons.studies.layers.curves import Curves, gain_curves, of_model, role_curves, tasks_of_scope
from taskneurons.studies.layers.maps import layer_maps
from taskneurons.studies.layers.rows import (
    CKA_METRICS,
    COMPARED,
    MAPS,
    MEAN,
    SCOPES,
    SUMMARY,
    ComparedRow,
    Role,
    SummaryRow,
)


def summarise_layers(rows: Sequence[ComparedRow]) -> Iterator[SummaryRow]:
    """CKA of base and of a tuned model with the control models by layer, and the gain, over groups of tasks.

    Groups: all tasks of a scope (Z1, Z2, Z4), and each family (Z3). The layer `mean` is the mean over the layers that
    are available. Values are means over seeds first, then over tasks; intervals are t intervals over tasks.

    Args:
        rows: of all runs.
    """
    for model, suite in sorted({(row.model, row.suite) for row in rows}):
        own = of_model(rows, suite=suite, model=model)
        families = {row.task: row.family for row in own}
        seeds = len({row.seed for row in own})
        for metric in CKA_METRICS:
            curves = role_curves(own, metric)
            for role, scope in SCOPES if curves else ():
                tasks = tasks_of_scope(own, scope)
                groups = {"": tasks}
                if scope == "all":
                    groups |= {
                        family: [task for task in tasks if families[task] == family]
                        for family in sorted(set(families.values()))
                    }
                for group, members in groups.items():
                    for layer, pairs in _by_layer(curves, role, members):
                        before, after = zip(*pairs, strict=True)
                        gain = t_interval([tuned - base for base, tuned in pairs])
                        # `t_interval` speaks of seeds.
                        missing = f"not available: {gain.reason.replace('seeds', 'tasks')}"
                        yield SummaryRow(
                            "layers", model, suite, seeds, role, scope, group, layer, metric, len(pairs), fmean(before),
                            fmean(after), gain.mean, gain.low, gain.high,
                            "95 % t over tasks" if gain.available else missing,
                            min(before), max(before), min(after), max(after),
                        )  # fmt: skip


def _by_layer(
    curves: Curves, role: Role, tasks: Sequence[str]
) -> Iterator[tuple[int | Literal["mean"], list[tuple[float, float]]]]:
    """For each layer, and for the mean over the layers: CKA of the base and of the role for each task that has both."""
    layers, _ = gain_curves(curves, role, tasks)
    parts: list[tuple[int | Literal["mean"], list[int]]] = [(layer, [layer]) for layer in layers]
    if layers:
        parts.append((MEAN, layers))
    for name, part in parts:
        pairs = []
        for task in tasks:
            base, own = curves.get("base", {}).get(task, {}), curves.get(role, {}).get(task, {})
            chosen = [layer for layer in part if layer in base and layer in own]
            if chosen:
                pairs.append((fmean(base[layer] for layer in chosen), fmean(own[layer] for layer in chosen)))
        yield name, pairs


# Jobs


@dataclass(frozen=True)
class TabulateSettings:
    """Settings of `tabulate`.

    Attributes:
        alpha: greatest p of a rise in the map of the layers.
        draws: resampled sets of tasks, and flips of signs, of its test.
    """

    alpha: float
    draws: int


def tabulate(job: Job[TabulateSettings]) -> None:
    """Gather the comparisons of all runs; their means over tasks and families; the map of the layers."""
    rows = COMPARED.gather(job.inputs["rows"])
    COMPARED.write(job.outputs.one("rows"), rows)
    SUMMARY.write(job.outputs.one("summary"), summarise_layers(rows))
    MAPS.write(job.outputs.one("map"), layer_maps(rows, alpha=job.settings.alpha, draws=job.settings.draws))
