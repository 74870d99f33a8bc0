"""What the figures of the layers study share: colours and names of the models, and words that they all say."""

from collections.abc import Iterable, Sequence

from matplotlib.axes import Axes

from taskneurons.errors import InputError
from taskneurons.evidence.style import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    say_in_panel,
    seeds_in_words,
)
from taskneurons.studies.layers.curves import of_model
from taskneurons.studies.layers.rows import ComparedRow, Group, Role

ROLE_COLOURS: dict[Role, str] = {
    "base": BLUE,
    "experimental": VERMILLION,
    "held_out": PURPLE,
    "control": BLACK,
}
ROLE_NAMES: dict[Role, str] = {
    "base": "base",
    "experimental": "tuned on all tasks",
    "held_out": "tuned on the seen tasks",
    "control": "tuned on one task",
}
GROUP_COLOURS: dict[Group, str] = {"shared": SKY, "transition": ORANGE, "refinement": GREEN}


def compared_rows(rows: Iterable[ComparedRow], *, suite: str, model: str) -> list[ComparedRow]:
    """The rows that a figure draws.

    Raises:
        InputError: the model has no rows.
    """
    own = of_model(rows, suite=suite, model=model)
    if not own:
        raise InputError(f"no layers of {model} on {suite} were compared")
    return own


def over_seeds(rows: Iterable[ComparedRow]) -> str:
    """How many seeds values are means of; one seed is no mean."""
    seeds = len({row.seed for row in rows})
    return "1 seed" if seeds == 1 else f"mean over {seeds_in_words(seeds)}"


def not_available(axis: Axes, rows: Sequence[ComparedRow], metric: str) -> None:
    """Say in an empty panel why it is empty."""
    reasons = sorted({row.reason for row in rows if row.metric == metric and row.reason})
    say_in_panel(axis, f"not available: {'; '.join(reasons) or 'nothing was measured'}")
