"""The look of every figure, and how it is written so that equal inputs give equal bytes."""

import io
import textwrap
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Bbox

from taskneurons.errors import InputError
from taskneurons.files import write_bytes

WIDTH = 7.0  # inches, the text width of a paper
SMALL, NORMAL = 7.0, 8.0  # points
# Okabe & Ito's palette, distinguishable under every common colour vision.
BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILLION, PURPLE = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7",
)  # fmt: skip
GREY = "#767676"
FAMILY_COLOURS = (BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY, BLACK, GREY)
KIND_COLOURS = {"classification": BLUE, "generation": VERMILLION}
# Perceptually uniform, also in grey; light is zero. Its last tenth, black, would hide the borders of cells.
SEQUENTIAL = ListedColormap(mpl.colormaps["magma_r"](np.linspace(0, 0.88, 256)))
FONT = "DejaVu Sans"


# A machine may have the same font in another version, whose glyphs have other names in SVG files: equal results would
# then not have equal bytes. So that which comes with matplotlib is the only one of its name.
fontManager.ttflist = [font for font in fontManager.ttflist if font.name != FONT]
for _name in ("DejaVuSans", "DejaVuSans-Bold"):
    fontManager.addfont(Path(mpl.get_data_path()) / "fonts" / "ttf" / f"{_name}.ttf")
_RC: dict[Any, Any] = {
    "font.family": FONT,
    "font.size": NORMAL,
    "axes.titlesize": NORMAL,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": NORMAL,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "legend.fontsize": SMALL,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "legend.frameon": False,
    "svg.fonttype": "path",
    "svg.hashsalt": "taskneurons",
    "text.parse_math": False,
    "path.simplify": False,
}
_METADATA = {"png": {"Software": None}, "svg": {"Date": None, "Creator": None}}
_MARGIN = 0.05  # inches
_LEGEND_COLUMNS = 3


@dataclass(frozen=True)
class Words:
    """The texts around the panels: `title` says what is seen, `caption` what is drawn, its n and its interval."""

    title: str
    caption: str


@contextmanager
def sheet(
    height: float, words: Words, paths: Iterable[str | Path], dpi: int, handles: Sequence[Artist] = ()
) -> Iterator[Figure]:
    """Yield a figure of the common width; when its panels are drawn, write it to every path.

    Args:
        height: inches of the panels; title, legend and caption are added to it.
        words: the texts.
        paths: one file a format, `.png` or `.svg`.
        dpi: dots an inch of the PNG.
        handles: labelled artists of a legend between the title and the panels.

    Raises:
        InputError: a path has another suffix, or dpi is below 1.
    """
    files = [Path(path) for path in paths]
    for path in files:
        if path.suffix.removeprefix(".") not in _METADATA:
            raise InputError("figures are written as .png or .svg", where=str(path))
    if dpi < 1:
        raise InputError(f"a figure of {dpi} dots an inch", where="dpi")
    title, caption = textwrap.wrap(words.title, 88), textwrap.wrap(words.caption, 130)
    head, foot = 0.17 * len(title) + 0.08, 0.14 * len(caption) + 0.1
    legend = 0.16 * -(-len(handles) // _LEGEND_COLUMNS) + 0.06 if handles else 0.0
    total = head + legend + height + foot
    with mpl.rc_context(_RC), warnings.catch_warnings():
        # A task may be named in a script that the font lacks; a box in its place is better than no figure.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = Figure(figsize=(WIDTH, total))
        room = (0, foot / total, 1, height / total)
        figure.set_layout_engine(ConstrainedLayoutEngine(rect=room, w_pad=0.04, h_pad=0.04, compress=True))
        yield figure
        figure.draw_without_rendering()
        # The layout's solver adds rounding noise that differs between processes and would name clip paths anew.
        figure.set_layout_engine("none")
        for axis in figure.axes:
            axis.set_position(Bbox(np.round(axis.get_position(original=True).get_points(), 6)))
        left = _MARGIN / WIDTH
        figure.text(
            left, 1 - _MARGIN / total, "\n".join(title), va="top", fontsize=NORMAL + 1, fontweight="bold", gid="title"
        )
        figure.text(
            left, _MARGIN / total, "\n".join(caption), va="bottom", fontsize=SMALL, color="#404040", gid="caption"
        )
        if handles:
            figure.legend(
                handles=handles, loc="upper left", bbox_to_anchor=(left, 1 - head / total), ncols=_LEGEND_COLUMNS,
                borderpad=0, borderaxespad=0, columnspacing=1.4, handlelength=1.6, labelspacing=0.4,
            )  # fmt: skip
        for path in files:
            write_bytes(path, _rendered(figure, path.suffix.removeprefix("."), dpi))


def _rendered(figure: Figure, form: str, dpi: int) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format=form, dpi=dpi, metadata=_METADATA[form])
    return buffer.getvalue()


def layer_axis(axis: Axes) -> None:
    """Layers as whole numbers on the x axis."""
    axis.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    axis.set_xlabel("layer")


def say_in_panel(axis: Axes, text: str) -> None:
    """Words in the middle of a panel that shows nothing else."""
    axis.text(
        0.5, 0.5, "\n".join(textwrap.wrap(text, 34)), transform=axis.transAxes, ha="center", va="center", color=GREY
    )
    axis.set_yticks([])


def shortened(name: str, longest: int = 22) -> str:
    """The name, cut in its middle where it is longer, so that its domain at the end still tells tasks apart."""
    if len(name) <= longest:
        return name
    head = (longest - 1) // 2
    return f"{name[:head]}…{name[len(name) - (longest - 1 - head) :]}"


def signed(value: float, digits: int = 1) -> str:
    """A change with its sign; what rounds to zero has none."""
    text = f"{value:+.{digits}f}"
    return text.replace("-", "−") if float(text) else text[1:]


def p_in_words(value: float) -> str:
    """A p-value that is short enough to stand beside something else."""
    return "p < 0.001" if value < 0.001 else f"p = {value:.2g}"


def seeds_in_words(seeds: int) -> str:
    """How many seeds are behind a figure."""
    return f"{seeds} seed{'s' if seeds != 1 else ''}"


def interval_words(seeds: int, drawn: int) -> str:
    """What the caption says of the intervals.

    Args:
        seeds: number of seeds behind the figure.
        drawn: how many intervals could be drawn.
    """
    if seeds < 3:
        return f"{seeds} seed{'s' if seeds != 1 else ''}: no interval (at least 3 are needed)."
    if not drawn:
        return f"{seeds} seeds; no interval, because the values are equal over the seeds."
    return f"Bars: 95 % t intervals over {seeds} seeds; none where the seeds are fewer than 3 or agree exactly."
