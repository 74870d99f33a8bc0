"""Tokenizers that are trained on a suite's own text: one token a word, or byte-level byte-pair encoding.

Both have the special tokens <pad>, <bos>, <eos>, <unk> as ids 0 to 3, put <bos> before a text, and are saved as
tokenizer.json and tokenizer_config.json, which `AutoTokenizer` reads without any code of ours. Equal text makes equal
bytes.
"""

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, pre_tokenizers, processors, trainers
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


def text_ids(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    """The ids of texts of the user, without special tokens: what spells one stays text, or is an unknown word.

    Args:
        tokenizer: a fast one.
        texts: what to tokenise, each for itself.

    Raises:
        InputError: a text spells a special token that the tokenizer can read in no other way.
    """
    found = tokenizer(list(texts), add_special_tokens=False, split_special_tokens=True)["input_ids"]
    return as_text(tokenizer, found)


def as_text(tokenizer: Any, found: list[list[int]]) -> list[list[int]]:
    """The ids of texts with <unk> in place of a special token, as which a vocabulary of whole words or pieces reads it.

    Raises:
        InputError: as `text_ids`.
    """
    control = control_ids(tokenizer)
    if all(control.isdisjoint(ids) for ids in found):
        return found
    unknown = tokenizer.unk_token_id
    if unknown is None or unknown in control:
        spelled = next(token for ids in found for token in ids if token in control)
        raise InputError(
            f"a text holds {tokenizer.convert_ids_to_tokens(spelled)!r}, which this tokenizer reads as a control token",
            remedy="Take it out of the text, or use another model",
        )
    return [[unknown if token in control else token for token in ids] for ids in found]


def control_ids(tokenizer: Any) -> frozenset[int]:
    """The ids that tell a model where something begins or ends; <unk>, which stands for a word, is none of them."""
    control = {index for index, token in tokenizer.added_tokens_decoder.items() if token.special}
    control |= set(tokenizer.all_special_ids)
    if tokenizer.unk_token_id not in (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id):
        control.discard(tokenizer.unk_token_id)
    return frozenset(control)


def first_ids(tokenizer: Any) -> tuple[int, ...]:
    """The ids that the tokenizer itself puts before a text: the bos token, or none where it only defines one.

    Raises:
        InputError: it puts something else before one text than before another.
    """
    found = set()
    for text in ("a", "b a"):
        whole: list[int] = tokenizer(text)["input_ids"]
        bare: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
        places = [at for at in range(len(whole) - len(bare) + 1) if whole[at : at + len(bare)] == bare]
        found.add(tuple(whole[: places[0]]) if places else None)
    first = found.pop()
    if found or first is None:
        raise InputError(f"{type(tokenizer).__name__} does not begin all texts with the same special tokens")
    return first


def count_unknown(tokenizer: Any, texts: Iterable[str]) -> tuple[int, int]:
    """The number of unknown tokens in the texts, and of all their tokens."""
    unknown = total = 0
    for text in texts:
        (ids,) = text_ids(tokenizer, [text])
        unknown += sum(token == tokenizer.unk_token_id for token in ids)
        total += len(ids)
    return unknown, total


def save_tokenizer(folder: str | Path, tokenizer: Any) -> None:
    """Write tokenizer.json and tokenizer_config.json, which holds the chat template if there is one, nothing else.

    Raises:
        InputError: the tokenizer has no tokenizer.json (it is not a fast one).
    """
    with tempfile.TemporaryDirectory() as scratch:
        tokenizer.save_pretrained(scratch, save_jinja_files=False)
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
        if not any((folder / name).is_file() for name in ("tokenizer.json", "vocab.json")):
            raise InputError(
                "the tokenizer is a SentencePiece model alone (tokenizer.model), without tokenizer.json",
                where=str(folder),
                remedy="Where sentencepiece is installed: AutoTokenizer.from_pretrained(path).save_pretrained(path)",
            ) from None
        first_line = str(error).strip().split("\n", 1)[0]
        raise InputError(f"the tokenizer cannot be read ({first_line})", where=str(folder)) from None
    if not tokenizer.is_fast:
        raise InputError(f"{type(tokenizer).__name__} is no fast tokenizer", where=str(folder))
    return tokenizer


def _with_special_tokens(tokenizer: Tokenizer) -> PreTrainedTokenizerFast:
    ids = [(BOS, SPECIAL_TOKENS.index(BOS))]
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{BOS} $A", special_tokens=ids)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=PAD, bos_token=BOS, eos_token=EOS, unk_token=UNKNOWN
    )
