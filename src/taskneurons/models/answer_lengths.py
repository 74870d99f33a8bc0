"""How many tokens the answers have that a model is asked to write."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from taskneurons.models.encoding import Encoded
from taskneurons.models.prompts import form_of

if TYPE_CHECKING:
    from taskneurons.tasks.task import Example


def answer_lengths(examples: "Sequence[Example]", encoded: Sequence[Encoded], tokenizer: Any) -> list[int]:
    """The tokens of each example's shortest right answer, its end included.

    An output may have `evaluation.max_new_tokens`; where even the shortest answer has more, no output can be right.

    Args:
        examples: what was encoded.
        encoded: the same, with the answer that is trained on.
        tokenizer: that encoded them, and encodes the other right answers.
    """
    others = [text for example in examples for text in example.others]
    lengths = map(len, form_of(tokenizer).answers(others) if others else ())
    return [
        min([len(one.target), *(next(lengths) for _ in example.others)])
        for example, one in zip(examples, encoded, strict=True)
    ]
