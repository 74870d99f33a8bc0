"""What the tokenizers of models make of the data."""

from dataclasses import dataclass

from taskneurons.files import write_text
from taskneurons.job import Job
from taskneurons.models.encoding import count_truncated
from taskneurons.models.tokenizers import load_tokenizer
from taskneurons.tasks.card import data_card
from taskneurons.tasks.storage import read_task_folder

# Jobs


@dataclass(frozen=True)
class CardsSettings:
    """Settings of `describe_tasks`.

    Attributes:
        models: that are run on the suite, each with its longest sequence in tokens; in the order of the tokenizers.
    """

    models: tuple[tuple[str, int], ...]


def describe_tasks(job: Job[CardsSettings]) -> None:
    """Write a data card for each of some tasks, with what the context of each model would cut."""
    # Two files are named of each tokenizer.
    folders = dict.fromkeys(path.parent for path in job.inputs["tokenizers"])
    tokenizers = [load_tokenizer(folder) for folder in folders]
    cards = job.outputs.by_stem("cards")
    for name, folder in job.inputs.folders("tasks").items():
        task, splits, counts = read_task_folder(folder)
        truncation = {
            model: {split: count_truncated(examples, tokenizer, context) for split, examples in splits.items()}
            for (model, context), tokenizer in zip(job.settings.models, tokenizers, strict=True)
        }
        write_text(cards[name], data_card(task, counts, splits, truncation))
