"""Instruction templates: several a task, one an example, chosen by the example's id alone."""

import hashlib
from collections.abc import Sequence

from taskneurons.tasks.task import SLOT, Example, Kind, Task, content_id

# White space and cues as in the prompts of the instruction-tuning literature; the answer follows after a space.
INSTRUCTION_FORMS = (
    "{instruction}\n{input}\nAnswer:",
    "Instruction: {instruction}\nInput: {input}\nOutput:",
    "{input}\nQuestion: {instruction}\nAnswer:",
)
OPTION_FORM = "{instruction}\nOptions: {options}\n{input}\nAnswer:"


def templates_from_instructions(
    instructions: Sequence[str], kind: Kind, options: Sequence[str] = ()
) -> tuple[str, ...]:
    """Several templates around each plain instruction.

    Args:
        instructions: sentences such as "What is the topic of the paragraph?". One that holds `{input}` already is a
            whole template and is taken as it stands.
        kind: a classification task gets one more form, which lists its options.
        options: the label words of a classification task.
    """
    templates: list[str] = []
    for instruction in instructions:
        if SLOT in instruction:
            templates.append(instruction)
            continue
        templates += [form.replace("{instruction}", instruction) for form in INSTRUCTION_FORMS]
        if kind == "classification":
            listed = OPTION_FORM.replace("{instruction}", instruction)
            templates.append(listed.replace("{options}", ", ".join(options)))
    return tuple(dict.fromkeys(templates))


def template_of(templates: Sequence[str], example_id: str) -> str:
    """The template of an example: a hash of its id, so that order, sampling and split play no part."""
    digest = hashlib.sha256(f"template\n{example_id}".encode()).digest()
    return templates[int.from_bytes(digest[:8], "big") % len(templates)]


def make_example(task: Task, input_text: str, target: str, repeat: int = 0, others: tuple[str, ...] = ()) -> Example:
    """An example of `task` with the id of its content (input and first answer) and the template of that id."""
    identity = content_id(input_text, target, repeat)
    return Example(identity, template_of(task.templates, identity), input_text, target, others)
