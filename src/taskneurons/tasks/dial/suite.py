"""The tasks of a dial suite and their splits.

An example names a skill of its task and a string of symbols; the answer is what the skill makes of the string. All
tasks have one form, one length, the same symbols in inputs and answers, and ask their skills equally often; each has a
word of its own before the input, in the place of an instruction.
"""

from collections.abc import Iterable, Iterator
from itertools import product
from random import Random
from typing import Literal

from taskneurons.errors import InputError
from taskneurons.tasks.dial.ring import Ring
from taskneurons.tasks.dial.skills import SKILLS, SYMBOLS, apply_skill
from taskneurons.tasks.prompts import make_example
from taskneurons.tasks.storage import Counts, SplitCounts
from taskneurons.tasks.synthetic.grammar import Combinations, lexicon
from taskneurons.tasks.task import SPLITS, Example, Task, choose_tasks

LENGTH = 3
INSTRUCTIONS = lexicon("abek acol adun afit agor alup amid anoz apeg aqur arif asov")
"""The word before the input of each task, in the order of the ring."""

STRINGS = Combinations("dial", tuple(product(SYMBOLS, repeat=LENGTH)))
"""All strings of symbols, each on one side of the splits for all tasks alike: what one task trains on, none tests."""


def dial_task_names(skills: int, asked: int) -> tuple[str, ...]:
    """The names of a suite's tasks in their order.

    Raises:
        InputError: see `Ring`.
    """
    return tuple(Ring(skills, asked).windows)


def template(task: str, ring: Ring) -> str:
    """The instruction template of a task."""
    return f"{INSTRUCTIONS[list(ring.windows).index(task)]} : {{input}} . answer :"


def dial_suite(
    skills: int,
    asked: int,
    train: int,
    validation: int,
    test: int,
    seed: int,
    tasks: Iterable[str] | Literal["all"] = "all",
) -> Iterator[tuple[Task, dict[str, list[Example]], Counts]]:
    """Generate tasks.

    No string of one split occurs in another, of whatever task, and no input occurs twice in a task. The skills of a
    task come in shuffled blocks that hold each once: any first n examples are balanced.

    Args:
        skills, asked: see `Ring`.
        train, validation, test: examples of each task's splits.
        seed: of the draw of examples; the tables of the skills and the strings' splits do not depend on it.
        tasks: names of the tasks to generate, in the wanted order; a task does not depend on the others.

    Yields:
        Task, its splits, and the counts.

    Raises:
        InputError: see `Ring`; a size is not positive, a task is unknown, or more examples are asked than a task has.
    """
    ring = Ring(skills, asked)
    sizes = dict(zip(SPLITS, (train, validation, test), strict=True))
    for split, size in sizes.items():
        most = asked * len(STRINGS.on(split))
        if not 1 <= size <= most:
            raise InputError(f"`{split}` must be from 1 to {most}, not {size}", where="dial suite")
    for name in choose_tasks(tasks, ring.windows, where="dial suite"):
        window = ring.windows[name]
        task = Task(
            name=name,
            family=name.split("_")[0],
            kind="generation",
            templates=(template(name, ring),),
            domain=f"skills {' '.join(SKILLS[skill] for skill in window)}",
            license="Apache-2.0",
            source="generated; latent skills on a ring",
        )
        splits = {split: _split(task, window, split, size, seed) for split, size in sizes.items()}
        counts = {
            split: SplitCounts(asked=size, read=size, kept=size, unused=0, dropped={}) for split, size in sizes.items()
        }
        yield task, splits, Counts(counts)


def _split(task: Task, window: tuple[int, ...], split: str, size: int, seed: int) -> list[Example]:
    random = Random(f"dial/{task.name}/{split}/{seed}")
    strings = {skill: iter(random.sample(STRINGS.on(split), len(STRINGS.on(split)))) for skill in window}
    examples: list[Example] = []
    while len(examples) < size:
        for skill in random.sample(window, len(window)):
            symbols = next(strings[skill])
            text = f"{SKILLS[skill]} {' '.join(symbols)}"
            examples.append(make_example(task, text, " ".join(apply_skill(skill, symbols))))
    return examples[:size]
