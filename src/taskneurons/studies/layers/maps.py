"""The map of the layers (Z2 and Z4 of Zhao et al. 2024): where tuning on many tasks begins to show."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict

from taskneurons.measures.changepoint import layer_map
from taskneurons.studies.layers.curves import family_means, gain_curves, of_model, role_curves, tasks_of_scope
from taskneurons.studies.layers.rows import CKA_METRICS, MEAN, SCOPES, ComparedRow, Group, MapRow, Role, Scope


def layer_maps(rows: Sequence[ComparedRow], *, alpha: float, draws: int) -> list[MapRow]:
    """The map of the layers of every run, for each estimator and scope; of each seed and of the mean over several.

    Scopes: the experimental model on all tasks (Z2), the held-out model on the tasks that it saw and on those that it
    did not see (Z4). Each family of tasks is one curve, the mean of its tasks'.

    Args:
        rows: of all runs.
        alpha, draws: see `layer_map`.
    """
    found = []
    metrics = [name for name in CKA_METRICS if any(row.metric == name for row in rows)]
    for model, suite in sorted({(row.model, row.suite) for row in rows}):
        own = of_model(rows, suite=suite, model=model)
        families = {row.task: row.family for row in own}
        seeds: list[int | None] = [*sorted({row.seed for row in own})]
        for seed in (*seeds, None) if len(seeds) > 1 else seeds:
            for metric in metrics:
                curves = role_curves(own, metric, seed=seed)
                for role, scope in SCOPES:
                    tasks = tasks_of_scope(own, scope)
                    layers, gains = gain_curves(curves, role, tasks)
                    means = family_means(gains, tasks, families)
                    cells = asdict(layer_map(means, layers=layers, alpha=alpha, draws=draws))
                    cells |= {"tasks": len(tasks), "families": cells.pop("curves")}
                    for border in ("shared", "refinement"):
                        low, high = cells.pop(f"{border}_interval") or (None, None)
                        cells |= {f"{border}_low": low, f"{border}_high": high}
                    name = MEAN if seed is None else seed
                    found.append(MapRow("layers", model, suite, name, role, scope, metric, layers=len(layers), **cells))
    return found


def map_of(
    maps: Iterable[MapRow], *, suite: str, model: str, seeds: Iterable[int], role: Role, scope: Scope
) -> MapRow | None:
    """The map by the unbiased CKA, of the one seed or of the mean over several; None where there is none."""
    several = sorted(set(seeds))
    seed = several[0] if len(several) == 1 else MEAN
    key = (suite, model, seed, role, scope, "cka_unbiased")
    return next((row for row in maps if (row.suite, row.model, row.seed, row.role, row.scope, row.metric) == key), None)


def group_of(layer: int, found: MapRow | None) -> Group | None:
    """The group of a layer in the map of the layers; None where there are no groups."""
    if found is None or found.shared_end is None or found.refinement_start is None:
        return None
    if layer <= found.shared_end:
        return "shared"
    return "refinement" if layer >= found.refinement_start else "transition"


def map_in_words(found: MapRow | None) -> str:
    """What the map of the layers says."""
    if found is None or found.verdict is None:
        return f"not available ({'' if found is None else found.reason})"
    rise = f"p = {found.p_value:.2g}"
    if found.verdict == "none":
        return f"no rise ({rise})"
    border = f"border: p = {found.p_border:.2g}"
    if found.verdict == "transition":
        return f"shared up to layer {found.shared_end}, refinement from layer {found.refinement_start} ({border})"
    power = f"power {found.power:.0%}".replace("%", " %")
    if found.verdict == "drift":
        return f"a smooth rise, no groups ({border}, {power})"
    return f"a rise; too little power to see groups ({border}, {power})"
