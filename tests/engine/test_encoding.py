import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from taskneurons.errors import InputError
from taskneurons.models.encoding import IGNORED, Batch, Encoded, collate, encode, encode_options
from taskneurons.tasks.task import Example

CORPUS = ["classify the review : the food was good . answer : positive", "naïve café 🙂 was bad . negative"] * 4


def byte_level():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    return tokenizer, trainers.BpeTrainer(vocab_size=290, initial_alphabet=alphabet)


def sentencepiece_like():
    """As Llama 2 has it: a space before every text."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace()
    return tokenizer, trainers.BpeTrainer(vocab_size=70)


def words():
    tokenizer = Tokenizer(models.WordLevel(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return tokenizer, trainers.WordLevelTrainer()


def trained(make, *, bos=True, eos=True):
    tokenizer, trainer = make()
    trainer.special_tokens = ["<pad>", "<bos>", "<eos>", "<unk>"]
    tokenizer.train_from_iterator(CORPUS, trainer)
    if bos:
        tokenizer.post_processor = processors.TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", 1)])
    special = {"pad_token": "<pad>", "unk_token": "<unk>"}
    special |= {"bos_token": "<bos>"} if bos else {}
    special |= {"eos_token": "<eos>"} if eos else {}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special)


KINDS = {"bytes": byte_level, "sentencepiece": sentencepiece_like, "words": words}
TOKENIZERS = {name: trained(make) for name, make in KINDS.items()}


def example(text="the food was good", target="positive"):
    return Example("1", "classify the review : {input} . answer :", text, target)


@pytest.mark.parametrize("kind", KINDS)
def test_prompt_and_answer_apart_are_the_tokens_of_the_whole(kind):
    tokenizer = TOKENIZERS[kind]
    (encoded,) = encode([example()], tokenizer, 200)
    whole = tokenizer("classify the review : the food was good . answer : positive", add_special_tokens=False)
    assert encoded.prompt[0] == tokenizer.bos_token_id
    assert encoded.target[-1] == tokenizer.eos_token_id
    assert list(encoded.prompt[1:] + encoded.target[:-1]) == whole["input_ids"]
    assert encoded.truncated == 0


@pytest.mark.parametrize("kind", KINDS)
def test_options_are_encoded_as_answers_are(kind):
    tokenizer = TOKENIZERS[kind]
    options = encode_options(["positive", "negative"], tokenizer)
    for option, target in zip(options, ("positive", "negative"), strict=True):
        assert encode([example(target=target)], tokenizer, 200)[0].target == option


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_end_of_the_input_is_cut(kind):
    tokenizer = TOKENIZERS[kind]
    text = " ".join(["food", "good", "bad", "was"] * 3)
    (full,) = encode([example(text)], tokenizer, 1000)
    size = len(full.prompt) + len(full.target)
    (fits,) = encode([example(text)], tokenizer, size)
    assert fits == full
    inside = len(tokenizer(text, add_special_tokens=False)["input_ids"])
    for cut in range(1, inside):
        (short,) = encode([example(text)], tokenizer, size - cut)
        assert short.target == full.target
        assert short.truncated >= cut
        assert len(short.prompt) == len(full.prompt) - short.truncated
        # What is left: the same beginning and the same end, and nothing between them.
        begin = next((i for i, (a, b) in enumerate(zip(short.prompt, full.prompt, strict=False)) if a != b), None)
        begin = len(short.prompt) if begin is None else begin
        assert short.prompt[begin:] == full.prompt[begin + short.truncated :]
        decoded = tokenizer.decode(short.prompt[1:])
        assert decoded.strip().startswith("classify the review")
        assert decoded.endswith(". answer :")
    with pytest.raises(InputError, match=r"example 1: the instruction and the answer alone need \d+ tokens"):
        encode([example(text)], tokenizer, size - inside - 2)


def test_room_is_kept_for_the_longest_option():
    tokenizer = TOKENIZERS["words"]
    (encoded,) = encode([example()], tokenizer, 14, reserve=5)
    assert len(encoded.prompt) + 5 == 14
    assert encoded.truncated == 3


@given(text=st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40), cut=st.integers(0, 60))
def test_any_text_is_cut_between_characters(text, cut):
    tokenizer = TOKENIZERS["bytes"]
    whole = len(encode([example(text)], tokenizer, 1000)[0].prompt)
    inside = whole - len(encode([example("")], tokenizer, 1000)[0].prompt)
    (short,) = encode([example(text)], tokenizer, whole + 20 - min(cut, max(inside - 4, 0)), reserve=20)
    decoded = tokenizer.decode(short.prompt[1:], clean_up_tokenization_spaces=False)
    begin, end = "classify the review : ", " . answer :"
    assert decoded.startswith(begin.rstrip())
    assert decoded.endswith(end)
    kept = decoded[len(begin) : len(decoded) - len(end)]
    assert text.startswith(kept)
    assert (kept == text) == (short.truncated == 0) or text.strip() != text


def test_tokenizers_that_cannot_be_used_are_refused():
    with pytest.raises(InputError, match="no eos"):
        encode([example()], trained(words, eos=False), 100)
    assert encode([], TOKENIZERS["words"], 10) == []


def test_a_tokenizer_without_bos_starts_with_the_text():
    tokenizer = trained(words, bos=False)
    (encoded,) = encode([example()], tokenizer, 100)
    assert tokenizer.decode(encoded.prompt[:1]) == "classify"


def test_options_with_the_same_tokens_are_refused():
    with pytest.raises(InputError, match="'gut' and 'schlecht' have the same tokens"):
        encode_options(["good", "gut", "schlecht"], TOKENIZERS["words"])


ENCODED = st.lists(
    st.builds(
        Encoded,
        st.lists(st.integers(1, 99), min_size=1, max_size=9).map(tuple),
        st.lists(st.integers(1, 99), min_size=1, max_size=5).map(tuple),
    ),
    min_size=1,
    max_size=5,
)


@given(encoded=ENCODED, padding=st.sampled_from(["left", "right"]))
def test_a_batch_holds_the_examples_and_nothing_else(encoded, padding):
    batch = collate(encoded, 0, padding=padding)
    for row, example_ in enumerate(encoded):
        real = batch.attention_mask[row].bool()
        ids, labels = batch.input_ids[row][real], batch.labels[row][real]
        assert tuple(ids.tolist()) == example_.prompt + example_.target[:-1]
        # The last prompt token predicts the first answer token, and so on; pads and the prompt predict nothing.
        assert tuple(labels[len(example_.prompt) - 1 :].tolist()) == example_.target
        assert (labels[: len(example_.prompt) - 1] == IGNORED).all()
        assert batch.position_ids[row][real].tolist() == list(range(len(ids)))
        assert (batch.labels[row][~real] == IGNORED).all()
        assert (batch.input_ids[row][~real] == 0).all()
    outside = batch.labels.shape[1] - batch.answer_width
    assert (batch.labels[:, :outside] == IGNORED).all()
    assert (batch.labels[:, outside] != IGNORED).any()
    if padding == "left":
        assert batch.answer_width == max(len(example_.target) for example_ in encoded)


def test_bad_batches_are_refused():
    with pytest.raises(ValueError, match="at least one example"):
        collate([], 0)
    with pytest.raises(InputError, match="at least one token each"):
        Encoded((), (1,))
    with pytest.raises(ValueError, match="must be a count"):
        Encoded((1,), (1,), -1)
    ids = torch.ones(2, 3, dtype=torch.long)
    with pytest.raises(ValueError, match="answer_width 4 is not within 3"):
        Batch(ids, ids, ids, ids, 4)
