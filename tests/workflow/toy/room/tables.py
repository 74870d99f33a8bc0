"""The table and the figure of the toy."""

from dataclasses import dataclass
from typing import Any

from taskneurons.files import write_text
from taskneurons.job import Job


@dataclass(frozen=True)
class TableSettings:
    """Which runs there are."""

    runs: list[Any]


@dataclass(frozen=True)
class FigureSettings:
    """How the figure is drawn."""

    figures: dict[str, Any]


def tabulate(job: Job[TableSettings]) -> None:
    """One row a file."""
    rows = [f"{path.as_posix()},{path.stat().st_size}\n" for path in job.inputs["scores"]]
    write_text(job.outputs.one("table"), "file,size\n" + "".join(rows))


def draw(job: Job[FigureSettings]) -> None:
    """A figure of the table."""
    text = job.inputs.one("table").read_text()
    write_text(job.outputs.one("figure"), f"<svg><text>{len(text)}</text></svg>\n")
