"""What tests ask of every figure: its texts, that it stands inside the page, that its bytes do not change."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from functools import cache
from importlib import import_module
from pathlib import Path
from unittest import mock

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

import taskneurons


def figure_of(draw: Callable[[list[Path]], None]) -> Figure:
    """The figure as it is when it is rendered; nothing is written."""
    kept: list[Figure] = []
    keep = mock.patch.object(Figure, "savefig", lambda self, *_, **__: kept.append(self))
    with keep, mock.patch("taskneurons.evidence.style.write_bytes"):
        draw([Path("x.png")])
    return kept[0]


def words_of(figure: Figure) -> str:
    """All of its texts, in one line."""
    texts = [text.get_text() for text in figure.findobj(Text) if text.get_visible() and text.get_text()]
    return " ".join(" ".join(texts).split())


def assert_inside_the_page(figure: Figure) -> None:
    """Nothing is cut off at the border, texts around the panels meet nothing, and all letters can be read."""
    canvas = FigureCanvasAgg(figure)
    # A task may be named in a script that the font lacks.
    with mock.patch("warnings.warn"):
        # Nobody looks at it: what stands where is known without a picture.
        figure.draw_without_rendering()
    renderer = canvas.get_renderer()
    own = [text.get_window_extent(renderer) for text in figure.texts]
    own += [legend.get_window_extent(renderer) for legend in figure.legends]
    panels = [axis.get_tightbbox(renderer) for axis in figure.axes if axis.get_visible()]
    page = figure.bbox.padded(1)
    for box in own + panels:
        assert page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1
    for place, box in enumerate(own):
        assert not any(box.overlaps(other) for other in own[place + 1 :] + panels)
    assert all(text.get_fontsize() >= 7 for text in figure.findobj(Text))


def digests(paths: Iterable[Path]) -> list[str]:
    """SHA-256 of files."""
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]


def digests_of_another_process(module: str, folder: Path) -> list[str]:
    """SHA-256 of the figures that `draw_all(folder)` of a test module makes in a process with another hash seed.

    One such process draws for all modules, in the order in which they ask.

    Args:
        module: path of the test module.
        folder: where it draws.
    """
    other = _other_process()
    assert other.stdin and other.stdout
    print(json.dumps([module, str(folder)]), file=other.stdin, flush=True)
    found: list[str] = json.loads(other.stdout.readline())
    return found


@cache
def _other_process() -> "subprocess.Popen[str]":
    places = (str(Path(__file__).parent), str(Path(taskneurons.__file__).parents[1]))
    code = "import sys; sys.path[:0] = sys.argv[1:]; import drawn; drawn.draw_what_is_asked()"
    # It ends when its input does, with the process that asks.
    return subprocess.Popen(
        [sys.executable, "-c", code, *places],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={"PYTHONHASHSEED": "7", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip


def draw_what_is_asked() -> None:
    """Draw for each line of the input, and print digests."""
    for line in sys.stdin:
        module, folder = map(Path, json.loads(line))
        sys.path.insert(0, str(module.parent))
        print(json.dumps(digests(import_module(module.stem).draw_all(folder))), flush=True)
