"""The graph of the rules as a picture: one box a kind of rule, from raw data at the top to the report at the bottom."""

from collections.abc import Mapping
from dataclasses import dataclass

import networkx as nx

# Pixels: a box, the gaps between boxes and between rows, the margin.
WIDTH, HEIGHT, GAP, STEP, MARGIN = 164, 28, 14, 62, 8


@dataclass(frozen=True)
class Box:
    """A kind of rule at its place (upper left corner, pixels)."""

    name: str
    study: str
    x: float
    y: float


@dataclass(frozen=True)
class Picture:
    """Boxes and edges; an edge is the path of an SVG curve with the two kinds that it joins."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    edges: tuple[tuple[str, str, str], ...]


def rule_picture(studies: Mapping[str, str], edges: set[tuple[str, str]]) -> Picture | None:
    """Lay the kinds out in rows by the longest way from the start; None when there are none.

    Edges that follow from others are left out: a reader sees what must come before what, not every file that is read.
    A cycle, which a workflow has only between kinds and never between jobs, is cut.

    Args:
        studies: each kind with its study.
        edges: (kind that makes, kind that reads).
    """
    graph = nx.DiGraph()
    graph.add_nodes_from(sorted(studies))
    for source, target in sorted(edges):
        if not nx.has_path(graph, target, source):
            graph.add_edge(source, target)
    if not graph:
        return None
    reduced = nx.transitive_reduction(graph)
    rows = [sorted(row) for row in nx.topological_generations(graph)]
    order = list(dict.fromkeys(studies.values()))
    widest = max(map(len, rows))
    middles: dict[str, float] = {}
    for row in rows:
        # Boxes stand near the middle of what they read, so that few edges cross.
        wanted = {}
        for name in row:
            before = [middles[source] for source in reduced.predecessors(name)]
            wanted[name] = sum(before) / len(before) if before else (widest - 1) / 2
        chosen = sorted(row, key=lambda name: (wanted[name], order.index(studies[name]), name))
        middle = sum(wanted.values()) / len(wanted)
        first = min(max(0.0, middle - (len(row) - 1) / 2), widest - len(row))
        middles |= {name: first + place for place, name in enumerate(chosen)}
    boxes = {
        name: Box(name, studies[name], MARGIN + middles[name] * (WIDTH + GAP), MARGIN + level * STEP)
        for level, row in enumerate(rows)
        for name in row
    }
    return Picture(
        width=2 * MARGIN + widest * (WIDTH + GAP) - GAP,
        height=2 * MARGIN + (len(rows) - 1) * STEP + HEIGHT,
        boxes=tuple(boxes.values()),
        edges=tuple((source, target, _curve(boxes[source], boxes[target])) for source, target in sorted(reduced.edges)),
    )


def _curve(source: Box, target: Box) -> str:
    x, y = source.x + WIDTH / 2, source.y + HEIGHT
    end, level = target.x + WIDTH / 2, target.y
    bend = (level - y) / 2
    return f"M{x:g} {y:g}C{x:g} {y + bend:g} {end:g} {level - bend:g} {end:g} {level:g}"
