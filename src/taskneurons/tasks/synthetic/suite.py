"""The collections of tasks and their splits.

`twelve`: two tasks of each of six families, in the order of Leng & Xiong (2025): classification, then generation.
`wide`: thirty tasks of twelve families, after the clusters of Zhao et al. (2024): five families of the twelve tasks as
they are, reading comprehension in place of question generation, and six new families of three tasks.
"""

from collections.abc import Iterable, Iterator, Mapping
from random import Random
from types import MappingProxyType
from typing import Literal

from taskneurons.errors import InputError
from taskneurons.tasks.prompts import make_example
from taskneurons.tasks.storage import Counts, SplitCounts
from taskneurons.tasks.synthetic import (
    arithmetic,
    closed_book,
    commonsense,
    coreference,
    data_to_text,
    listing,
    nli,
    paraphrase,
    question_generation,
    reading,
    sentiment,
    summary,
    translation,
)
from taskneurons.tasks.synthetic.grammar import Grammar, input_text
from taskneurons.tasks.task import SPLITS, Example, Task, choose_tasks

Collection = Literal["twelve", "wide"]
TWELVE: tuple[Grammar, ...] = (
    sentiment.FOOD,
    sentiment.FILM,
    paraphrase.QUESTION,
    paraphrase.SENTENCE,
    nli.PERSON,
    nli.ROOM,
    question_generation.ANIMAL,
    question_generation.PERSON,
    data_to_text.RESTAURANT,
    data_to_text.SCENE,
    summary.NEWS,
    summary.SPORT,
)
WIDE: tuple[Grammar, ...] = (
    *(grammar for grammar in TWELVE if grammar.task.family != "question_generation"),
    reading.ANIMAL,
    reading.PERSON,
    closed_book.COUNTRY,
    closed_book.SCIENTIST,
    closed_book.METAL,
    commonsense.TOOL,
    commonsense.PLACE,
    commonsense.SIZE,
    coreference.NAME,
    coreference.THING,
    coreference.ORDER,
    arithmetic.ADD,
    arithmetic.SUBTRACT,
    arithmetic.COMPARE,
    listing.REVERSE,
    listing.SORT,
    listing.NEXT,
    translation.TO_LUMI,
    translation.FROM_LUMI,
    translation.TO_KAVO,
)
COLLECTIONS: Mapping[Collection, tuple[Grammar, ...]] = MappingProxyType({"twelve": TWELVE, "wide": WIDE})
# So many repeats in a row mean that the grammar has nothing new to say for this split.
PATIENCE = 2000


def synthetic_task_names(collection: Collection = "twelve") -> tuple[str, ...]:
    """The names of a collection's tasks in their order."""
    return tuple(grammar.task.name for grammar in COLLECTIONS[collection])


def synthetic_suite(
    train: int,
    validation: int,
    test: int,
    seed: int,
    tasks: Iterable[str] | Literal["all"] = "all",
    collection: Collection = "twelve",
) -> Iterator[tuple[Task, dict[str, list[Example]], Counts]]:
    """Generate the tasks of a collection.

    Concept combinations of one split occur in no other, no input occurs twice, and the labels of a classification
    task come in shuffled blocks that hold each label once: any first n examples are balanced. The first n examples
    of a split are the same for every size that is asked.

    Args:
        train: examples of each task's train split.
        validation: of its validation split.
        test: of its test split.
        seed: of the draw of examples; the combinations' splits do not depend on it.
        tasks: names of the tasks to generate, in the wanted order; a task does not depend on the others.
        collection: where the tasks are from.

    Yields:
        Task, its splits, and the counts (drawn repeats are counted as dropped).

    Raises:
        InputError: a size is not positive, a task is unknown, or more distinct examples are asked than a task has.
    """
    by_name = {grammar.task.name: grammar for grammar in COLLECTIONS[collection]}
    chosen = [by_name[name] for name in choose_tasks(tasks, by_name, where="synthetic suite")]
    return generate_tasks(chosen, dict(zip(SPLITS, (train, validation, test), strict=True)), seed, "synthetic suite")


def generate_tasks(
    grammars: Iterable[Grammar], sizes: Mapping[str, int], seed: int, where: str
) -> Iterator[tuple[Task, dict[str, list[Example]], Counts]]:
    """The tasks of grammars with their splits; see `synthetic_suite`.

    Args:
        grammars: of the tasks, in the wanted order.
        sizes: examples of each split.
        seed: of the draw of examples.
        where: the suite, for errors.

    Raises:
        InputError: a size is not positive, or more distinct examples are asked than a task has.
    """
    for split, size in sizes.items():
        if size < 1:
            raise InputError(f"`{split}` must be at least 1, not {size}", where=where)
    for grammar in grammars:
        splits: dict[str, list[Example]] = {}
        counts: dict[str, SplitCounts] = {}
        for split, size in sizes.items():
            splits[split], repeats = generate_split(grammar, split, size, seed, where)
            dropped = {"drawn before": repeats} if repeats else {}
            counts[split] = SplitCounts(asked=size, read=size + repeats, kept=size, unused=0, dropped=dropped)
        yield grammar.task, splits, Counts(counts)


def generate_split(grammar: Grammar, split: str, size: int, seed: int, where: str) -> tuple[list[Example], int]:
    """The first `size` distinct examples of one split, and how many drawn repeats were dropped.

    Raises:
        InputError: the grammar has fewer distinct examples.
    """
    task = grammar.task
    random = Random(f"{task.name}/{split}/{seed}")
    seen: set[str] = set()
    examples: list[Example] = []
    labels: list[int] = []
    repeats = 0
    while len(examples) < size:
        if task.options and not labels:
            labels = random.sample(range(len(task.options)), len(task.options))
        label = labels.pop() if task.options else None
        for _ in range(PATIENCE):
            item = grammar.draw(random, split, label)
            text = input_text(item)
            if text not in seen:
                break
            repeats += 1
        else:
            raise InputError(
                f"task {task.name} has no more than about {len(examples)} distinct {split} examples, asked {size}",
                where=f"{where}, {split}",
                remedy="Ask for fewer",
            )
        seen.add(text)
        examples.append(make_example(task, text, item.answer))
    return examples, repeats
