"""Z3 of Zhao et al. 2024: which families of tasks the base already serves, and which gain from tuning."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from taskneurons.evidence.style import GREY, Words, sheet, shortened
from taskneurons.studies.layers.curves import role_curves
from taskneurons.studies.layers.look import ROLE_COLOURS, ROLE_NAMES, compared_rows, not_available, over_seeds
from taskneurons.studies.layers.rows import ComparedRow, Role

_STEP = 0.23  # inches a family
_ROLES: tuple[Role, ...] = ("base", "experimental")
_MARKERS = ("o", "D")
_SHIFTS = (-0.2, 0.2)  # of the tasks from the middle of their family


def draw_families(
    rows: Iterable[ComparedRow], paths: Iterable[str | Path], *, suite: str, model: str, dpi: int = 200
) -> None:
    """Draw, for each family, the unbiased CKA of the base and of the model of all tasks with the control models.

    The left panel is the mean over the lower half of the layers, the right one over the upper half. Families are
    ordered by what tuning adds in the upper half. A family has too few tasks for an interval over tasks; the intervals
    of its tasks are over examples.

    Args:
        rows: of all runs; those of other models are left aside.
        paths: where to write, `.png` and `.svg`.
        suite, model: which rows.
        dpi: dots an inch of the PNG.

    Raises:
        InputError: the model has no rows.
    """
    own = compared_rows(rows, suite=suite, model=model)
    families = {row.task: row.family for row in own}
    curves = role_curves(own, "cka_unbiased")
    layers = sorted({layer for role in _ROLES for curve in curves.get(role, {}).values() for layer in curve})
    half = (len(layers) + 1) // 2
    parts = [part for part in (layers[:half], layers[half:]) if part]
    # part -> role -> task -> mean over the layers of the part
    values = [
        {
            role: {
                task: fmean(curve[layer] for layer in part)
                for task, curve in curves.get(role, {}).items()
                if all(layer in curve for layer in part)
            }
            for role in _ROLES
        }
        for part in parts
    ]
    both = [{task for task in part["base"] if task in part["experimental"]} for part in values]
    drawn = sorted({families[task] for tasks in both for task in tasks})
    gains = {family: _mean_gain(values[-1], both[-1], families, family) for family in drawn}
    order = sorted(drawn, key=lambda family: gains[family])
    caption = (
        f"{model}, {suite}. Unbiased CKA with the model tuned on the task alone, {over_seeds(own)}, mean over the "
        "layers named above each panel. Large: mean over the family's tasks; small: each task with its 95 % jackknife "
        "interval over examples (mean over those layers). Grey: shuffled pairs, their mean and 95 % quantile. Families "
        "are ordered by what tuning adds in the upper layers."
    )
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=ROLE_COLOURS[role], marker=marker, linestyle="", markersize=5, label=ROLE_NAMES[role])
        for role, marker in zip(_ROLES, _MARKERS, strict=True)
    ]
    handles.append(Patch(color=GREY, alpha=0.35, linewidth=0, label="shuffled pairs"))
    height = max(1.2, _STEP * len(order)) + 0.55
    with sheet(height, Words(_title(gains), caption), paths, dpi, handles) as figure:
        axes = figure.subplots(1, max(1, len(parts)), squeeze=False, sharey=True, sharex=True)[0]
        if not order:
            not_available(axes[0], own, "cka_unbiased")
            return
        for axis, part, value, tasks in zip(axes, parts, values, both, strict=True):
            axis.set_title(f"layer {part[0]}" if len(part) == 1 else f"layers {part[0]} to {part[-1]}")
            _null(axis, own, part)
            _panel(axis, value, tasks, families, order)
            for place, family in enumerate(order):
                _intervals(axis, own, part, sorted(task for task in tasks if families[task] == family), place)
        axes[0].set_yticks(range(len(order)), [shortened(family.replace("_", " ")) for family in order])
        axes[0].set_ylim(-0.6, len(order) - 0.4)


def _panel(
    axis: Axes,
    values: Mapping[Role, Mapping[str, float]],
    tasks: set[str],
    families: Mapping[str, str],
    order: Sequence[str],
) -> None:
    for place, family in enumerate(order):
        members = sorted(task for task in tasks if families[task] == family)
        if not members:
            continue
        base, tuned = (fmean(values[role][task] for task in members) for role in _ROLES)
        axis.plot([base, tuned], [place, place], color="#B0B0B0", linewidth=2.0, solid_capstyle="butt", zorder=1)
        for role, marker, mean, shift in zip(_ROLES, _MARKERS, (base, tuned), _SHIFTS, strict=True):
            axis.scatter(
                [values[role][task] for task in members], [place + shift] * len(members), s=5, linewidths=0,
                color=ROLE_COLOURS[role], alpha=0.6, zorder=2,
            )  # fmt: skip
            axis.plot(
                mean, place, marker=marker, markersize=5, color=ROLE_COLOURS[role], markeredgecolor="white",
                markeredgewidth=0.5, zorder=3,
            )  # fmt: skip
    axis.set_xlabel("CKA")
    axis.tick_params(axis="y", length=0)
    axis.grid(axis="x", color="#EBEBEB", linewidth=0.6)
    axis.set_axisbelow(True)


def _null(axis: Axes, rows: Sequence[ComparedRow], part: Sequence[int]) -> None:
    nulls = [
        (row.null, row.null_high)
        for row in rows
        if row.metric == "cka_unbiased" and row.layer in part
        if row.null is not None and row.null_high is not None
    ]
    if nulls:
        low, high = map(fmean, zip(*nulls, strict=True))
        axis.axvspan(low, high, color=GREY, alpha=0.35, linewidth=0, zorder=0)


def _intervals(axis: Axes, rows: Sequence[ComparedRow], part: Sequence[int], tasks: Sequence[str], place: int) -> None:
    """The intervals over examples of the tasks of a family, averaged over the layers of the part."""
    for role, shift in zip(_ROLES, _SHIFTS, strict=True):
        for task in tasks:
            limits = [
                (row.low, row.high)
                for row in rows
                if (row.role, row.task, row.metric) == (role, task, "cka_unbiased") and row.layer in part
                if row.low is not None and row.high is not None
            ]
            if limits:
                low, high = map(fmean, zip(*limits, strict=True))
                axis.plot(
                    [low, high], [place + shift] * 2, color=ROLE_COLOURS[role], linewidth=0.6, alpha=0.5, zorder=1
                )


def _mean_gain(
    values: Mapping[Role, Mapping[str, float]], tasks: set[str], families: Mapping[str, str], family: str
) -> float:
    gains = [values["experimental"][t] - values["base"][t] for t in tasks if families[t] == family]
    return fmean(gains) if gains else 0.0


def _title(gains: Mapping[str, float]) -> str:
    if not gains:
        return "Families of tasks before and after tuning on all tasks"
    order = sorted(gains, key=lambda family: gains[family])
    least, most = order[0], order[-1]
    return (
        f"In the upper layers tuning on all tasks adds most for {most.replace('_', ' ')} ({_signed(gains[most])} CKA) "
        f"and least for {least.replace('_', ' ')} ({_signed(gains[least])})"
    )


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")
