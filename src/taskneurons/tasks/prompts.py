"""Instruction templates: several a task, one an example, chosen by the example's id alone."""

import hashlib
from collections.abc import Sequence
from typing import Any, Literal
from unicodedata import normalize

from taskneurons.tasks.task import SLOT, Example, Kind, Task, content_id

# White space and cues as in the prompts of the instruction-tuning literature; the answer follows after a space.
INSTRUCTION_FORMS = (
    "{instruction}\n{input}\nAnswer:",
    "Instruction: {instruction}\nInput: {input}\nOutput:",
    "{input}\nQuestion: {instruction}\nAnswer:",
)
OPTION_FORM = "{instruction}\nOptions: {options}\n{input}\nAnswer:"
ListOptions = Literal["never", "sometimes", "always"]


def templates_from_instructions(
    instructions: Sequence[str], kind: Kind, options: Sequence[str] = (), list_options: ListOptions = "sometimes"
) -> tuple[str, ...]:
    """Several templates around each plain instruction.

    Args:
        instructions: sentences such as "What is the topic of the paragraph?". One that holds `{input}` already is a
            whole template and is taken as it stands.
        kind: of the task.
        options: the label words of a classification task.
        list_options: whether the form of a classification task that lists its options is never taken, is one more
            form, or is the only one.
    """
    templates: list[str] = []
    for instruction in instructions:
        if SLOT in instruction:
            templates.append(instruction)
            continue
        listing = kind == "classification" and list_options != "never"
        if not (listing and list_options == "always"):
            templates += [form.replace("{instruction}", instruction) for form in INSTRUCTION_FORMS]
        if listing:
            listed = OPTION_FORM.replace("{instruction}", instruction)
            templates.append(listed.replace("{options}", ", ".join(options)))
    return tuple(dict.fromkeys(templates))


def composed(value: Any) -> Any:
    """A value that JSON holds with all texts in Unicode NFC, so that a letter with its accent is one character.

    Equal texts on a screen are then equal labels, and a tokenizer sees what it was trained on.
    """
    if isinstance(value, str):
        return normalize("NFC", value)
    if isinstance(value, list):
        return [composed(one) for one in value]
    if isinstance(value, dict):
        return {key: composed(one) for key, one in value.items()}
    return value


def template_of(templates: Sequence[str], example_id: str) -> str:
    """The template of an example: a hash of its id, so that order, sampling and split play no part."""
    digest = hashlib.sha256(f"template\n{example_id}".encode()).digest()
    return templates[int.from_bytes(digest[:8], "big") % len(templates)]


def make_example(task: Task, input_text: str, target: str, repeat: int = 0, others: tuple[str, ...] = ()) -> Example:
    """An example of `task` with the id of its content (input and first answer) and the template of that id."""
    identity = content_id(input_text, target, repeat)
    return Example(identity, template_of(task.templates, identity), input_text, target, others)
