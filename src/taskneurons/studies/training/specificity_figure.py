"""Figure 5 c-d: what a task gains from its own neurons, its sibling's, another family's, and others, at one reading."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from taskneurons.errors import InputError
from taskneurons.evidence.bar_chart import Bar, Line, Look, Panel, draw_bars
from taskneurons.evidence.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    Words,
    shortened,
    signed,
)
from taskneurons.evidence.tasks import MEANS, SCORE, DescribedTask, Kind, by_kind
from taskneurons.evidence.trained import Condition
from taskneurons.evidence.words import CONDITIONS
from taskneurons.studies.training.curve_figure import interval_words_of
from taskneurons.studies.training.rows import CurveRow

LOOKS: dict[Condition, Look] = {
    "task": Look(VERMILLION, "D", CONDITIONS["task"]),
    "sibling": Look(BLUE, "o", CONDITIONS["sibling"]),
    "other_task": Look(GREEN, "^", "another family's neurons"),
    "keystone": Look(PURPLE, "v", CONDITIONS["keystone"]),
    "random": Look(GREY, "o", "random neurons of the same layers"),
    "uniform": Look(ORANGE, "s", CONDITIONS["uniform"]),
    "full": Look(SKY, "P", CONDITIONS["full"]),
}
"""In the order of the rows of a task."""
_UNITS = {"accuracy": "accuracy (%)", "rougeL": "ROUGE-L (%)"}


def shown_reading(rows: Iterable[CurveRow], kind: Kind) -> tuple[float, int] | None:
    """The share and the steps that the figure shows: where random neurons are nearest to half-way to the best.

    There others may be ahead or behind. Only readings that decide count. Own neurons have no part in the choice but
    that of having learned anything at all, so that it does not favour them.

    Args:
        rows: of one run and learning rate.
        kind: of the tasks.

    Returns:
        (percent, steps); None where no reading decides.
    """
    wanted = (MEANS[kind], SCORE[kind], "random", "zero_shot")
    random = [row for row in rows if (row.task, row.metric, row.condition, row.against) == wanted]
    distances = [
        (abs(row.room - row.difference), row.percent, row.steps)
        for row in random
        if row.decides and row.room is not None and row.difference is not None
    ]
    return min(distances)[1:] if distances else None


def draw_specificity(
    rows: Sequence[CurveRow], tasks: Sequence[DescribedTask], paths: Iterable[str | Path], *, dpi: int = 200
) -> None:
    """Draw what each task scores when its own and other neurons are trained on its data, from the untrained score on.

    Args:
        rows: of one run and learning rate.
        tasks: of the suite.
        paths: where to write, `.png` and `.svg`.
        dpi: dots an inch of the PNG.

    Raises:
        InputError: there are no rows.
    """
    if not rows:
        raise InputError("no curves were made", where="specificity")
    shown, said, first = [], [], rows[0]
    for kind, group in by_kind(tasks).items():
        own = [row for row in rows if (row.kind, row.metric) == (kind, SCORE[kind])]
        names = [task.name for task in group if any(row.task == task.name for row in own)]
        if not names:
            continue
        at = shown_reading(own, kind)
        # Where nothing decides, the last reading of the largest share is shown, and the title says so.
        percent, steps = at or max((row.percent, row.steps) for row in own)
        here = [row for row in own if (row.percent, row.steps) == (percent, steps)]
        chance = {task.name: task.chance for task in group}
        lines = [_line(name, here, chance=chance[name]) for name in names]
        if len(names) > 1:
            lines.append(_line(MEANS[kind], here, average=True))
        where = f"{percent:g} %, {steps} steps" + ("" if at else ", cannot decide")
        shown.append(Panel(f"{kind}: {where}", _UNITS[SCORE[kind]], lines, reaches_chance=False))
        said.append(_ahead(kind, here))
    words = Words(
        f"Own neurons less another family's, less its sibling's: {'; '.join(filter(None, said))}",
        f"{first.model}, {first.suite}, learning rate {first.learning_rate:g}, neurons by {first.estimator}. Black: "
        f"untrained. Bars: {interval_words_of(rows)} of the gain, cut at 100 %. Each kind is shown where, of the "
        "readings that decide, random neurons are nearest to half-way from the untrained score to the best. Figure 5 c "
        "of Leng & Xiong 2025 is about classification, 5 d about generation; here only the neurons differ. "
        "A sibling is its family's other task.",
    )
    used = {name for panel in shown for line in panel.lines for name in line.bars}
    looks: dict[str, Look] = {name: look for name, look in LOOKS.items() if name in used}
    draw_bars(shown, looks, words, paths, untouched="untrained", dpi=dpi)


def _line(name: str, rows: Sequence[CurveRow], *, chance: float | None = None, average: bool = False) -> Line:
    own = {(row.condition, row.against): row for row in rows if row.task == name}
    start = own["task", "zero_shot"].against_value or 0.0
    bars: dict[str, Bar] = {}
    for condition in LOOKS:
        if gain := own.get((condition, "zero_shot")):
            low, high = (None if limit is None else start + limit for limit in (gain.low, gain.high))
            bars[condition] = Bar(gain.value or 0.0, low, high)
    return Line("average" if average else shortened(name), start, bars, chance, average)


def _ahead(kind: Kind, rows: Sequence[CurveRow]) -> str:
    """How far own neurons are ahead of another family's and of a sibling's, in this order."""
    own = {(row.condition, row.against): row for row in rows if row.task == MEANS[kind]}
    parts = []
    against: tuple[Condition, ...] = ("other_task", "sibling")
    for condition in against:
        row = own.get(("task", condition))
        if row is not None and row.difference is not None:
            limits = "" if row.low is None or row.high is None else f" ({signed(row.low)} to {signed(row.high)})"
            parts.append(f"{signed(row.difference)}{limits}")
        else:
            parts.append("not measured")
    return f"{kind} {', '.join(parts)}"
