"""The interactive charts, as Vega-Lite specifications whose filters are parameters that the page sets."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from taskneurons.evidence import words
from taskneurons.evidence.study import Dots, Filter, Lines, Matrix

Rows = Sequence[Mapping[str, str]]
Say = Callable[[str, str], str]
"""The words for a value and the column in which it stands."""
# Okabe & Ito's colours, those that the figures give to the same conditions.
COLOURS = {
    "task": "#D55E00",
    "other_task": "#009E73",
    "random": "#767676",
    "bottom": "#56B4E9",
    "full": "#0072B2",
}
LINES = ("#D55E00", "#767676", "#0072B2", "#009E73")
_RUN = ("suite", "model", "seed", "test_task", "metric")


@dataclass(frozen=True)
class Chart:
    """One chart.

    Attributes:
        name: its id in the page.
        title, caption: in words; the caption says what is drawn.
        source: path of the table that it is drawn from.
        filters: the choices of each filter, the first one is chosen.
        spec: Vega-Lite, with a parameter for each filter and its data inside.
    """

    name: str
    title: str
    caption: str
    source: str
    filters: Mapping[str, tuple[str, ...]]
    spec: Mapping[str, Any]


def draw(chart: Dots | Matrix | Lines, rows: Rows, source: str, say: Say = words.of) -> Chart | None:
    """Draw a chart that a study asks for.

    Args:
        chart: what is asked for.
        rows: of its table.
        source: path of the table.
        say: the words for a value and its column.

    Returns:
        The chart; None where a column is missing, or no row is to be drawn.

    Raises:
        ValueError: a value is no number.
    """
    if not rows or not set(rows[0]) >= _columns(chart):
        return None
    match chart:
        case Dots():
            data, vega = _dots(chart, rows, say)
        case Matrix():
            data, vega = _matrix(chart, rows, say)
        case Lines():
            data, vega = _lines(chart, rows, say)
    if not data:
        return None
    filters = _filters(chart.filters, data, say)
    return Chart(
        f"{type(chart).__name__.lower()}-{chart.table}",
        chart.title,
        chart.caption,
        source,
        filters,
        _filtered(vega, data, filters),
    )


def library() -> str:
    """The JavaScript of Vega, Vega-Lite and Vega-Embed in one text, for a page without network."""
    from vl_convert import javascript_bundle

    # The snippet only hands over what the page needs; `</script` cannot occur in it, the test of the page holds that.
    return javascript_bundle("window.vegaEmbed = vegaEmbed;")


def _columns(chart: Dots | Matrix | Lines) -> set[str]:
    """The columns without which a chart cannot be drawn."""
    chosen = {column for one in chart.filters for column in one.columns}
    match chart:
        case Dots():
            return chosen | {"condition", "task", chart.value}
        case Matrix():
            return chosen | {*_RUN, "condition", "train_task", "value"}
        case Lines():
            return chosen | {"layer", *(column for column, _ in chart.lines)}


def _dots(chart: Dots, rows: Rows, say: Say) -> tuple[list[dict[str, Any]], Any]:
    import altair as alt

    data: list[dict[str, Any]] = [
        {
            **_chosen(chart.filters, row, say),
            "condition": say(row["condition"], "condition"),
            "task": row["task"],
            "value": float(row[chart.value]),
            **{end: float(row[name]) for end, name in (("low", chart.low), ("high", chart.high)) if row.get(name)},
        }
        for row in rows
        if row["condition"] in chart.conditions and row[chart.value] and row["task"] not in words.MEANS
    ]
    conditions = [say(name, "condition") for name in chart.conditions]
    tasks = list(dict.fromkeys(row["task"] for row in data))
    base = alt.Chart()
    colour = alt.Color(
        "condition:N",
        scale=alt.Scale(domain=conditions, range=[COLOURS[name] for name in chart.conditions]),
        sort=conditions,
        legend=alt.Legend(title=chart.legend, orient="top", columns=2),
    )
    x = alt.X("value:Q", title=chart.axis)
    y = alt.Y("task:N", title=None, sort=tasks)
    beside = alt.YOffset("condition:N", sort=conditions)
    whiskers = base.mark_rule(strokeWidth=1.5, opacity=0.55).encode(
        x=alt.X("low:Q", title=chart.axis), x2="high:Q", y=y, yOffset=beside, color=colour
    )
    dots = base.mark_circle(size=70, opacity=1).encode(
        x=x,
        y=y,
        yOffset=beside,
        color=colour,
        tooltip=[
            alt.Tooltip("task:N", title="task"),
            alt.Tooltip("condition:N", title=chart.legend.lower()),
            *(alt.Tooltip(f"{name}:Q", format=".2f", title=name) for name in ("value", "low", "high")),
        ],
    )
    zero = base.mark_rule(strokeDash=[3, 3], opacity=0.6).encode(x=alt.datum(0))
    # With one seed there is no interval.
    parts = (zero, whiskers, dots) if any("low" in row for row in data) else (zero, dots)
    return data, alt.layer(*parts).properties(width="container", height=46 * len(tasks))


def _matrix(chart: Matrix, rows: Rows, say: Say) -> tuple[list[dict[str, Any]], Any]:
    import altair as alt

    reference = {
        tuple(row[name] for name in _RUN): float(row["value"]) for row in rows if row["condition"] == chart.reference
    }
    # The choice of each filter, the two tasks -> what is lost, by seed and metric.
    lost: dict[tuple[Any, ...], list[float]] = defaultdict(list)
    for row in rows:
        before = reference.get(tuple(row[name] for name in _RUN))
        if row["condition"] not in chart.conditions or before is None:
            continue
        sign = -1 if row["metric"] == "loss" else 1
        choice = tuple(_chosen(chart.filters, row, say).items())
        lost[choice, row["train_task"], row["test_task"]].append(sign * (before - float(row["value"])))
    data: list[dict[str, Any]] = [
        {**dict(choice), "row": row, "column": column, "value": round(fmean(values), 4), "seeds": len(values)}
        for (choice, row, column), values in lost.items()
    ]
    tasks = list(dict.fromkeys(row["column"] for row in data))
    vega = (
        alt.Chart()
        .mark_rect(stroke=None)
        .encode(
            x=alt.X("column:N", title=chart.columns, sort=tasks, axis=alt.Axis(labelAngle=-40, orient="top")),
            y=alt.Y("row:N", title=chart.rows, sort=tasks),
            color=alt.Color(
                "value:Q",
                scale=alt.Scale(scheme="magma", reverse=True, domainMin=0),
                legend=alt.Legend(title=chart.legend),
            ),
            tooltip=[
                alt.Tooltip("row:N", title=chart.rows.lower()),
                alt.Tooltip("column:N", title=chart.columns.lower()),
                alt.Tooltip("value:Q", format=".2f", title=chart.legend.lower()),
                alt.Tooltip("seeds:Q", title="seeds"),
            ],
        )
        .properties(width="container", height=26 * len(tasks))
    )
    return data, vega


def _lines(chart: Lines, rows: Rows, say: Say) -> tuple[list[dict[str, Any]], Any]:
    import altair as alt

    data = [
        {**_chosen(chart.filters, row, say), "layer": row["layer"], "line": name, "value": float(row[column])}
        for row in rows
        # Some rows are means over the layers.
        if row["layer"].isdecimal()
        for column, name in reversed(chart.lines)
        if row[column]
    ]
    names = [name for _, name in chart.lines]
    vega = (
        alt.Chart()
        .mark_line(point=alt.OverlayMarkDef(size=60, filled=True), strokeWidth=2)
        .encode(
            x=alt.X("layer:O", title="Layer", axis=alt.Axis(labelAngle=0)),
            y=alt.Y("value:Q", title=chart.axis, scale=alt.Scale(zero=False)),
            color=alt.Color(
                "line:N",
                scale=alt.Scale(domain=names, range=LINES[: len(names)]),
                legend=alt.Legend(title=None, orient="top"),
            ),
            tooltip=[
                alt.Tooltip("line:N", title="model"),
                alt.Tooltip("layer:O", title="layer"),
                alt.Tooltip("value:Q", format=".3f", title="value"),
            ],
        )
        .properties(width="container", height=260)
    )
    return data, vega


def _chosen(filters: Sequence[Filter], row: Mapping[str, str], say: Say) -> dict[str, str]:
    """What a reader chooses to see this row: the words of each filter, by its label."""
    return {one.label: _choice(one, [(column, row[column]) for column in one.columns], say) for one in filters}


def _choice(one: Filter, cells: Sequence[tuple[str, str]], say: Say) -> str:
    if one.together and cells[0][1] in one.together:
        return " or ".join(say(value, one.columns[0]) for value in one.together)
    there = [(column, value) for column, value in cells if value]
    return words.joined(there[:1] if one.either else there, say)


def _filters(filters: Sequence[Filter], data: Rows, say: Say) -> dict[str, tuple[str, ...]]:
    """The choices of each filter in the order of the data, that which the study names first."""
    found = {}
    for one in filters:
        values = list(dict.fromkeys(row[one.label] for row in data))
        foremost = {_choice(one, [(column, one.first)], say) for column in one.columns if one.first}
        found[one.label] = tuple(sorted(values, key=lambda value: value not in foremost))
    return found


def _filtered(chart: Any, data: Rows, filters: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
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
