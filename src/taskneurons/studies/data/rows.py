"""The rows of the tables of the data."""

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


@dataclass(frozen=True)
class AnswerRow:
    """How the answers of a generation task are scored, and whether a model may write them whole.

    Attributes:
        study: data.
        suite: the suite of the task.
        task: the task.
        model: a model that is run on the suite.
        words: what counts as a word of ROUGE-L and of the F1: rouge_score (runs of a-z and 0-9, as in published English
            numbers) or unicode (the word boundaries of Unicode, with accents, signs and every script).
        script: of most letters of the answers; empty without letters.
        references: right answers of an example, at most; the best one counts.
        limit: tokens that an output may have.
        longest: tokens of the longest answer; of several right ones of an example, the shortest counts.
        longer: test examples whose answer is longer than an output may be: not even a right output scores 100.
        n: test examples.
    """

    study: str
    suite: str
    task: str
    model: str
    words: Literal["rouge_score", "unicode"]
    script: Annotated[str, Column(measured=True)]
    references: Annotated[int, Column(unit="answers", low=1, measured=True)]
    limit: Annotated[int, Column(unit="tokens", low=1)]
    longest: Annotated[int, Column(unit="tokens", low=1, measured=True)]
    longer: Annotated[int, Column(unit="examples", low=0, measured=True)]
    n: Annotated[int, Column(unit="examples", low=1, measured=True)]


DATA = Table(OutcomeRow)
ANSWERS = Table(AnswerRow)
TABLES: dict[str, Table[Any]] = {"data": DATA, "answers": ANSWERS}
