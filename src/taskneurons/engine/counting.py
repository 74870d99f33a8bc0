"""How far a long piece of work is: a bar on a terminal, a line once a minute elsewhere."""

import sys
from collections.abc import Iterable
from typing import Any, TextIO

from tqdm.auto import tqdm

INTERVAL = 60.0
"""Seconds between two lines; work that is done within them says nothing."""
_LINE = "{desc}: {n_fmt} of {total_fmt} {unit}s, {elapsed} gone, {remaining} left{postfix}"


def counted(
    items: Iterable[Any] | None = None, *, name: str, unit: str, total: int | None = None, initial: int = 0
) -> Any:
    """A tqdm bar over some items, or over steps that are reported by `update`.

    Args:
        items: what is gone through; None: steps.
        name: of the work.
        unit: one item or step, in the singular.
        total: of the steps.
        initial: steps that were done before.
    """
    settings: dict[str, Any] = {"desc": name, "unit": unit, "total": total, "initial": initial}
    if not sys.stderr.isatty():
        settings |= {"file": _Lines(sys.stderr), "bar_format": _LINE}
        settings |= {"mininterval": INTERVAL, "delay": INTERVAL, "miniters": 1}
    return tqdm(items, **settings)


class _Lines:
    """A text file that keeps each state of a bar as a line of its own."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def write(self, text: str) -> None:
        """Write what is not white space."""
        if line := text.strip():
            self._out.write(line + "\n")

    def flush(self) -> None:
        """Let readers see it."""
        self._out.flush()
