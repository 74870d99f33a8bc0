"""Texts that are the same but for how they are written."""

from collections.abc import Collection, Mapping, Sequence
from unicodedata import normalize

import regex

from taskneurons.tasks.task import Example

# Marks of punctuation, but for those that have a meaning of their own and for those of a number: its sign, its point,
# and whatever stands between two of its digits.
_MARKS = regex.compile(r"(?V1)(?:(?![-\u2212]\d|(?<=\d)\p{P}\d|(?<!\S)[.,]\d)[\p{P}--[%#*@&/\\]]|\s)+")


def folded(text: str) -> str:
    """The text without case, punctuation and repeated white space. A text of punctuation alone keeps it."""
    small = normalize("NFC", text).casefold()
    return " ".join(_MARKS.sub(" ", small).split()) or " ".join(small.split())


def other_spelling(label: str, options: Collection[str]) -> str | None:
    """The option that the label is but for case, white space and punctuation; None where it is none or that option."""
    if label in options:
        return None
    return next((option for option in options if folded(option) == folded(label)), None)


def near_leaks(splits: Mapping[str, Sequence[Example]]) -> dict[str, int]:
    """The training and validation examples whose input a held-out example has, too, but for how it is written.

    Held out from train are validation and test, from validation test. An example counts whatever its answer is: exact
    copies with the same answer were dropped before.
    """
    held_out = {folded(example.input) for example in splits["test"]}
    validation = [folded(example.input) for example in splits["validation"]]
    found = {"validation": sum(text in held_out for text in validation)}
    held_out.update(validation)
    return {"train": sum(folded(example.input) in held_out for example in splits["train"]), **found}
