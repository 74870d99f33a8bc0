"""Tokenizers trained on text: their files are plain and repeatable, their tokens are right."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from taskneurons.errors import InputError
from taskneurons.models.tokenizers import (
    TOKENIZER_FILES,
    count_unknown,
    load_tokenizer,
    save_tokenizer,
    train_bpe_tokenizer,
    train_word_tokenizer,
)

TEXTS = ["the cat sat on the mat .", "a dog  ran\tand the cat saw\nit .", "Ünï cödé ran . 猫"]
WORD = train_word_tokenizer(TEXTS)
BPE = train_bpe_tokenizer(TEXTS * 3, 290)


@pytest.mark.parametrize("tokenizer", [WORD, BPE], ids=["word", "bpe"])
def test_auto_tokenizer_reads_the_two_files(tokenizer, tmp_path):
    save_tokenizer(tmp_path, tokenizer)
    assert {file.name for file in tmp_path.iterdir()} == set(TOKENIZER_FILES)
    again = AutoTokenizer.from_pretrained(tmp_path, trust_remote_code=False)
    assert again.is_fast
    assert (again.pad_token_id, again.bos_token_id, again.eos_token_id, again.unk_token_id) == (0, 1, 2, 3)
    for text in TEXTS:
        ids = again(text)["input_ids"]
        assert ids == tokenizer(text)["input_ids"]
        assert not {0, 1, 2} & set(ids), "special tokens are the encoder's business"


def test_words_are_split_at_whitespace_alone():
    assert WORD.convert_ids_to_tokens(WORD("a\tdog\n saw  the mat .")["input_ids"]) == [
        "a",
        "dog",
        "saw",
        "the",
        "mat",
        ".",
    ]
    assert WORD.decode(WORD("a  dog ran .")["input_ids"]) == "a dog ran ."
    assert len(WORD) == 4 + len(set(" ".join(TEXTS).split()))


def test_unknown_words_are_counted():
    assert count_unknown(WORD, ["the bird sat", "a zebra saw a bird"]) == (3, 8)
    assert count_unknown(BPE, ["the bird sat \x00 🦓"])[0] == 0


@given(st.text())
def test_bpe_returns_every_text(text):
    # Text that spells a special token becomes that token, by the library's design.
    if not any(token in text for token in ("<pad>", "<bos>", "<eos>", "<unk>")):
        assert BPE.decode(BPE(text)["input_ids"]) == text


def test_bpe_learns_merges():
    assert len(BPE) == 290
    assert len(BPE(" the cat")["input_ids"]) < len(" the cat")


@pytest.mark.parametrize("kind", ["word", "bpe"])
def test_another_process_writes_the_same_bytes(kind, tmp_path):
    make = "train_word_tokenizer(texts)" if kind == "word" else "train_bpe_tokenizer(texts, 400)"
    # Many pairs of equal count: an order that came from a hash table would show.
    code = (
        "import sys; from taskneurons.models.tokenizers import *\n"
        "texts = [f'w{i} x{i * 7 % 97} y{i % 13}z' for i in range(300)]\n"
        f"save_tokenizer(sys.argv[1], {make})"
    )
    for number in (1, 2):
        environment = {**os.environ, "PYTHONHASHSEED": str(number), "RAYON_NUM_THREADS": str(number)}
        subprocess.run([sys.executable, "-c", code, tmp_path / str(number)], check=True, env=environment)
    for name in TOKENIZER_FILES:
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


@pytest.mark.parametrize("train", [train_word_tokenizer, lambda texts: train_bpe_tokenizer(texts, 300)])
def test_no_text_is_refused(train):
    with pytest.raises(InputError, match="no text"):
        train(["", " \n"][:1])


def test_a_vocabulary_smaller_than_the_bytes_is_refused():
    with pytest.raises(InputError, match="at least 260"):
        train_bpe_tokenizer(TEXTS, 100)


def test_a_damaged_tokenizer_names_its_folder(tmp_path):
    with pytest.raises(InputError, match=f"{tmp_path}: the folder has no tokenizer"):
        load_tokenizer(tmp_path)
    save_tokenizer(tmp_path, WORD)
    file = Path(tmp_path) / "tokenizer.json"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(InputError, match=f"{tmp_path}: the tokenizer cannot be read"):
        load_tokenizer(tmp_path)
