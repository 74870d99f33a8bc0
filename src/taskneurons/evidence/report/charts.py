"""The interactive charts, as Vega-Lite specifications whose filters are parameters that the page sets."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from taskneurons.evidence.tidy import CONDITIONS

Rows = Sequence[Mapping[str, str]]
# Okabe & Ito's colours, as in the figures; grey for what has no task.
COLOURS = {"task": "#E69F00", "other_task": "#CC79A7", "random": "#767676", "bottom": "#56B4E9"}
DROPS = {"suite", "model", "estimator", "percent", "selection", "intervention", "condition", "task", "metric", "drop"}
TIDY = {"suite", "model", "seed", "condition", "train_task", "test_task", "metric", "value", "estimator", "percent"}
LAYERS = {"suite", "model", "scope", "group", "layer", "metric", "role", "base", "value"}


@dataclass(frozen=True)
class Chart:
    """One chart.

    Attributes:
        name: its id in the page.
        title, caption: in words; the caption says what is drawn and from which table.
        filters: the choices of each filter, the first one is chosen.
        spec: Vega-Lite, with a parameter for each filter and its data inside.
    """

    name: str
    title: str
    caption: str
    source: str
    filters: Mapping[str, tuple[str, ...]]
    spec: Mapping[str, Any]


def drops_chart(rows: Rows, source: str) -> Chart | None:
    """The drop of every task under each condition, from a deactivation summary; None where columns are missing."""
    if not rows or not set(rows[0]) >= DROPS:
        return None
    data: list[dict[str, Any]] = [
        {
            "run": f"{row['suite']} / {row['model']}",
            "neurons": _selection(row),
            "intervention": row["intervention"],
            "metric": _metric(row["metric"]),
            "condition": row["condition"],
            "task": row["task"],
            **{name: float(row[name]) for name in ("drop", "drop_low", "drop_high") if row.get(name)},
        }
        for row in rows
        if row["condition"] in COLOURS and row["drop"] and not row["task"].startswith("mean_")
    ]
    if not data:
        return None
    import altair as alt

    filters = _filters(data, ("run", "neurons", "intervention", "metric"))
    conditions = [name for name in reversed(CONDITIONS) if name in COLOURS]
    base = alt.Chart()
    colour = alt.Color(
        "condition:N",
        scale=alt.Scale(domain=conditions, range=[COLOURS[name] for name in conditions]),
        sort=conditions,
        legend=alt.Legend(title="Neurons switched off", orient="top", columns=2),
    )
    x = alt.X("drop:Q", title="Drop (points; nats for the loss)")
    y = alt.Y("task:N", title=None, sort=list(dict.fromkeys(row["task"] for row in data)))
    beside = alt.YOffset("condition:N", sort=conditions)
    whiskers = base.mark_rule(strokeWidth=1.5, opacity=0.55).encode(
        x=x, x2="drop_high:Q", y=y, yOffset=beside, color=colour
    )
    whiskers.encoding.x = alt.X("drop_low:Q", title="Drop (points; nats for the loss)")
    dots = base.mark_circle(size=70, opacity=1).encode(
        x=x,
        y=y,
        yOffset=beside,
        color=colour,
        tooltip=[
            alt.Tooltip("task:N"),
            alt.Tooltip("condition:N"),
            *(alt.Tooltip(f"{name}:Q", format=".2f") for name in ("drop", "drop_low", "drop_high")),
        ],
    )
    zero = base.mark_rule(strokeDash=[3, 3], opacity=0.6).encode(x=alt.datum(0))
    # With one seed there is no interval.
    parts = (zero, whiskers, dots) if any("drop_low" in row for row in data) else (zero, dots)
    layered = alt.layer(*parts).properties(width="container", height=46 * len({row["task"] for row in data}))
    return Chart(
        "drops",
        "What each task loses",
        "The drop of a task's score when a set of neurons is switched off, averaged over seeds; whiskers are 95 % t "
        "intervals of the paired drops. Right means hurt.",
        source,
        filters,
        _filtered(layered, data, filters),
    )


def matrix_chart(rows: Rows, source: str) -> Chart | None:
    """Drops of every task under every other task's set, from the tidy rows; None where columns are missing."""
    if not rows or not set(rows[0]) >= TIDY | {"selection", "intervention"}:
        return None
    originals: dict[tuple[str, ...], float] = {}
    for row in rows:
        if row["condition"] == "original":
            originals[row["suite"], row["model"], row["seed"], row["test_task"], row["metric"]] = float(row["value"])
    drops: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for row in rows:
        original = originals.get((row["suite"], row["model"], row["seed"], row["test_task"], row["metric"]))
        if row["condition"] not in ("task", "other_task") or original is None:
            continue
        sign = -1 if row["metric"] == "loss" else 1
        key = (
            f"{row['suite']} / {row['model']}",
            _selection(row),
            row["intervention"],
            _metric(row["metric"]),
            row["train_task"],
            row["test_task"],
        )
        drops[key].append(sign * (original - float(row["value"])))
    names = ("run", "neurons", "intervention", "metric", "off", "tested")
    data: list[dict[str, Any]] = [
        {**dict(zip(names, key, strict=True)), "drop": round(fmean(values), 4), "seeds": len(values)}
        for key, values in drops.items()
    ]
    if not data:
        return None
    import altair as alt

    filters = _filters(data, ("run", "neurons", "intervention", "metric"))
    tasks = list(dict.fromkeys(row["tested"] for row in data))
    chart = (
        alt.Chart()
        .mark_rect(stroke=None)
        .encode(
            x=alt.X("tested:N", title="Tested task", sort=tasks, axis=alt.Axis(labelAngle=-40, orient="top")),
            y=alt.Y("off:N", title="Neurons switched off", sort=tasks),
            color=alt.Color(
                "drop:Q", scale=alt.Scale(scheme="magma", reverse=True, domainMin=0), legend=alt.Legend(title="Drop")
            ),
            tooltip=[alt.Tooltip("off:N"), alt.Tooltip("tested:N"), alt.Tooltip("drop:Q", format=".2f"), "seeds:Q"],
        )
        .properties(width="container", height=26 * len(tasks))
    )
    return Chart(
        "matrix",
        "Whose neurons matter to whom",
        "Mean drop over seeds of the tested task (column) when the neurons of another (row) are switched off.",
        source,
        filters,
        _filtered(chart, data, filters),
    )


def layers_chart(rows: Rows, source: str) -> Chart | None:
    """Similarity with specialists by layer, for the base and the tuned model, from the layers summary."""
    if not rows or not set(rows[0]) >= LAYERS:
        return None
    data: list[dict[str, Any]] = []
    for row in rows:
        # Some rows are means over the layers.
        if not row["layer"].isdecimal():
            continue
        cells = {
            "run": f"{row['suite']} / {row['model']}",
            "tasks": row["group"] or row["scope"],
            "tuned on": row["role"],
            "metric": row["metric"],
            "layer": row["layer"],
        }
        data += [
            cells | {"who": who, "cka": float(row[column])}
            for who, column in (("base", "base"), ("tuned", "value"))
            if row[column]
        ]
    if not data:
        return None
    import altair as alt

    filters = _filters(data, ("run", "tuned on", "tasks", "metric"))
    chart = (
        alt.Chart()
        .mark_line(point=alt.OverlayMarkDef(size=60, filled=True), strokeWidth=2)
        .encode(
            x=alt.X("layer:O", title="Layer", axis=alt.Axis(labelAngle=0)),
            y=alt.Y("cka:Q", title="Linear CKA with the specialists", scale=alt.Scale(zero=False)),
            color=alt.Color(
                "who:N",
                scale=alt.Scale(domain=["tuned", "base"], range=["#D55E00", "#767676"]),
                legend=alt.Legend(title=None, orient="top"),
            ),
            tooltip=["who:N", "layer:O", alt.Tooltip("cka:Q", format=".3f")],
        )
        .properties(width="container", height=260)
    )
    return Chart(
        "layer_lines",
        "What each layer holds",
        "Mean over tasks of the similarity with each task's specialist. Where the tuned model lies above the base, its "
        "layer holds more of what specialists learn.",
        source,
        filters,
        _filtered(chart, data, filters),
    )


def library() -> str:
    """The JavaScript of Vega, Vega-Lite and Vega-Embed in one text, for a page without network."""
    from vl_convert import javascript_bundle

    # The snippet only hands over what the page needs; `</script` cannot occur in it, the test of the page holds that.
    return javascript_bundle("window.vegaEmbed = vegaEmbed;")


def _selection(row: Mapping[str, str]) -> str:
    return f"{row['estimator']}, top {float(row['percent']):g} % of the {row['selection']}"


def _metric(name: str) -> str:
    """The score that the papers report of each kind of task is one metric to a reader."""
    return "accuracy or ROUGE-L" if name in ("accuracy", "rougeL") else name


def _filters(data: Sequence[Mapping[str, Any]], names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The values of each field in the order of the data, those that the papers report first."""
    found = {name: list(dict.fromkeys(str(row[name]) for row in data)) for name in names}
    return {
        name: tuple(sorted(values, key=lambda value: value not in ("zero", "accuracy or ROUGE-L", "all")))
        for name, values in found.items()
    }


def _filtered(chart: Any, data: Sequence[Mapping[str, Any]], filters: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """The specification with its data and, for each filter, a parameter `f0`, `f1`, ... that keeps its rows."""
    spec: dict[str, Any] = chart.to_dict(validate=False)
    for part in (spec, *spec.get("layer", ())):
        for name in ("config", "data", "datasets"):
            part.pop(name, None)
    spec["autosize"] = {"type": "fit-x", "contains": "padding"}
    spec["data"] = {"values": list(data)}
    spec["params"] = [{"name": f"f{place}", "value": values[0]} for place, values in enumerate(filters.values())]
    spec["transform"] = [{"filter": f"datum[{name!r}] === f{place}"} for place, name in enumerate(filters)]
    return spec
