"""One way to ask for the tasks and the pre-training text of a suite, wherever its examples come from."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from taskneurons.errors import InputError
from taskneurons.files import read_jsonl
from taskneurons.tasks.corpus import text_corpus
from taskneurons.tasks.hub import hub_suite
from taskneurons.tasks.jsonl import jsonl_suite
from taskneurons.tasks.storage import Counts, read_split, read_task
from taskneurons.tasks.synthetic.corpus import synthetic_corpus
from taskneurons.tasks.synthetic.suite import synthetic_suite
from taskneurons.tasks.task import Example, Task


def make_tasks(
    suite: Mapping[str, Any], tasks: Sequence[str]
) -> Iterator[tuple[Task, dict[str, list[Example]], Counts]]:
    """Yield the chosen tasks of a suite with their splits and the counts of what was dropped.

    Args:
        suite: the suite's parameters, `source` first: see docs/parameters.md.
        tasks: names of the tasks to make.

    Raises:
        InputError: see the source's own function; or the source is not known.
    """
    sizes = {split: suite[split] for split in ("train", "validation", "test")}
    match suite["source"]:
        case "synthetic":
            yield from synthetic_suite(**sizes, seed=suite["seed"], tasks=tasks, collection=suite["tasks"])
        case "jsonl":
            yield from jsonl_suite(
                suite["path"], tasks, **sizes, seed=suite["seed"], max_invalid_percent=suite["max_invalid_percent"]
            )
        case "hub":
            yield from hub_suite(
                tasks,
                **sizes,
                seed=suite["seed"],
                max_invalid_percent=suite["max_invalid_percent"],
                revisions=suite["revisions"],
                mirror=suite["mirror"],
            )
        case unknown:
            raise InputError(f"no source `{unknown}` of tasks", remedy="Known: synthetic, jsonl, hub")


def make_corpus(suite: Mapping[str, Any], folders: Sequence[str | Path]) -> Iterator[dict[str, Any]]:
    """Yield the pre-training documents of a suite, {"segments": [[text, focus], ...]}.

    Args:
        suite: the suite's parameters.
        folders: of its tasks, as `write_task` wrote them; only their training splits are read.
    """
    if suite["source"] == "synthetic":
        return synthetic_corpus(suite["corpus"], suite["seed"], suite["tasks"])
    train = {Path(folder).name: read_split(folder, "train") for folder in folders}
    return text_corpus(train, suite["corpus"], suite["seed"])


def training_texts(corpus: str | Path, folders: Iterable[str | Path]) -> Iterator[str]:
    """Yield all text that a tokenizer may be trained on: documents, training prompts and answers, options."""
    for document in read_jsonl(corpus):
        yield " ".join(text for text, _ in document["segments"])
    for folder in folders:
        for example in read_split(folder, "train"):
            yield f"{example.prompt} {example.target}"
        yield from read_task(folder).options
