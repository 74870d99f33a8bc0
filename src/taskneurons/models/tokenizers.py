"""Tokenizers that are trained on a suite's own text: one token a word, or byte-level byte-pair encoding.

Both have the special tokens <pad>, <bos>, <eos>, <unk> as ids 0 to 3 and are saved as tokenizer.json and
tokenizer_config.json, which `AutoTokenizer` reads without any code of ours. Equal text makes equal bytes.
"""

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, pre_tokenizers, trainers
from tokenizers.models import BPE, WordLevel
from transformers import PreTrainedTokenizerFast

from taskneurons.errors import InputError
from taskneurons.files import write_bytes

PAD, BOS, EOS, UNKNOWN = SPECIAL_TOKENS = ("<pad>", "<bos>", "<eos>", "<unk>")
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")


def train_word_tokenizer(texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """One token for each whitespace-separated word of `texts`, in alphabetical order; other words become <unk>.

    Raises:
        InputError: there is no word in the texts.
    """
    words = sorted({word for text in texts for word in text.split()} - set(SPECIAL_TOKENS))
    if not words:
        raise InputError("there is no text to learn a vocabulary from")
    vocabulary = {token: index for index, token in enumerate((*SPECIAL_TOKENS, *words))}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return _with_special_tokens(tokenizer)


def train_bpe_tokenizer(texts: Iterable[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """Byte-level byte-pair encoding (as GPT-2's) with at most `vocabulary` tokens; no text is ever unknown to it.

    Raises:
        InputError: there is no text, or the vocabulary cannot hold the 256 bytes and the special tokens.
    """
    least = 256 + len(SPECIAL_TOKENS)
    if vocabulary < least:
        raise InputError(f"a vocabulary of {vocabulary} cannot hold the bytes, at least {least} expected")
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    if tokenizer.get_vocab_size() == least:
        raise InputError("there is no text to learn a vocabulary from")
    return _with_special_tokens(tokenizer)


def count_unknown(tokenizer: Any, texts: Iterable[str]) -> tuple[int, int]:
    """The number of unknown tokens in the texts, and of all their tokens."""
    unknown = total = 0
    for text in texts:
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        unknown += sum(token == tokenizer.unk_token_id for token in ids)
        total += len(ids)
    return unknown, total


def save_tokenizer(folder: str | Path, tokenizer: Any) -> None:
    """Write tokenizer.json and tokenizer_config.json, nothing else.

    Raises:
        InputError: the tokenizer has no tokenizer.json (it is not a fast one).
    """
    with tempfile.TemporaryDirectory() as scratch:
        tokenizer.save_pretrained(scratch)
        for name in TOKENIZER_FILES:
            file = Path(scratch) / name
            if not file.is_file():
                raise InputError(
                    f"{type(tokenizer).__name__} cannot be written as {name}",
                    remedy="Use a model with a fast tokenizer",
                )
            write_bytes(Path(folder) / name, file.read_bytes())


def load_tokenizer(folder: str | Path) -> Any:
    """The tokenizer of a folder; code that came with a model is never run.

    Raises:
        InputError: there is none, or it cannot be read; the message names the folder.
    """
    from transformers import AutoTokenizer

    folder = Path(folder)
    if not any((folder / name).is_file() for name in ("tokenizer.json", "tokenizer.model", "vocab.json")):
        raise InputError(
            "the folder has no tokenizer",
            where=str(folder),
            remedy="Put tokenizer.json and tokenizer_config.json there",
        )
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    # The library raises bare exceptions of many types (its Rust part even `Exception`) for an unreadable tokenizer.
    except Exception as error:
        first_line = str(error).strip().split("\n", 1)[0]
        raise InputError(f"the tokenizer cannot be read ({first_line})", where=str(folder)) from None
    if not tokenizer.is_fast:
        raise InputError(f"{type(tokenizer).__name__} is no fast tokenizer", where=str(folder))
    return tokenizer


def _with_special_tokens(tokenizer: Tokenizer) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=PAD, bos_token=BOS, eos_token=EOS, unk_token=UNKNOWN
    )
