"""Plain text before a model, without any task: every token is predicted from those before it."""

from collections.abc import Sequence
from typing import Any

from taskneurons.errors import InputError
from taskneurons.models.encoding import Encoded
from taskneurons.models.tokenizers import first_ids, text_ids


def encode_text(texts: Sequence[str], tokenizer: Any, longest: int) -> list[Encoded]:
    """Tokenise texts so that the loss of the "answer" is that of the language model.

    A text stands after what the tokenizer itself puts first, never in a chat. All its tokens are predicted; where
    nothing is put first, all but the first one. No token ends a text. Texts of a single token are left out.

    Args:
        texts: what to encode.
        tokenizer: a fast Hugging Face tokenizer.
        longest: tokens of a text that are kept.

    Raises:
        InputError: no text has two tokens.
    """
    first = first_ids(tokenizer)
    found = []
    for ids in text_ids(tokenizer, [text.strip() for text in texts]):
        whole = (*first, *ids[:longest])
        given = max(1, len(first))
        if len(whole) > given:
            found.append(Encoded(whole[:given], whole[given:]))
    if not found:
        raise InputError("no neutral text has two tokens", where="keystone.neutral", remedy="Give longer texts")
    return found
