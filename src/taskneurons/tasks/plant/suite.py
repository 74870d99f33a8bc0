"""The tasks of a plant suite and their splits.

An example names a skill of its task and a string of symbols; the answer is what the skill makes of the string. All
tasks have one form, one length, the same symbols in inputs and answers, and ask their three skills equally often; each
has a word of its own before the input, in the place of an instruction.
"""

from collections.abc import Iterable, Iterator
from itertools import product
from random import Random
from typing import Literal

from taskneurons.errors import InputError
from taskneurons.tasks.plant.skills import ALPHABETS, Skills
from taskneurons.tasks.prompts import make_example
from taskneurons.tasks.storage import Counts, SplitCounts
from taskneurons.tasks.synthetic.grammar import Combinations, lexicon
from taskneurons.tasks.task import SPLITS, Example, Task, choose_tasks

INSTRUCTIONS = lexicon("abek acol adun afit agor alup")
"""The word before the input of each task, in their order."""
ASKED = 3

STRINGS = Combinations("plant", tuple(product(*ALPHABETS)))
"""All strings of symbols, each on one side of the splits for all tasks alike: what one task trains on, none tests."""


def plant_task_names(families: int) -> tuple[str, ...]:
    """The names of a suite's tasks in their order.

    Raises:
        InputError: see `Skills`.
    """
    return tuple(Skills(families).tasks)


def template(task: str, skills: Skills) -> str:
    """The instruction template of a task."""
    return f"{INSTRUCTIONS[list(skills.tasks).index(task)]} {{input}} :"


def plant_suite(
    families: int,
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
        families: see `Skills`.
        train, validation, test: examples of each task's splits.
        seed: of the draw of examples; the tables of the skills and the strings' splits do not depend on it.
        tasks: names of the tasks to generate, in the wanted order; a task does not depend on the others.

    Yields:
        Task, its splits, and the counts.

    Raises:
        InputError: see `Skills`; a size is not positive, a task is unknown, or more examples are asked than a task has.
    """
    skills = Skills(families)
    sizes = dict(zip(SPLITS, (train, validation, test), strict=True))
    for split, size in sizes.items():
        most = ASKED * len(STRINGS.on(split))
        if not 1 <= size <= most:
            raise InputError(f"`{split}` must be from 1 to {most}, not {size}", where="plant suite")
    for name in choose_tasks(tasks, skills.tasks, where="plant suite"):
        task = Task(
            name=name,
            family=skills.tasks[name],
            kind="generation",
            templates=(template(name, skills),),
            domain=f"skills {' '.join(skills.words[skill] for skill in skills.asked(name))}",
            license="Apache-2.0",
            source="generated; a common skill, one of the family, one of its own",
        )
        splits = {split: _split(task, skills, split, size, seed) for split, size in sizes.items()}
        counts = {
            split: SplitCounts(asked=size, read=size, kept=size, unused=0, dropped={}) for split, size in sizes.items()
        }
        yield task, splits, Counts(counts)


def _split(task: Task, skills: Skills, split: str, size: int, seed: int) -> list[Example]:
    random, asked = Random(f"plant/{task.name}/{split}/{seed}"), skills.asked(task.name)
    strings = {skill: iter(random.sample(STRINGS.on(split), len(STRINGS.on(split)))) for skill in asked}
    examples: list[Example] = []
    while len(examples) < size:
        for skill in random.sample(asked, len(asked)):
            symbols = next(strings[skill], None)
            if symbols is None:
                continue
            text = f"{skills.words[skill]} {' '.join(symbols)}"
            examples.append(make_example(task, text, " ".join(skills.answer(skill, symbols))))
    return examples[:size]
