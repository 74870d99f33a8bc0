"""A chain as a picture: raw data on the left, the artifact on the right, one box for the jobs of a rule."""

import re
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from taskneurons.files import write_text
from taskneurons.lineage.chain import Chain, Job
from taskneurons.lineage.chain_text import duration, some, summary

# Okabe and Ito's colours, told apart by colour-blind readers; studies take them in the order in which they occur.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#999999")
# Pixels. Letters of a monospaced font are 0.6 of their size wide.
SIZE, LINE, LETTERS = 12, 16, 26
BOX = round(LETTERS * SIZE * 0.6) + 24
COLUMN, GAP, MARGIN = BOX + 90, 18, 24
SWEEPS = 12
STYLE = """
text { font: 12px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #1a1a1a }
.head { font-size: 16px; font-weight: bold } .rule { font-weight: bold } .dim { fill: #5a5a5a }
.paper { fill: #ffffff } .box { fill: #f7f7f5; stroke-width: 1.5 } .raw { fill: #ffffff; stroke: #808080 }
.target { stroke-width: 4 } .edge { fill: none; stroke: #9a9a9a; stroke-width: 1.3 }
@media (prefers-color-scheme: dark) {
  text { fill: #ececec } .dim { fill: #b4b4b4 } .paper { fill: #16181c } .box { fill: #23262c }
  .raw { fill: #16181c } .edge { stroke: #767676 }
}
"""


@dataclass
class _Box:
    """Jobs of one rule at one depth, or files from outside of one folder; without either a bend of a long edge."""

    depth: int
    jobs: list[Job] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    children: set[int] = field(default_factory=set)
    y: float = 0.0

    @property
    def lines(self) -> list[tuple[str, str]]:
        """(text, class) of the lines in the box."""
        if self.files:
            return [(line, "rule") for line in _wrapped(some(self.files))] + [("from outside", "dim")]
        made = len([path for job in self.jobs for path, _ in job.outputs])
        facts = [f"{len(self.jobs)} jobs" if self.jobs[1:] else "", f"{made} file{'s' if made > 1 else ''}"]
        facts.append(duration(sum(job.seconds for job in self.jobs)))
        return [(line, "rule") for line in _wrapped(self.jobs[0].rule)] + [(", ".join(filter(None, facts)), "dim")]

    @property
    def height(self) -> float:
        return len(self.lines) * LINE + 14 if self.jobs or self.files else LINE

    @property
    def study(self) -> str:
        return Path(self.jobs[0].outputs[0][0]).parts[1] if self.jobs else ""


def write_picture(found: Chain, path: str | Path) -> None:
    """Write a chain as SVG: self-contained, light or dark as its reader is, with the files of a box on hovering.

    Boxes are laid in layers whose order is that of the mean of their neighbours (Sugiyama et al. 1981).
    """
    boxes = _boxes(found)
    _place(boxes)
    write_text(path, _svg(found, boxes))


def _boxes(found: Chain) -> list[_Box]:
    depth = [0] * len(found.jobs)
    for at, job in enumerate(found.jobs):
        for parent in job.parents:
            depth[parent] = max(depth[parent], depth[at] + 1)
    merged: dict[tuple[str, int], int] = {}
    boxes: list[_Box] = []
    box_of: list[int] = []
    for at, job in enumerate(found.jobs):
        key = (job.rule, depth[at])
        if key not in merged:
            merged[key] = len(boxes)
            boxes.append(_Box(depth[at]))
        box_of.append(merged[key])
        boxes[merged[key]].jobs.append(job)
    for at, job in enumerate(found.jobs):
        for parent in job.parents:
            boxes[box_of[parent]].children.add(box_of[at])
    readers: dict[str, set[int]] = {}
    for at, job in enumerate(found.jobs):
        for name, _ in job.inputs:
            if name in dict(found.raw):
                readers.setdefault(name, set()).add(box_of[at])
    # Files of one folder that the same boxes read are one box.
    folders: dict[tuple[str, frozenset[int]], list[str]] = {}
    for name, read_by in sorted(readers.items()):
        folders.setdefault((str(Path(name).parent), frozenset(read_by)), []).append(name)
    for (_, reading), files in folders.items():
        boxes.append(_Box(1 + max(boxes[at].depth for at in reading), files=files, children=set(reading)))
    return _with_bends(boxes)


def _with_bends(boxes: list[_Box]) -> list[_Box]:
    """Long edges pass through a bend in each layer, so that they keep clear of boxes; those of one box share them."""
    for box in list(boxes):
        last = box
        for depth in range(box.depth - 1, min((boxes[child].depth for child in box.children), default=box.depth), -1):
            far = {child for child in last.children if boxes[child].depth < depth}
            boxes.append(_Box(depth, children=far))
            last.children = last.children - far | {len(boxes) - 1}
            last = boxes[-1]
    return boxes


def _place(boxes: list[_Box]) -> None:
    """Give every box its height on the page."""
    layers: dict[int, list[int]] = {}
    for at, box in enumerate(boxes):
        layers.setdefault(box.depth, []).append(at)
    children = {at: sorted(box.children) for at, box in enumerate(boxes)}
    parents: dict[int, list[int]] = {at: [] for at in children}
    for at, others in children.items():
        for child in others:
            parents[child].append(at)
    rank = {at: float(n) for layer in layers.values() for n, at in enumerate(layer)}
    for sweep in range(SWEEPS):
        neighbours: Mapping[int, list[int]] = parents if sweep % 2 else children
        for depth in sorted(layers, reverse=bool(sweep % 2)):
            middle = {at: _mean((rank[n] for n in neighbours[at]), rank[at]) for at in layers[depth]}
            layers[depth].sort(key=lambda at: (middle[at], at))
            rank |= {at: float(n) for n, at in enumerate(layers[depth])}
    tallest = max(sum(boxes[at].height + GAP for at in layer) for layer in layers.values())
    for layer in layers.values():
        y = (tallest - sum(boxes[at].height + GAP for at in layer)) / 2
        for at in layer:
            boxes[at].y = y
            y += boxes[at].height + GAP


def _mean(values: Iterable[float], otherwise: float) -> float:
    values = list(values)
    return sum(values) / len(values) if values else otherwise


def _svg(found: Chain, boxes: list[_Box]) -> str:
    deepest = max(box.depth for box in boxes)
    head = [found.target, *(line for text in summary(found) for line in textwrap.wrap(text, 110))]
    studies = list(dict.fromkeys(box.study for box in sorted(boxes, key=lambda box: -box.depth) if box.jobs))
    colour = dict(zip(studies, COLOURS * len(studies), strict=False))
    top = MARGIN + len(head) * LINE + 56
    width = max(MARGIN * 2 + deepest * COLUMN + BOX, MARGIN * 2 + 110 * SIZE * 0.6)
    height = top + max(box.y + box.height for box in boxes) + MARGIN
    size = {"width": f"{width:.0f}", "height": f"{height:.0f}", "viewBox": f"0 0 {width:.0f} {height:.0f}"}
    root = ElementTree.Element("svg", {"xmlns": "http://www.w3.org/2000/svg", **size})
    ElementTree.SubElement(root, "title").text = f"What {found.target} was made of"
    ElementTree.SubElement(root, "style").text = STYLE
    _add(root, "rect", "paper", width="100%", height="100%")
    for at, text in enumerate(head):
        _add(root, "text", "dim" if at else "head", x=MARGIN, y=MARGIN + 10 + at * LINE + 4 * bool(at)).text = text
    x = MARGIN
    for study in studies:
        y = MARGIN + 16 + len(head) * LINE
        _add(root, "rect", "key", x=x, y=y, width=14, height=14, fill=colour[study])
        _add(root, "text", "dim", x=x + 20, y=y + 11).text = study
        x += round(20 + len(study) * SIZE * 0.6 + 24)
    left = [MARGIN + (deepest - box.depth) * COLUMN for box in boxes]
    for at, box in enumerate(boxes):
        for child in sorted(box.children):
            start, end = left[at] + BOX, left[child]
            y0, y1 = (top + boxes[n].y + boxes[n].height / 2 for n in (at, child))
            middle = (start + end) / 2
            path = f"M{start} {y0:.1f} C{middle:.0f} {y0:.1f} {middle:.0f} {y1:.1f} {end} {y1:.1f}"
            _add(root, "path", "edge", d=path)
        if not (box.jobs or box.files):
            y0 = top + box.y + box.height / 2
            _add(root, "path", "edge", d=f"M{left[at]} {y0:.1f} H{left[at] + BOX}")
    for at, box in enumerate(boxes):
        if box.jobs or box.files:
            _draw(root, box, left[at], top + box.y, colour)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _draw(root: ElementTree.Element, box: _Box, x: float, y: float, colour: Mapping[str, str]) -> None:
    group = ElementTree.SubElement(root, "g")
    paths = box.files or [path for job in box.jobs for path, _ in job.outputs]
    ElementTree.SubElement(group, "title").text = "\n".join([*paths[:20], *(["..."] if paths[20:] else [])])
    kind = "box raw" if box.files else "box target" if box.depth == 0 else "box"
    corners = 14 if box.files else 4
    rect = _add(group, "rect", kind, x=x, y=f"{y:.1f}", width=BOX, height=box.height, rx=corners)
    if box.jobs:
        rect.set("stroke", colour[box.study])
    for n, (text, style) in enumerate(box.lines):
        _add(group, "text", style, x=x + 12, y=f"{y + 18 + n * LINE:.1f}").text = text


def _add(parent: ElementTree.Element, tag: str, style: str, **attributes: object) -> ElementTree.Element:
    names = {name: str(value) for name, value in attributes.items()}
    return ElementTree.SubElement(parent, tag, {"class": style, **names})


def _wrapped(text: str) -> list[str]:
    """Lines of at most LETTERS letters, broken behind underscores, strokes and spaces where possible."""
    lines = [""]
    for part in re.findall(r"[^_/ ]*[_/ ]|[^_/ ]+", text):
        if len(lines[-1] + part.rstrip()) > LETTERS:
            lines.append("")
        lines[-1] += part
    return [piece for line in lines for piece in textwrap.wrap(line, LETTERS)]
