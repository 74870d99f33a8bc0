"""Prompts as published tokenizers and chat templates have them: against transformers' own `apply_chat_template`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import processors

from taskneurons.errors import InputError
from taskneurons.models.encoding import encode, encode_options
from taskneurons.models.prompts import prepare_for
from taskneurons.models.tokenizers import load_tokenizer, save_tokenizer, train_bpe_tokenizer, train_word_tokenizer
from taskneurons.tasks.synthetic.suite import synthetic_suite
from taskneurons.tasks.task import Example

# Each as a model family has it: with a system turn of its own, with bos and one token for both ends, with another end
# of an answer than eos, and with texts that lose their outer white space.
TEMPLATES = {
    "smollm": (
        "{% for m in messages %}{% if loop.first %}{{ '<turn>system\nYou help.</turn>\n' }}{% endif %}"
        "{{ '<turn>' + m['role'] + '\n' + m['content'] + '</turn>\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<turn>assistant\n' }}{% endif %}"
    ),
    "llama2": (
        "{% for m in messages %}{% if m['role'] == 'user' %}"
        "{{ bos_token + '[INST] ' + m['content'].strip() + ' [/INST]' }}"
        "{% else %}{{ ' ' + m['content'].strip() + ' ' + eos_token }}{% endif %}{% endfor %}"
    ),
    "gemma": (
        "{{ bos_token }}{% for m in messages %}{{ '<turn>' + m['role'] + '\n' + m['content'] | trim + '</turn>\n' }}"
        "{% endfor %}{% if add_generation_prompt %}{{ '<turn>assistant\n' }}{% endif %}"
    ),
}
ENDS = {"smollm": "</turn>", "llama2": "<eos>", "gemma": "</turn>"}
INSTRUCTION = "Which mood?\n{input}\nAnswer:"


def tokenizer_with(template: str | None):
    text = ["Which mood ? good bad Answer : user assistant system You help . [INST] [/INST]", "\n red sun blue ice"] * 3
    tokenizer = train_bpe_tokenizer(text, 330)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<turn>", "</turn>"]})
    tokenizer.chat_template = template
    return tokenizer


CHATS = {name: tokenizer_with(template) for name, template in TEMPLATES.items()}
for chat in CHATS.values():
    prepare_for("chat", chat, "here")
TEXTS = st.lists(
    st.sampled_from(["red", "sun", " ", "\n", "</turn>", "<turn>", "<eos>", "<bos>", "<pad>", "é", "[INST]", ":"]),
    min_size=1,
).map("".join)


def example(text: str = "red sun", target: str = "good") -> Example:
    return Example("1", INSTRUCTION, text, target)


def turns(prompt: str, *answer: str) -> list[dict[str, str]]:
    assistant = [{"role": "assistant", "content": text} for text in answer]
    return [{"role": "user", "content": prompt}, *assistant]


def whole(tokenizer, messages, **settings) -> tuple[int, ...]:
    return tuple(tokenizer.apply_chat_template(messages, return_dict=False, **settings))


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize(("text", "target"), [("red sun", "good"), (" blue\nice ", "bad : 🙂"), ("é", "a b c")])
def test_prompt_and_answer_are_the_two_turns_of_the_template(name, text, target):
    tokenizer, given_example = CHATS[name], example(text, target)
    (encoded,) = encode([given_example], tokenizer, 500)
    assert encoded.prompt == whole(tokenizer, turns(given_example.prompt), add_generation_prompt=True)
    both = whole(tokenizer, turns(given_example.prompt, target))
    assert (encoded.prompt + encoded.target) == both[: len(encoded.prompt + encoded.target)]
    assert tokenizer.decode(both[len(encoded.prompt + encoded.target) :]).strip() == ""
    assert tokenizer.convert_ids_to_tokens(encoded.target[-1]) == ENDS[name] == tokenizer.eos_token
    assert encode_options(["x", target], tokenizer)[1] == encoded.target


@pytest.mark.parametrize("name", TEMPLATES)
@given(text=TEXTS)
def test_no_text_of_the_user_becomes_a_control_token(name, text):
    tokenizer = CHATS[name]
    control = set(tokenizer.all_special_ids)

    def controls(one):
        (encoded,) = encode([one], tokenizer, 2000)
        return [token for token in (*encoded.prompt, *encoded.target) if token in control]

    assert controls(example(f"a{text}b", f"a{text}b")) == controls(example("ab", "ab"))


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_chat_is_shortened_by_the_end_of_the_input_alone(name):
    tokenizer, text = CHATS[name], "red sun blue ice 🙂 " * 6
    (full,) = encode([example(text)], tokenizer, 1000)
    size = len(full.prompt) + len(full.target)
    begins = [text[:end].rstrip() for end in range(len(text) + 1)]
    allowed = {whole(tokenizer, turns(example(begin).prompt), add_generation_prompt=True) for begin in begins}
    for cut in (1, 2, 7, 20):
        (short,) = encode([example(text)], tokenizer, size - cut)
        assert short.prompt in allowed and short.target == full.target
        assert len(short.prompt) + len(short.target) <= size - cut
        assert short.truncated == len(full.prompt) - len(short.prompt) >= cut
    with pytest.raises(
        InputError, match=r"example 1: the instruction and the answer alone need \d+ tokens, the model's"
    ):
        encode([example(text)], tokenizer, 12)


def test_the_form_of_prompts_is_kept_with_the_tokenizer(tmp_path):
    for prompts in ("chat", "plain"):
        tokenizer = tokenizer_with(TEMPLATES["gemma"])
        remarks = prepare_for(prompts, tokenizer, "here")
        save_tokenizer(tmp_path / prompts, tokenizer)
        again = load_tokenizer(tmp_path / prompts)
        assert encode([example()], again, 500) == encode([example()], tokenizer, 500)
        assert again.eos_token == ("</turn>" if prompts == "chat" else "<eos>")
        said = "The chat template ends an answer with </turn>, which is the eos token here."
        assert remarks == ((said,) if prompts == "chat" else ())
    assert encode([example()], again, 500) == encode([example()], tokenizer_with(None), 500)


def test_a_template_that_asks_for_the_day_is_told_the_same_one_every_day():
    template = "{{ strftime_now('%d %b %Y') + '<turn>' }}" + TEMPLATES["gemma"]
    tokenizer = tokenizer_with(template)
    assert "which is always 2024-07-26 here" in prepare_for("chat", tokenizer, "here")[0]
    (encoded,) = encode([example()], tokenizer, 500)
    assert tokenizer.decode(encoded.prompt).startswith("26 Jul 2024<turn>")


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (None, "here: the tokenizer has no chat template. Write `prompts: plain`, or take a model that was made for"),
        ("{{ raise_exception('no turns today') }}", "here: the chat template cannot be used (no turns today). Write"),
        ("{% for m in messages %}", "here: the chat template cannot be used (Unexpected end of template. "),
        ("{% for m in messages %}{{ m['content'] }} .{% endfor %}", "here: the chat template ends an answer with no"),
    ],
)
def test_a_tokenizer_that_is_not_made_for_chats_is_refused_in_one_sentence(template, message):
    with pytest.raises(InputError) as caught:
        prepare_for("chat", tokenizer_with(template), "here")
    assert str(caught.value).startswith(message)


def test_a_template_that_does_not_put_the_answer_after_its_prompt_is_refused():
    template = "{% for m in messages | reverse %}{{ '<turn>' + m['content'] + '</turn>' }}{% endfor %}"
    tokenizer = tokenizer_with(template)
    prepare_for("chat", tokenizer, "here")
    with pytest.raises(InputError, match="does not put the answer after its own prompt"):
        encode([example()], tokenizer, 500)


@pytest.mark.parametrize("kind", ["added", "defined", "none"])
def test_a_prompt_begins_as_the_tokenizer_itself_begins_a_text(kind):
    """Llama and Gemma add bos; GPT-2, Pythia, Phi and Bloom only define it."""
    tokenizer = tokenizer_with(None)
    if kind != "added":
        tokenizer._tokenizer.post_processor = processors.ByteLevel(trim_offsets=True)
    if kind == "none":
        tokenizer.bos_token = None
    # An instruction may spell what the tokenizer adds itself.
    for instruction in ("Say {input} :", "<bos>Say {input} :"):
        (encoded,) = encode([Example("1", instruction, "red", "sun")], tokenizer, 90)
        assert encoded.prompt.count(1) == (kind == "added")
        assert (encoded.prompt[0] == 1) == (kind == "added")
        assert tokenizer.decode([token for token in encoded.prompt if token != 1]) == instruction.replace(
            "{input}", "red"
        )
    assert encode([Example("1", "Say {input} :", "red", "sun")], tokenizer, 90)[0].prompt == tuple(
        tokenizer("Say red :")["input_ids"]
    )


def test_prompts_of_generated_tasks_are_bos_and_one_id_a_word():
    suite = list(synthetic_suite(4, 2, 3, 0, tasks=["sentiment_film", "question_person", "data_scene"]))
    examples = [one for _, splits, _ in suite for one in splits["train"]]
    words = train_word_tokenizer([f"{one.prompt} {one.target}" for one in examples])
    ids = words.get_vocab()
    for one, encoded in zip(examples, encode(examples, words, 128), strict=True):
        assert encoded.prompt == (1, *(ids[word] for word in one.prompt.split()))
        assert encoded.target == (*(ids[word] for word in one.target.split()), 2)
