"""What the tokenizers of models make of the data."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from taskneurons.errors import InputError
from taskneurons.files import write_text
from taskneurons.job import Job
from taskneurons.measures.metrics import script_of
from taskneurons.models.answer_lengths import answer_lengths
from taskneurons.models.encoding import Encoded, encode
from taskneurons.models.tokenizers import first_ids, load_tokenizer
from taskneurons.studies.data.rows import ANSWERS, AnswerRow
from taskneurons.tasks.card import AnswerLengths, Reading, data_card
from taskneurons.tasks.spelling import near_leaks
from taskneurons.tasks.storage import read_task_folder
from taskneurons.tasks.task import Example, Task

log = logging.getLogger(__name__)


def reading(encoded: Mapping[str, Sequence[Encoded]], tokenizer: Any, context: int) -> Reading:
    """How a model with this tokenizer reads the encoded examples of a task.

    Raises:
        InputError: most of them do not fit the context.
    """
    cut = {split: sum(one.truncated > 0 for one in own) for split, own in encoded.items()}
    total = sum(map(len, encoded.values()))
    # ASSUME: a task of which most inputs are cut is not the task that was meant.
    if 2 * sum(cut.values()) > total:
        raise InputError(
            f"a context of {context} tokens is too short for {sum(cut.values())} of {total} examples",
            remedy="Raise the model's `context`, or leave out the task",
        )
    first = encoded["train"][0]
    return Reading(
        form="plain" if tokenizer.chat_template is None else "chat",
        first=tokenizer.decode(first_ids(tokenizer)),
        shown=tokenizer.decode([*first.prompt, *first.target]),
        truncated=cut,
    )


def lengths_of(examples: Sequence[Example], encoded: Sequence[Encoded], tokenizer: Any, limit: int) -> AnswerLengths:
    """What of the answers of encoded examples a model may write whose outputs have at most `limit` tokens."""
    lengths = answer_lengths(examples, encoded, tokenizer)
    return AnswerLengths(limit, max(lengths), sum(length > limit for length in lengths), len(lengths))


def answer_rows(
    suite: str, task: Task, examples: Sequence[Example], answers: Mapping[str, AnswerLengths]
) -> list[AnswerRow]:
    """How a task's test answers are scored, a row for each model."""
    return [
        AnswerRow(
            study="data",
            suite=suite,
            task=task.name,
            model=model,
            words=task.words,
            script=script_of(answer for example in examples for answer in example.references),
            references=max(len(example.references) for example in examples),
            limit=one.limit,
            longest=one.longest,
            longer=one.longer,
            n=one.examples,
        )
        for model, one in answers.items()
    ]


# Jobs


@dataclass(frozen=True)
class CardsSettings:
    """Settings of `describe_tasks`.

    Attributes:
        suite: the suite of the tasks.
        models: that are run on the suite, each with its longest sequence in tokens; in the order of the tokenizers.
        max_new_tokens: of an output.
    """

    suite: str
    models: tuple[tuple[str, int], ...]
    max_new_tokens: int


def describe_tasks(job: Job[CardsSettings]) -> None:
    """Write a data card for each of some tasks, with how each model reads them, and how their answers are scored."""
    # Two files are named of each tokenizer.
    folders = dict.fromkeys(path.parent for path in job.inputs["tokenizers"])
    tokenizers = [load_tokenizer(folder) for folder in folders]
    cards, tables = job.outputs.by_stem("cards"), job.outputs.by_stem("answers")
    for name, folder in job.inputs.folders("tasks").items():
        task, splits, counts = read_task_folder(folder)
        leaks = near_leaks(splits)
        for split, number in leaks.items():
            if number:
                log.warning(
                    "task %s: %d inputs of %s are those of held-out examples too; see its card", name, number, split
                )
        readings, answers = {}, {}
        for (model, context), tokenizer in zip(job.settings.models, tokenizers, strict=True):
            try:
                encoded = {split: encode(examples, tokenizer, context) for split, examples in splits.items()}
                readings[model] = reading(encoded, tokenizer, context)
            except InputError as error:
                error.where = f"model {model}, {folder}" + (f": {error.where}" if error.where else "")
                raise
            if task.kind == "generation":
                limit = job.settings.max_new_tokens
                answers[model] = lengths_of(splits["test"], encoded["test"], tokenizer, limit)
        write_text(cards[name], data_card(task, counts, splits, readings, answers, leaks))
        ANSWERS.write(tables[name], answer_rows(job.settings.suite, task, splits["test"], answers))
