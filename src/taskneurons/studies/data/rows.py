"""The rows of the table of the data."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from taskneurons.table import Column, Table

Outcome = Literal["read", "kept", "unused", "dropped"]


@dataclass(frozen=True)
class OutcomeRow:
    """What became of the records of a split: read = kept + unused + all that were dropped.

    Attributes:
        study: data.
        suite: the suite of the task.
        task: the task.
        split: train, validation or test.
        outcome: read: looked at; kept: examples of the split; unused: valid, and more than was asked; dropped: left out
            for a reason.
        reason: why these records were dropped; empty for the other outcomes.
        examples: number of records.
    """

    study: str
    suite: str
    task: str
    split: str
    outcome: Outcome
    reason: str
    examples: Annotated[int, Column(unit="examples", low=0, measured=True)]


DATA = Table(OutcomeRow)
TABLES: dict[str, Table[Any]] = {"data": DATA}
