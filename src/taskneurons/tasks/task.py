"""Task and Example: the two nouns on which everything else stands."""

import difflib
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from taskneurons.errors import InputError

SLUG = re.compile(r"[a-z][a-z0-9_]*")
SLUG_LENGTH = 40
# "all" selects every task in the parameters and "original" names the row file of the untouched model.
RESERVED_NAMES = frozenset({"all", "original"})
SLOT = "{input}"
SPLITS = ("train", "validation", "test")
Kind = Literal["classification", "generation"]
Size = int | Literal["all"]
Words = Literal["rouge_score", "unicode"]


def require_slug(name: object, *, what: str, where: str | None = None) -> str:
    """Return `name` when it is safe as part of a path, a rule name and a shell word.

    Raises:
        InputError: it is not text, has other characters than lower-case letters, digits and _, or is too long.
    """
    if not isinstance(name, str) or len(name) > SLUG_LENGTH or not SLUG.fullmatch(name):
        raise InputError(
            f"{what} {str(name)[:60]!r} is not a usable name",
            where=where,
            remedy=f"Use lower-case letters, digits and _, a letter first, at most {SLUG_LENGTH} characters",
        )
    return name


def choose_tasks(asked: Iterable[str] | Literal["all"], known: Iterable[str], *, where: str) -> tuple[str, ...]:
    """The asked task names in their order, or all known ones.

    Raises:
        InputError: a name is unknown (the nearest known one is given), is repeated, or none is asked.
    """
    known = tuple(known)
    if asked == "all":
        return known
    names = tuple(asked)
    if not names:
        raise InputError("no task is asked for", where=where, remedy=f"Choose among: {', '.join(known)}")
    for position, name in enumerate(names):
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            raise InputError(
                f"there is no task {name[:60]!r}",
                where=where,
                remedy=f"Did you mean {near[0]!r}?" if near else f"Choose among: {', '.join(known)}",
            )
        if name in names[:position]:
            raise InputError(f"task {name!r} is asked for twice", where=where)
    return names


def require_template(template: object, *, where: str | None = None) -> str:
    """Return `template` when it is text that holds the input slot exactly once.

    Raises:
        InputError: otherwise.
    """
    if not isinstance(template, str) or template.count(SLOT) != 1:
        raise InputError(f"an instruction must hold {SLOT} exactly once: {str(template)[:80]!r}", where=where)
    return template


@dataclass(frozen=True)
class Example:
    """One example of a task.

    Args:
        id: identifies the example inside its task; the instruction template follows from it.
        instruction: a template that holds `{input}` exactly once, e.g. "Classify the sentiment : {input} . answer :".
        input: the text in the slot; the only part that a short context may cut.
        target: the answer, without outer white space.
        others: further right answers. A model is trained on `target` alone; what it writes may be any of them.

    Raises:
        InputError: a field is not text, an answer or the id is empty, the slot is absent or repeated.
    """

    id: str
    instruction: str
    input: str
    target: str
    others: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for field in ("id", "instruction", "input", "target"):
            if not isinstance(getattr(self, field), str):
                raise InputError(f"`{field}` of an example must be text, not {type(getattr(self, field)).__name__}")
        where = f"example {self.id[:60]}"
        if not self.id.strip():
            raise InputError("an example has an empty id")
        for answer in self.references:
            if not isinstance(answer, str):
                raise InputError(f"an answer must be text, not {type(answer).__name__}", where=where)
            if not answer.strip():
                raise InputError("the answer is empty", where=where)
            if answer != answer.strip():
                raise InputError("the answer has outer white space", where=where)
        require_template(self.instruction, where=where)

    @property
    def references(self) -> tuple[str, ...]:
        """All right answers, the one to train on first."""
        return (self.target, *self.others)

    @property
    def prompt(self) -> str:
        """The instruction with the input in its slot."""
        return "".join(self.parts())

    def parts(self) -> tuple[str, str, str]:
        """The prompt as (prefix, input, suffix): truncation may only cut the middle."""
        prefix, suffix = self.instruction.split(SLOT)
        return prefix, self.input, suffix


def content_id(input_text: str, target: str, repeat: int = 0) -> str:
    """An id that follows from the content alone, so that neither order nor sampling changes it.

    Args:
        input_text: the example's input.
        target: the example's answer.
        repeat: how many identical examples came before it in its split.
    """
    digest = hashlib.sha256(f"{len(input_text)}\n{input_text}\n{target}".encode()).hexdigest()[:16]
    return f"{digest}-{repeat}" if repeat else digest


@dataclass(frozen=True)
class Task:
    """What one task asks for.

    Args:
        name: slug; becomes a folder and a file name.
        family: slug shared by tasks of one skill, e.g. "nli".
        kind: "classification" (one of `options`) or "generation" (free text).
        templates: instruction templates; each example carries one of them.
        options: the label words of a classification task, in order.
        domain: what the texts are about.
        license: licence of the data.
        source: where the data come from, or which published task it mirrors.
        words: of a generation, what counts as a word in its scores; see `measures.metrics`.

    Raises:
        InputError: a name is no slug, templates or options are absent, repeated or malformed.
    """

    name: str
    family: str
    kind: Kind
    templates: tuple[str, ...]
    options: tuple[str, ...] = ()
    domain: str = ""
    license: str = ""
    source: str = ""
    words: Words = "rouge_score"

    def __post_init__(self) -> None:
        require_slug(self.name, what="task name")
        where = f"task {self.name}"
        if self.name in RESERVED_NAMES:
            raise InputError(f"the name {self.name!r} is reserved", where=where, remedy="Rename the task")
        require_slug(self.family, what="family", where=where)
        if self.kind not in ("classification", "generation"):
            raise InputError(f"`kind` must be classification or generation, not {str(self.kind)[:60]!r}", where=where)
        if self.words not in get_args(Words):
            raise InputError(
                f"`words` must be {' or '.join(get_args(Words))}, not {str(self.words)[:60]!r}", where=where
            )
        self._require_texts(where)
        if not self.templates:
            raise InputError("a task needs at least one instruction template", where=where)
        for template in self.templates:
            require_template(template, where=where)
        if self.kind == "classification" and len(self.options) < 2:
            raise InputError("a classification task needs at least two options", where=where)
        if self.kind == "generation" and self.options:
            raise InputError("a generation task has no options", where=where)
        if any(not option.strip() or option != option.strip() for option in self.options):
            raise InputError("an option is empty or has outer white space", where=where)

    def _require_texts(self, where: str) -> None:
        for field in ("templates", "options"):
            values = getattr(self, field)
            if not isinstance(values, tuple) or not all(isinstance(value, str) for value in values):
                raise InputError(f"`{field}` must be a tuple of texts", where=where)
            if len(set(values)) < len(values):
                raise InputError(f"`{field}` repeats an entry", where=where)
        for field in ("domain", "license", "source"):
            if not isinstance(getattr(self, field), str):
                raise InputError(f"`{field}` must be text", where=where)
