"""The page: one HTML file that asks nothing of any network and runs no code but its own."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from taskneurons.files import read_text, write_text
from taskneurons.report.atlas import DIGITS
from taskneurons.report.charts import library
from taskneurons.report.contents import Contents, FigureFile, Table
from taskneurons.report.packing import packed, packed_json
from taskneurons.report.source import TEMPLATES
from taskneurons.report.verdicts import tally

# In the order in which they must run.
SCRIPTS = ("core.js", "figures.js", "tables.js", "lineage.js", "charts.js", "atlas.js")
# As many as a page of the finished table, which then takes no more room.
SHOWN_ROWS = 12
SIGNIFICANT = 4
_SIZE = re.compile(r'<svg\b[^>]*?\bviewBox="0 0 ([\d.]+) ([\d.]+)"')


def write_report(path: str | Path, contents: Contents) -> None:
    """Write the page."""
    write_text(path, page(contents))


def page(contents: Contents) -> str:
    """The HTML text. Everything that comes from data is escaped, or packed so that it cannot be markup."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"short": short, "spoken": spoken, "seconds": duration}
    style = Markup(read_text(TEMPLATES / "report.css"))
    sections = (*((contents.decided,) if contents.decided else ()), *contents.sections)
    charts = [chart for section in sections for chart in section.charts]
    scripts = [Markup(library())] if charts else []
    scripts += [Markup(read_text(TEMPLATES / name)) for name in SCRIPTS]
    for text in (style, *scripts):
        if "</script" in text.lower() or "</style" in text.lower():
            raise ValueError("a script of the page would end its own element")
    tables = [table for section in sections for table in (*section.tables, *section.published)]
    return environment.get_template("report.html").render(
        contents=contents,
        policy=_policy(str(style), [str(script) for script in scripts]),
        style=style,
        scripts=scripts,
        charts=charts,
        tables=tables,
        figures=[figure for section in sections for figure in section.figures],
        sized=_sized,
        table_ids={table.path: f"table-{place}" for place, table in enumerate(tables)},
        csv_of=_csv,
        picture_of=_picture,
        packed_json=packed_json,
        verdicts=tally(contents.claims),
        cards=[(suite, task, Markup(_markdown(text))) for suite, task, text in contents.cards],
        index=[_index(layer) for layer in contents.layers],
        chunks=[
            (f"scores-{place}-{number}", packed_json({name: task[name] for name in ("planes", "values", "counts")}),
             f"ranks-{place}-{number}", task["ranks"])
            for place, layer in enumerate(contents.layers)
            for number, task in enumerate(layer["tasks"])
        ],
        shown_rows=SHOWN_ROWS,
        digits=DIGITS,
        significant=SIGNIFICANT,
        dump=_dump,
    )  # fmt: skip


def short(text: Any) -> str:
    """A number to four significant digits; any other text as it is."""
    if text is None:
        return ""
    try:
        value = float(text)
    except (TypeError, ValueError):
        return str(text)
    if value != value or value in (float("inf"), float("-inf")) or isinstance(text, bool):
        return str(text)
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return f"{float(f'{value:.{SIGNIFICANT}g}'):g}"


def spoken(name: str) -> str:
    """A column's or study's name for readers."""
    return name.replace("_", " ")


def duration(seconds: float) -> str:
    """Seconds in the unit that reads best."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"


def _policy(style: str, scripts: list[str]) -> str:
    """Only these very scripts and styles run, pictures come from the page itself, and nothing is fetched or sent."""

    def digests(texts: list[str]) -> str:
        found = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts)
        return " ".join(f"'sha256-{digest}'" for digest in found)

    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {digests(scripts)}",
            f"style-src {digests([style])}",
            "img-src data: blob:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _markdown(text: str) -> str:
    """A data card as HTML: markup in it stays text, and pictures and links are not followed anywhere."""
    renderer = MarkdownIt("commonmark", {"html": False}).enable("table").disable(["image", "link", "autolink"])
    body: str = renderer.render(text.partition("\n")[2] if text.startswith("# ") else text)
    # The page has its own order of headings, in which a card stands under a third-level one.
    return body.replace("<h2>", "<h4>").replace("</h2>", "</h4>")


def _index(layer: Mapping[str, Any]) -> dict[str, Any]:
    """A layer of the atlas without its scores."""
    tasks = [{name: task[name] for name in ("name", "path", "examples", "tokens")} for task in layer["tasks"]]
    return {**layer, "tasks": tasks}


def _csv(table: Table) -> str:
    """A table packed as JSON: the words for its cells, its header, then its rows, cells as they stand in the file."""
    return packed_json([table.words, table.columns, *table.rows])


def _picture(figure: FigureFile) -> str:
    return packed(Path(figure.path).read_bytes())


def _sized(figure: FigureFile) -> tuple[int, int]:
    """Width and height of a picture for the page's layout before it is drawn."""
    if figure.path.endswith(".svg"):
        match = _SIZE.search(read_text(figure.path)[:4000])
        if match:
            return round(float(match[1])), round(float(match[2]))
    return 504, 360


def _dump(content: Any) -> Markup:
    """JSON inside a script element: no character of it can end the element or begin a comment."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, sort_keys=True)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))
