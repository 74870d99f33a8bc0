"""Twelve tasks of six families whose skills a small base learns in part.

Classification: sentiment, topic and rating, which rest on words that pre-training text teaches. Generation: the three
families of the synthetic suite as they are. Each family has two domains, one to train on and one that only tests.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Literal

from taskneurons.tasks.storage import Counts
from taskneurons.tasks.stream import rating, topic
from taskneurons.tasks.synthetic import data_to_text, question_generation, sentiment, summary
from taskneurons.tasks.synthetic.grammar import Grammar, lexicon
from taskneurons.tasks.synthetic.suite import generate_tasks
from taskneurons.tasks.task import SPLITS, Example, Task, choose_tasks

# The prompts do not list the options: the labels are learned, as in the other families.
QUESTION = replace(
    topic.QUESTION,
    task=replace(
        topic.QUESTION.task,
        templates=(
            "what is this question about : {input} . answer :",
            "sort the question into its forum : {input} . answer :",
            "name the field of the request : {input} . answer :",
        ),
    ),
)
NEWS = replace(
    topic.NEWS,
    task=replace(
        topic.NEWS.task,
        templates=(
            "which section of the paper is this : {input} . answer :",
            "label the topic of the news : {input} . answer :",
            "where would an editor print it : {input} . answer :",
        ),
    ),
)
PRODUCT = replace(
    rating.PRODUCT,
    task=replace(
        rating.PRODUCT.task,
        family="rating",
        templates=(
            "how many stars does the buyer give : {input} . answer :",
            "rate the product by its review : {input} . answer :",
            "count the stars of the article : {input} . answer :",
        ),
    ),
)
HOTEL = rating.Rating(
    Task(
        name="rating_hotel",
        family="rating",
        kind="classification",
        templates=(
            "how many stars does the traveller give : {input} . answer :",
            "rate the hotel by its review : {input} . answer :",
            "count the stars of the stay : {input} . answer :",
        ),
        options=rating.LABELS,
        domain="hotel",
        license="Apache-2.0",
        source="generated; mirrors Yelp reviews",
    ),
    nouns=lexicon("bedroom breakfast lobby pillow shower towel elevator corridor terrace carpet curtain wardrobe"),
    # No adjective of another rating: what is held out is an adverb with an adjective.
    adjectives=(
        lexicon("smelly cramped shabby gloomy mouldy stuffy squalid dingy"),
        lexicon("plain basic modest simple middling adequate passable moderate"),
        lexicon("cosy spacious elegant spotless welcoming serene luxurious pleasant"),
    ),
)
TWELVE: tuple[Grammar, ...] = (
    sentiment.FOOD,
    sentiment.FILM,
    QUESTION,
    NEWS,
    PRODUCT,
    HOTEL,
    question_generation.ANIMAL,
    question_generation.PERSON,
    data_to_text.RESTAURANT,
    data_to_text.SCENE,
    summary.NEWS,
    summary.SPORT,
)
_BY_NAME = {grammar.task.name: grammar for grammar in TWELVE}


def transfer_task_names(tasks: Iterable[str] | Literal["all"] = "all") -> tuple[str, ...]:
    """The names of the chosen tasks in the wanted order.

    Raises:
        InputError: a task is unknown or named twice, or none is named.
    """
    return choose_tasks(tasks, _BY_NAME, where="transfer suite")


def transfer_suite(
    train: int, validation: int, test: int, seed: int, tasks: Iterable[str] | Literal["all"] = "all"
) -> Iterator[tuple[Task, dict[str, list[Example]], Counts]]:
    """Generate tasks; the laws of `synthetic_suite` hold: disjoint combinations, no copies, balanced prefixes.

    Args:
        train, validation, test: examples of each task's splits.
        seed: of the draw of examples; the combinations' splits do not depend on it.
        tasks: names of the tasks to generate, in the wanted order; a task does not depend on the others.

    Yields:
        Task, its splits, and the counts (drawn repeats are counted as dropped).

    Raises:
        InputError: a size is not positive, a task is unknown, or more distinct examples are asked than a task has.
    """
    chosen = [_BY_NAME[one] for one in transfer_task_names(tasks)]
    return generate_tasks(chosen, dict(zip(SPLITS, (train, validation, test), strict=True)), seed, "transfer suite")
