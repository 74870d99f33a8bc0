"""How many tokens the answers have that a model is asked to write."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from taskneurons.models.encoding import encode

if TYPE_CHECKING:
    from taskneurons.tasks.task import Example


def answer_lengths(examples: "Sequence[Example]", tokenizer: Any, context: int) -> list[int]:
    """The tokens of each example's shortest right answer, its end included.

    An output may have `evaluation.max_new_tokens`; where even the shortest answer has more, no output can be right.
    """
    shortest = [len(one.target) for one in encode(examples, tokenizer, context)]
    for index, example in enumerate(examples):
        others = [replace(example, target=other, others=()) for other in example.others]
        lengths = [len(one.target) for one in encode(others, tokenizer, context)]
        shortest[index] = min((shortest[index], *lengths))
    return shortest
