"""Makes the tasks and the pre-training text of a suite. The source of the suite is loaded by its name.

So these jobs reach no source through imports: a rule names the one that its suite needs, and an edit of a source makes
the suites of no other source again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from taskneurons.files import write_jsonl
from taskneurons.job import Job
from taskneurons.measures.metrics import rule_for
from taskneurons.tasks.source import source_named
from taskneurons.tasks.storage import read_split, write_task
from taskneurons.tasks.task import Example, Task

# Jobs


@dataclass(frozen=True)
class TasksSettings:
    """Settings of `make_tasks`.

    Attributes:
        source: of the suite.
        arguments: the parameters of the suite that `make` of the source takes.
        tasks: names of the tasks to make.
    """

    source: str
    arguments: Mapping[str, Any]
    tasks: tuple[str, ...]


def make_tasks(job: Job[TasksSettings]) -> None:
    """Make some tasks of one suite: each task's description, its splits and the counts of what was dropped."""
    folders = job.outputs.folders("tasks")
    source = source_named(job.settings.source)
    for task, splits, counts in source.make(job.settings.tasks, **job.settings.arguments):
        write_task(folders[task.name], with_words(task, splits), splits, counts)


def with_words(task: Task, splits: Mapping[str, Sequence[Example]]) -> Task:
    """The task with the rule for words that its answers need; see `rule_for`."""
    if task.kind == "classification":
        return task
    return replace(
        task, words=rule_for(answer for examples in splits.values() for one in examples for answer in one.references)
    )


@dataclass(frozen=True)
class CorpusSettings:
    """Settings of `make_corpus`.

    Attributes:
        source: of the suite.
        arguments: the parameters of the suite that `corpus` of the source takes.
        documents: how many.
    """

    source: str
    arguments: Mapping[str, Any]
    documents: int


def make_corpus(job: Job[CorpusSettings]) -> None:
    """Write the pre-training text of one suite."""
    folders = job.inputs.folders("train")
    read = [{task: read_split(folder, "train") for task, folder in folders.items()}] if folders else []
    source = source_named(job.settings.source)
    documents = source.corpus(job.settings.documents, *read, **job.settings.arguments)
    write_jsonl(job.outputs.one("corpus"), documents)
