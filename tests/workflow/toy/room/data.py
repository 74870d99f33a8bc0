"""The data of the toy."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from taskneurons.files import write_text
from taskneurons.job import Job


@dataclass(frozen=True)
class TaskSettings:
    """What the tasks are made with."""

    suite: dict[str, Any]
    tasks: list[str]


@dataclass(frozen=True)
class VocabularySettings:
    """What the vocabulary is made with."""

    seed: int


def make_tasks(job: Job[TaskSettings]) -> None:
    """Copy the raw lines of each task."""
    for path in job.outputs["tasks"]:
        name = f"{path.stem}.train.jsonl"
        write_text(path, "".join(Path(raw).read_text() for raw in job.inputs["raw"] if raw.name == name))


def make_vocabulary(job: Job[VocabularySettings]) -> None:
    """Write a constant: a job without inputs."""
    write_text(job.outputs.one("vocabulary"), "a b c\n")
