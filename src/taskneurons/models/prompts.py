"""How a prompt and its answer stand before a model: as plain text, or as the two turns of a chat in its own template.

The tokenizer of a checkpoint has a chat template exactly where the parameters ask for `prompts: chat`; an import puts
it there or takes it away.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any, Literal, Protocol

from jinja2 import TemplateError

from taskneurons.errors import InputError
from taskneurons.models.tokenizers import control_ids, first_ids, text_ids

if TYPE_CHECKING:
    from taskneurons.tasks.task import Example

Prompts = Literal["plain", "chat"]
# The day on which a template that asks for today's date is always told to be: results must not depend on the day.
DAY = date(2024, 7, 26)
_DAY_ASKED = re.compile(r"""strftime_now\(\s*(["'])(?P<form>.*?)\1\s*\)""")
# Stands for a text in a template; no text of a template is likely to hold it.
_MARK = "markedtext"


class Form(Protocol):
    """A way to put prompts and answers."""

    def prompts(self, examples: "Sequence[Example]") -> list[tuple[int, ...]]:
        """The ids of the prompts of examples, with all that the model is given before the answer."""

    def answers(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """The ids of answers after any prompt, each with the token that ends it."""

    def shortened(self, example: "Example", room: int) -> tuple[int, ...]:
        """The prompt of an example with tokens cut from the end of its input alone until it fits.

        Raises:
            TooLong: it does not fit with an empty input.
        """


class TooLong(Exception):
    """A prompt does not fit even without its input.

    Args:
        tokens: of the prompt without its input.
    """

    def __init__(self, tokens: int) -> None:
        super().__init__(tokens)
        self.tokens = tokens


def form_of(tokenizer: Any) -> Form:
    """The form that a checkpoint's tokenizer asks for.

    Raises:
        InputError: it is no fast tokenizer, or has no eos token.
    """
    if not tokenizer.is_fast:
        raise InputError(f"{type(tokenizer).__name__} gives no character offsets, a fast tokenizer was expected")
    if tokenizer.eos_token_id is None:
        raise InputError(f"{type(tokenizer).__name__} has no eos token, an answer could not end")
    return Plain(tokenizer) if tokenizer.chat_template is None else Chat(tokenizer)


@dataclass(frozen=True)
class Plain:
    """A prompt is its text after what the tokenizer itself puts first; an answer is its text and the eos token."""

    tokenizer: Any

    def prompts(self, examples: "Sequence[Example]") -> list[tuple[int, ...]]:
        """See `Form`."""
        first = first_ids(self.tokenizer)
        # What follows the prompt begins with its own space.
        return [(*first, *ids) for ids in text_ids(self.tokenizer, [one.prompt.rstrip() for one in examples])]

    def answers(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """See `Form`."""
        space = _leading_space(self.tokenizer)
        found = text_ids(self.tokenizer, [space + text.strip() for text in texts])
        return [(*ids, self.tokenizer.eos_token_id) for ids in found]

    def shortened(self, example: "Example", room: int) -> tuple[int, ...]:
        """See `Form`."""
        (ids,) = self.prompts([example])
        first = len(first_ids(self.tokenizer))
        offsets = _offsets(self.tokenizer, example.prompt.rstrip())
        prefix, text, _ = example.parts()
        # The space before a word is part of the word's token. Any other token on a border belongs to the instruction.
        begin, end = len(prefix.rstrip()), len(prefix) + len(text)
        inside = [index for index, (left, right) in enumerate(offsets) if begin <= left < right <= end]
        cut = len(inside) - (len(ids) - room)
        if cut < 0:
            raise TooLong(len(ids) - len(inside))
        # Byte-level tokens of one character share its offsets: never keep half a character.
        while 0 < cut < len(inside) and offsets[inside[cut]][0] < offsets[inside[cut - 1]][1]:
            cut -= 1
        gone = {first + index for index in inside[cut:]}
        return tuple(token for index, token in enumerate(ids) if index not in gone)


@dataclass(frozen=True)
class Chat:
    """A prompt is the user's turn, an answer the assistant's, in the tokenizer's own template.

    The ids are those of `apply_chat_template`. What spells a control token in a text of the user stays text.
    """

    tokenizer: Any

    def prompts(self, examples: "Sequence[Example]") -> list[tuple[int, ...]]:
        """See `Form`."""
        return [self._ids(one.prompt.rstrip()) for one in examples]

    def answers(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """See `Form`.

        Raises:
            InputError: the template does not put an answer after the prompt, or does not end it.
        """
        before = self._ids(_MARK)
        found = {text: self._answer(before, text.strip()) for text in dict.fromkeys(texts)}
        return [found[text] for text in texts]

    def shortened(self, example: "Example", room: int) -> tuple[int, ...]:
        """See `Form`."""
        offsets = _offsets(self.tokenizer, example.input)
        kept = len(offsets)
        (ids,) = self.prompts([example])
        # What is left of a text may have other tokens than it had in the whole.
        while len(ids) > room:
            if kept == 0:
                raise TooLong(len(ids))
            kept = max(0, kept - (len(ids) - room))
            text = example.input[: offsets[kept][0]].rstrip()
            (ids,) = self.prompts([replace(example, input=text)])
        return ids

    def _ids(self, prompt: str, answer: str | None = None) -> tuple[int, ...]:
        """The ids of a conversation: of the prompt up to where the answer begins, or of both turns."""
        settings = {"add_generation_prompt": answer is None, "sanitize_control_tokens": True, "return_dict": False}
        return tuple(_applied(self.tokenizer, _turns(prompt, answer), "tokenizer", **settings))

    def _answer(self, before: tuple[int, ...], text: str) -> tuple[int, ...]:
        """The ids of an answer after the ids of a prompt."""
        whole = self._ids(_MARK, text)
        answer = whole[len(before) :]
        if whole[: len(before)] != before or self.tokenizer.eos_token_id not in answer:
            raise InputError(
                "the chat template does not put the answer after its own prompt and end it with eos",
                where="tokenizer",
                remedy="Write `prompts: plain`",
            )
        return answer[: answer.index(self.tokenizer.eos_token_id) + 1]


def prepare_for(prompts: Prompts, tokenizer: Any, where: str) -> tuple[str, ...]:
    """Give a tokenizer the form of prompts that the parameters ask for.

    Args:
        prompts: plain takes the chat template away; chat makes the token that ends an answer in it the eos token.
        tokenizer: of a model that is imported; it is changed.
        where: named in messages.

    Returns:
        What a reader of the checkpoint must know, in sentences.

    Raises:
        InputError: the tokenizer has no chat template, or one that does not end an answer.
    """
    if prompts == "plain":
        tokenizer.chat_template = None
        return ()
    if tokenizer.chat_template is None:
        raise InputError(
            "the tokenizer has no chat template",
            where=where,
            remedy="Write `prompts: plain`, or take a model that was made for conversations",
        )
    template = tokenizer.get_chat_template()
    remarks = []
    tokenizer.chat_template = _DAY_ASKED.sub(lambda asked: repr(DAY.strftime(asked["form"])), template)
    if tokenizer.chat_template != template:
        remarks.append(f"The chat template asks for the date of the day, which is always {DAY.isoformat()} here.")
    rendered = _applied(tokenizer, _turns("a", _MARK), where, tokenize=False)
    after = tokenizer(rendered.partition(_MARK)[2], add_special_tokens=False)["input_ids"]
    ends = [token for token in after if token in control_ids(tokenizer)]
    if not ends:
        raise InputError(
            "the chat template ends an answer with no control token", where=where, remedy="Write `prompts: plain`"
        )
    if ends[0] != tokenizer.eos_token_id:
        tokenizer.eos_token = tokenizer.convert_ids_to_tokens(ends[0])
        remarks.append(f"The chat template ends an answer with {tokenizer.eos_token}, which is the eos token here.")
    return tuple(remarks)


def _applied(tokenizer: Any, turns: list[dict[str, str]], where: str, **settings: bool) -> Any:
    """What the chat template of a tokenizer makes of turns.

    Raises:
        InputError: it cannot be used.
    """
    try:
        return tokenizer.apply_chat_template(turns, **settings)
    # A template may refuse turns by itself, and a vocabulary may know a control token by no other spelling.
    except (ValueError, TemplateError) as error:
        first_line = str(error).strip().split("\n", 1)[0]
        raise InputError(
            f"the chat template cannot be used ({first_line})", where=where, remedy="Write `prompts: plain`"
        ) from None


def _turns(prompt: str, answer: str | None) -> list[dict[str, str]]:
    turns = [{"role": "user", "content": prompt}]
    return turns if answer is None else [*turns, {"role": "assistant", "content": answer}]


def _offsets(tokenizer: Any, text: str) -> list[tuple[int, int]]:
    """The characters of each token of a text of the user."""
    found: list[tuple[int, int]] = tokenizer(
        text, add_special_tokens=False, split_special_tokens=True, return_offsets_mapping=True
    )["offset_mapping"]
    return found


def _leading_space(tokenizer: Any) -> str:
    """What an answer tokenised apart must begin with, so that it has the tokens that it would have after a prompt.

    Byte-level BPE needs the space; SentencePiece-like tokenizers add it themselves; word tokenizers ignore it.
    """
    whole, first, second = text_ids(tokenizer, ["a b", "a", "b"])
    return "" if whole == first + second else " "
