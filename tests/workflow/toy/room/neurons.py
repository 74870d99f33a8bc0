"""Scores of the toy."""

from dataclasses import dataclass
from typing import Any

from taskneurons.toy import score

from taskneurons.files import write_text
from taskneurons.job import Job


@dataclass(frozen=True)
class ScoreSettings:
    """How neurons are scored."""

    attribution: dict[str, Any]


def score_neurons(job: Job[ScoreSettings]) -> None:
    """Score every task with the model."""
    for path in job.outputs["scores"]:
        write_text(path, score(job.inputs.one("model").read_text(), path.stem))
