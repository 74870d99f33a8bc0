"""Text for training: every token is predicted exactly once, focus marks the right ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskneurons.errors import InputError
from taskneurons.models.corpus import tokenize_corpus
from taskneurons.models.tokenizers import train_bpe_tokenizer, train_word_tokenizer

WORDS = ["cat", "dog", "ran", "sat", "é"]
WORD = train_word_tokenizer([" ".join(WORDS)])
BPE = train_bpe_tokenizer([" ".join(WORDS)] * 3, 275)

segments = st.lists(
    st.tuples(st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join), st.booleans()),
    min_size=1,
    max_size=4,
)


@settings(deadline=None)
@given(documents=st.lists(segments, min_size=1, max_size=5), context=st.integers(2, 9), word=st.booleans())
def test_every_token_is_predicted_once_and_focus_is_kept(documents, context, word):
    tokenizer = WORD if word else BPE
    corpus = tokenize_corpus([{"segments": document} for document in documents], tokenizer, context)
    assert corpus.lengths.max() <= context + 1
    inputs, targets, real, focus = corpus.rows(np.arange(len(corpus)), pad_id=0)
    expected, wanted = [], []
    for document in documents:
        for number, (text, is_focus) in enumerate(document):
            ids = tokenizer((" " if number else "") + text, add_special_tokens=False)["input_ids"]
            expected += ids
            wanted += [is_focus] * len(ids)
        expected.append(tokenizer.eos_token_id)
        wanted.append(False)
    assert targets[real].tolist() == expected
    assert focus[real].tolist() == wanted
    # The input of a position is the token before the one it predicts.
    assert (inputs[:, 1:][real[:, 1:]] == targets[:, :-1][real[:, 1:]]).all()
    assert (inputs[~real] == 0).all()


@pytest.mark.parametrize("document", [{}, {"segments": ["text"]}, {"segments": [["a", True, 3]]}, {"segments": 4}, []])
def test_a_document_of_another_form_is_named(document):
    with pytest.raises(InputError, match="document 2"):
        tokenize_corpus([{"segments": [["cat", False]]}, document], WORD, 8)


def test_no_documents_is_refused():
    with pytest.raises(InputError, match="no documents"):
        tokenize_corpus([], WORD, 8)


def test_the_digest_sees_tokens_focus_and_borders():
    def digest(*documents):
        return tokenize_corpus([{"segments": document} for document in documents], WORD, 8).digest()

    base = digest([["cat ran", False]])
    assert base == digest([["cat ran", False]])
    assert len({base, digest([["cat ran", True]]), digest([["cat sat", False]]), digest([["cat", False]])}) == 4
