"""How many seeds verdicts need, in words: the tables of `taskneurons claims power` and of docs/claims.md."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from taskneurons.studies.claims.markdown import table_lines
from taskneurons.studies.claims.power import CHANCE, Seconds, decided_with, more_seconds, power_rows
from taskneurons.studies.claims.rows import PowerRow
from taskneurons.studies.claims.words import shown

HEAD = ("claim", "model", "effect", "margin", "spread of seeds", "seeds", "towards", "seeds needed")
# Numbers of seeds that are told of: a reader needs no line for every result.
STEPS = (5, 6, 7, 8, 10, 12, 16, 24, 32, 48, 100, 200)


def power_section(decided: Mapping[str, Any]) -> list[str]:
    """The part of a page: what is planned, and one row for each inconclusive result; nothing where there is none.

    Args:
        decided: the content of `claims.json`.
    """
    rows = power_rows(decided)
    if not rows:
        return []
    return [
        "## Seeds that a verdict needs",
        "",
        f"With how many seeds each inconclusive result would be decided with a chance of {100 * CHANCE:g} %, if effect "
        "and spread over seeds are as they were seen. In brackets: the same with the limits of the spread (80 %), of "
        "which few seeds tell little. An effect that looks large by chance needs more. `holds` asks for the level of "
        "Holm's correction among the claims of its family that do not hold yet; `fails` stands for `opposite`, too. "
        "`taskneurons claims power` adds what the seeds cost, and how much of the spread comes from test examples.",
        "",
        *table_lines(HEAD, (_cells(row) for row in rows)),
        "",
    ]


def power_lines(rows: Sequence[PowerRow], seconds: Seconds) -> list[str]:
    """What `taskneurons claims power` prints.

    Args:
        rows: of `power.power_rows`.
        seconds: as for `power.more_seconds`.
    """
    if not rows:
        return ["No result is inconclusive."]
    head = (*HEAD, "CPU-minutes", "spread from examples", "from draws")
    cells = ((*_cells(row), _cost(row, seconds), _from_examples(row), _percent(row.draws)) for row in rows)
    lines = list(table_lines(head, cells))
    lines += [
        "",
        f"Seeds needed: for a verdict with a chance of {100 * CHANCE:g} %.",
        "CPU-minutes: of the seeds that are missing, in this study alone with the models and scores that it needs.",
        "",
    ]
    return [*lines, *_steps(rows, seconds)]


def _steps(rows: Sequence[PowerRow], seconds: Seconds) -> Iterator[str]:
    own = [row for row in rows if row.role == "claim"]
    there = "/".join(str(n) for n in sorted({row.seeds for row in own if row.seeds}))
    told = 0
    for number in STEPS:
        decided = decided_with(own, number)
        if len(decided) > told:
            told = len(decided)
            yield (
                f"With {number} seeds in place of {there}, {told} of the papers' {len(own)} inconclusive claims have "
                f"such a chance{_price(decided, number, seconds)}."
            )
    yield f"{len(own) - told} of them do not have it with {STEPS[-1]} seeds, or have no interval over seeds."


def _cells(row: PowerRow) -> tuple[str, ...]:
    effect = "" if row.effect is None or row.low is None else shown(row.effect, row.unit)
    if row.low is not None and row.high is not None:
        effect += f" ({shown(row.low, row.unit)} to {shown(row.high, row.unit)})"
    spread = "" if row.sd is None else shown(row.sd, row.unit)
    needed = row.reason
    if row.needed is not None:
        most = "more than 200" if row.needed_high is None else str(row.needed_high)
        needed = f"{row.needed} ({row.needed_low} to {most})" + (f"; {row.reason}" if row.reason else "")
    side = {"above": "above", "below": "below", "within": "within ±"}[row.direction]
    margin = f"{side} {row.margin:g}".replace("± ", "±").replace("-", "−")
    seeds = "" if row.seeds is None else str(row.seeds)
    return f"`{row.id}`", row.model, effect, margin, spread, seeds, row.towards or "", needed


def _cost(row: PowerRow, seconds: Seconds) -> str:
    if row.needed is None or seconds([row.table], row.suite, row.model) is None:
        return ""
    return f"{more_seconds([row], row.needed, seconds) / 60:.0f}"


def _price(rows: Sequence[PowerRow], number: int, seconds: Seconds) -> str:
    """What more seeds of some results cost, as a clause; nothing where no record says it of any of them."""
    known = [seconds([row.table], row.suite, row.model) is not None for row in rows]
    if not any(known):
        return ""
    least = "" if all(known) else "at least "
    return f", for {least}{more_seconds(rows, number, seconds) / 60:.0f} CPU-minutes more"


def _from_examples(row: PowerRow) -> str:
    if row.examples_high is None:
        return ""
    least = "" if row.examples_low is None else f"{row.examples_low:.0f} to "
    return f"{least or 'up to '}{row.examples_high:.0f} %"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0f} %"
