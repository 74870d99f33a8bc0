"""Tokenizers trained on text: their files are plain and repeatable, their tokens are right."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import Unigram
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from taskneurons.errors import InputError
from taskneurons.models.tokenizers import (
    TOKENIZER_FILES,
    count_unknown,
    load_tokenizer,
    save_tokenizer,
    text_ids,
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
        assert ids[0] == again.bos_token_id
        assert not {0, 1, 2} & set(ids[1:]), "the end is the encoder's business"


def test_words_are_split_at_whitespace_alone():
    words = WORD.convert_ids_to_tokens(WORD("a\tdog\n saw  the mat .")["input_ids"])
    assert words == ["<bos>", "a", "dog", "saw", "the", "mat", "."]
    assert WORD.decode(WORD("a  dog ran .")["input_ids"], skip_special_tokens=True) == "a dog ran ."
    assert len(WORD) == 4 + len(set(" ".join(TEXTS).split()))


def test_unknown_words_are_counted():
    assert count_unknown(WORD, ["the bird sat", "a zebra saw a bird"]) == (3, 8)
    assert count_unknown(BPE, ["the bird sat \x00 🦓"])[0] == 0


@given(st.text())
def test_bpe_returns_every_text(text):
    (ids,) = text_ids(BPE, [text])
    assert BPE.decode(ids) == text


@given(texts=st.lists(st.sampled_from(["<pad>", "<bos>", "<eos>", "<unk>", "the cat", "<", "p"]), min_size=1))
def test_text_that_spells_a_special_token_stays_text(texts):
    (ids,) = text_ids(BPE, [" ".join(texts)])
    assert not {0, 1, 2, 3} & set(ids)
    assert BPE.decode(ids, skip_special_tokens=True) == " ".join(texts)
    (ids,) = text_ids(WORD, [" ".join(texts)])
    assert not {0, 1, 2} & set(ids), "a spelling that is no word of the text is an unknown word"


def test_a_spelling_that_can_only_be_read_as_a_control_token_is_refused():
    pieces = Unigram([("<pad>", 0.0), ("</s>", 0.0), ("a", -1.0), ("b", -2.0)], unk_id=0)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(pieces), pad_token="<pad>", eos_token="</s>")
    assert text_ids(tokenizer, ["ab"]) == [[2, 3]]
    with pytest.raises(InputError, match="a text holds '</s>', which this tokenizer reads as a control token"):
        text_ids(tokenizer, ["ab", "a</s>b"])


def test_bpe_learns_merges():
    assert len(BPE) == 290
    assert len(text_ids(BPE, [" the cat"])[0]) < len(" the cat")


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


def test_a_sentencepiece_model_alone_is_refused_with_the_way_to_a_fast_tokenizer(tmp_path):
    (tmp_path / "tokenizer.model").write_bytes(b"\n\x0e\n\x05<unk>")
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "LlamaTokenizer"}')
    with pytest.raises(InputError) as caught:
        load_tokenizer(tmp_path)
    said = "the tokenizer is a SentencePiece model alone (tokenizer.model), without tokenizer.json. Where sentencepiece"
    assert str(caught.value).startswith(f"{tmp_path}: {said}") and "tiktoken" not in str(caught.value)
