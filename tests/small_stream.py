"""Three tiny classification tasks with 2, 3 and 4 labels, which a tiny model can learn: the first word decides."""

from pathlib import Path

from small_checkpoint import WORDS, texts

from taskneurons.tasks.prompts import make_example
from taskneurons.tasks.storage import Counts, SplitCounts, write_task
from taskneurons.tasks.task import SPLITS, Task

STREAM = {
    "taste": Task("taste", "feeling", "classification", ("say {input} again :",), ("good", "bad")),
    "mood": Task("mood", "feeling", "classification", ("mood of {input} :",), ("good", "bad", "good grief")),
    "count": Task("count", "counting", "classification", ("again : {input} of",), ("one", "two", "three", "four")),
}
SIZES = {"train": 24, "validation": 6, "test": 12}


def lay_stream_task(folder: Path, task: Task) -> Path:
    """Write a task whose label is a function of the input's first word."""
    splits, start = {}, 0
    for split in SPLITS:
        splits[split] = [
            make_example(task, text, task.options[WORDS.index(text.split()[0]) % len(task.options)])
            for text in texts(SIZES[split], start)
        ]
        start += SIZES[split]
    write_task(folder, task, splits, Counts({split: SplitCounts(None, n, n, 0, {}) for split, n in SIZES.items()}))
    return folder
