import numpy as np
import pytest
import torch
from architectures import ARCHITECTURES, BOS, CONTEXT, EOS, PAD, VOCABULARY, tiny_model
from small_checkpoint import CONTEXT as CONTEXT_OF_SMALL
from small_checkpoint import ECHO, TOKENIZER, lay_checkpoint, lay_task
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from torch.nn.functional import cross_entropy
from transformers import PreTrainedTokenizerFast

from taskneurons.engine import answers, evaluation
from taskneurons.engine.batching import in_batches
from taskneurons.engine.evaluation import (
    BESIDE,
    METRICS,
    Evaluation,
    evaluate,
    evaluate_examples,
    prepare,
    prepare_task,
    score_task,
)
from taskneurons.errors import InputError
from taskneurons.measures.metrics import exact_match, rouge_l, token_f1
from taskneurons.models.answer_lengths import answer_lengths
from taskneurons.models.encoding import Encoded, encode
from taskneurons.models.load import load_checkpoint
from taskneurons.tasks.prompts import make_example

# Options that share a first token, and one that begins another.
OPTIONS = ((5, EOS), (5, 6, EOS), (7, 8, 9, EOS), (10, EOS))


@pytest.fixture(scope="module")
def tokenizer():
    words = {"<pad>": PAD, "<bos>": BOS, "<eos>": EOS} | {f"w{i}": i for i in range(3, VOCABULARY)}
    return PreTrainedTokenizerFast(
        tokenizer_object=words_tokenizer(words), pad_token="<pad>", bos_token="<bos>", eos_token="<eos>"
    )


def words_tokenizer(words):
    tokenizer = Tokenizer(WordLevel(words, unk_token="<pad>"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    return tokenizer


def prompts(count, seed=0):
    random = np.random.default_rng(seed)
    return [(BOS, *random.integers(3, VOCABULARY, random.integers(3, 14)).tolist()) for _ in range(count)]


def greedy(model, prompt, limit):
    """transformers' own greedy output to one unpadded prompt, with its end."""
    ids = torch.tensor([prompt])
    output = model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        do_sample=False,
        max_new_tokens=limit,
        eos_token_id=EOS,
        pad_token_id=PAD,
    )
    return tuple(output[0, len(prompt) :].tolist())


def log_probabilities(model, prompt, answer):
    """Of each answer token, without padding or cache."""
    with torch.no_grad():
        logits = model(torch.tensor([prompt + answer])).logits[0, len(prompt) - 1 : -1]
    return -cross_entropy(logits, torch.tensor(answer), reduction="none")


def favouring_eos(model, bias):
    """Make outputs of several lengths: a random model hardly ever ends one."""
    weight = model.get_output_embeddings().weight
    if model.get_output_embeddings().bias is None:
        model.get_output_embeddings().bias = torch.nn.Parameter(torch.zeros(len(weight)), requires_grad=False)
    model.get_output_embeddings().bias[EOS] += bias
    return model


def with_varied_outputs(architecture, given, limit, **settings):
    """A model whose greedy outputs to the prompts have at least three lengths, and these outputs with their ends."""
    for bias in (6.0, 4.0, 2.0, 1.0):
        model = favouring_eos(tiny_model(architecture, **settings), bias)
        outputs = [greedy(model, prompt, limit) for prompt in given]
        if len({len(output) for output in outputs}) > 2:
            return model, outputs
    raise AssertionError(f"all outputs of {architecture} are alike")


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_classification_equals_each_option_scored_alone(architecture, tokenizer):
    model = favouring_eos(tiny_model(architecture), 3.0)
    encoded = [Encoded(prompt, OPTIONS[i % 4]) for i, prompt in enumerate(prompts(11))]
    found = evaluate_examples(model, prepare("classification", encoded, tokenizer, options=OPTIONS), batch_size=4)
    for i, example in enumerate(encoded):
        scores = [float(log_probabilities(model, example.prompt, option).sum()) for option in OPTIONS]
        alone = log_probabilities(model, example.prompt, example.target)
        assert found["loss"][i] == pytest.approx(-float(alone.mean()), rel=1e-4)
        assert found["accuracy_restricted"][i] == 100.0 * (int(np.argmax(scores)) == i % 4)
    assert 0 < found["accuracy_restricted"].mean() < 100


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_free_accuracy_is_that_of_greedy_decoding(architecture, tokenizer):
    """Half of the answers are what transformers generates, half differ from it in one token: first, last or end."""
    model = favouring_eos(tiny_model(architecture), 6.0)
    encoded, expected = [], []
    for i, prompt in enumerate(prompts(12)):
        output = list(greedy(model, prompt, 6))
        if output[-1] != EOS:
            continue
        right = i % 2 == 0
        if not right:
            output = [*output[:-1], 3 + (output[0] == 3), EOS] if i % 4 == 1 else [3 + (output[0] == 3), *output[1:]]
        encoded.append(Encoded(prompt, tuple(output)))
        expected.append(100.0 * (greedy(model, prompt, len(output)) == tuple(output)))
    assert len(encoded) >= 4
    assert len(set(expected)) == 2
    options = tuple(dict.fromkeys(example.target for example in encoded))
    task = prepare("classification", encoded, tokenizer, options=options)
    for metrics in (None, ["accuracy"]):
        found = evaluate_examples(model, task, batch_size=5, metrics=metrics)
        np.testing.assert_array_equal(found["accuracy"], expected)


@pytest.mark.parametrize(
    ("architecture", "settings"),
    [(name, {}) for name in ARCHITECTURES]
    + [(name, {"sliding_window": 12}) for name in ("mistral", "gemma2", "gemma3_text", "phi3")],
)
def test_outputs_equal_transformers_greedy_decoding(architecture, settings, tokenizer, monkeypatch):
    limit, given = 8, prompts(10)
    model, outputs = with_varied_outputs(architecture, given, limit, **settings)
    bodies = [tuple(token for token in output if token != EOS) for output in outputs]
    # Answers that the output follows for nothing, one, two, three tokens, or wholly.
    targets = [(*body[: i % 4], 3, 4, EOS) if i % 5 else (*body, EOS) for i, body in enumerate(bodies)]
    encoded = [Encoded(prompt, target) for prompt, target in zip(given, targets, strict=True)]
    seen = {}
    monkeypatch.setattr(evaluation, "_text_score", lambda _, text, right, __: seen.update({right[0]: text}) or 0.0)
    task = prepare("generation", encoded, tokenizer, references=[(str(i),) for i in range(len(encoded))])
    found = evaluate_examples(model, task, batch_size=4, max_new_tokens=limit)
    assert [seen[str(i)] for i in range(len(encoded))] == [
        " ".join(f"w{token}" for token in body if token > EOS) for body in bodies
    ]
    for i, example in enumerate(encoded):
        alone = log_probabilities(model, example.prompt, example.target)
        assert found["loss"][i] == pytest.approx(-float(alone.mean()), rel=1e-4)


def generation(tokenizer, count=12):
    """A model, prompts with answers, and references of which half resemble the model's outputs."""
    given = prompts(count)
    model, outputs = with_varied_outputs("bloom", given, 6)
    texts = tokenizer.batch_decode(outputs, skip_special_tokens=True)
    references = [f"{text} w5" if i % 2 else "w3 w9 w4" for i, text in enumerate(texts)]
    encoded = [
        Encoded(prompt, (*tokenizer(reference)["input_ids"], EOS))
        for prompt, reference in zip(given, references, strict=True)
    ]
    return model, encoded, [(reference,) for reference in references], texts


@pytest.mark.parametrize("kind", ["classification", "generation"])
def test_batch_size_and_order_do_not_change_the_results(kind, tokenizer):
    if kind == "classification":
        given = prompts(12)
        model, outputs = with_varied_outputs("bloom", given, 3)
        options = tuple(dict.fromkeys((*(output for output in outputs if output[-1] == EOS), *OPTIONS)))
        encoded = [Encoded(prompt, options[i % len(options)]) for i, prompt in enumerate(given)]
        extra = [{"options": options}] * 2
    else:
        model, encoded, references, _ = generation(tokenizer)
        extra = [{"references": references}, {"references": references[::-1]}]
    alone = evaluate_examples(model, prepare(kind, encoded, tokenizer, **extra[0]), batch_size=1)
    for batch_size in (5, 100):
        together = evaluate_examples(model, prepare(kind, encoded, tokenizer, **extra[0]), batch_size=batch_size)
        turned = evaluate_examples(model, prepare(kind, encoded[::-1], tokenizer, **extra[1]), batch_size=batch_size)
        for name, values in alone.items():
            assert len(set(values)) > 1
            np.testing.assert_allclose(together[name], values, rtol=1e-5)
            np.testing.assert_allclose(turned[name][::-1], values, rtol=1e-5)


@pytest.mark.parametrize("kind", ["classification", "generation"])
def test_rows_are_equal_to_the_last_byte_whatever_the_batch_size(kind, tokenizer):
    given = prompts(100)
    if kind == "classification":
        model, extra = tiny_model("llama"), {"options": OPTIONS}
        encoded = [Encoded(prompt, OPTIONS[i % len(OPTIONS)]) for i, prompt in enumerate(given)]
    else:
        model, encoded, references, _ = generation(tokenizer)
        extra = {"references": references}
    task = prepare(kind, encoded, tokenizer, **extra)
    rows, plain = set(), set()
    for batch_size in (1, 7, 100):
        rows.add(repr(score_task(model, "task", task, Evaluation(batch_size, max_new_tokens=6))))
        plain.add(float(evaluate_examples(model, task, batch_size=batch_size, metrics=["loss"])["loss"].mean()))
    assert len(rows) == 1
    assert kind == "generation" or len(plain) > 1, "the losses that are rounded do depend on the batch size"


def test_scores_of_texts_are_those_of_the_outputs(tokenizer):
    model, encoded, references, texts = generation(tokenizer)
    references[0] = ("w3 w9 w4", texts[0])
    task = prepare("generation", encoded, tokenizer, references=references)
    found = evaluate(model, task, batch_size=5, max_new_tokens=6, metrics=METRICS["generation"] + BESIDE["generation"])
    expected = {
        "rougeL": rouge_l(texts, references, "rouge_score"),
        "exact_match": exact_match(texts, references),
        "token_f1": token_f1(texts, references, "rouge_score"),
    }
    assert {name: found[name] for name in expected} == {
        name: (pytest.approx(value), len(encoded)) for name, value in expected.items()
    }
    assert 0 < expected["exact_match"] < 30 < expected["rougeL"]


def test_skipped_metrics_do_no_work(tokenizer):
    """Counting the model's calls: with restricted accuracy two a batch, without it one; loss alone decodes nothing."""
    model = tiny_model("llama")
    calls = []
    model.register_forward_pre_hook(lambda *_: calls.append(1))
    encoded = [Encoded(prompt, OPTIONS[i % 4]) for i, prompt in enumerate(prompts(6))]
    task = prepare("classification", encoded, tokenizer, options=OPTIONS)
    full = evaluate(model, task, batch_size=3)
    assert len(calls) == 4
    fast = evaluate(model, task, batch_size=3, metrics=["loss", "accuracy"])
    assert len(calls) == 6
    assert fast == {name: (pytest.approx(full[name][0]), 6) for name in ("loss", "accuracy")}
    _, encoded, references, _ = generation(tokenizer, 6)
    task = prepare("generation", encoded, tokenizer, references=references)
    assert list(evaluate(model, task, batch_size=3, metrics=["loss"])) == ["loss"]
    assert len(calls) == 8


@pytest.mark.parametrize("architecture", ["gpt2", "opt", "llama"])
def test_outputs_end_where_the_positions_end(architecture, tokenizer):
    model = favouring_eos(tiny_model(architecture), -100.0)
    prompt = (BOS, *range(3, 3 + CONTEXT - 20), *range(3, 3 + 13))
    task = prepare("generation", [Encoded(prompt, (5, EOS))], tokenizer, references=[("w5",)])
    steps = []
    model.register_forward_pre_hook(lambda *_: steps.append(1))
    evaluate(model, task, batch_size=1, max_new_tokens=24)
    assert len(steps) == CONTEXT - len(prompt)


def test_running_out_of_memory_halves_the_batch_and_not_the_results(tokenizer, monkeypatch, caplog):
    model = tiny_model("llama")
    encoded = [Encoded(prompt, OPTIONS[i % 4]) for i, prompt in enumerate(prompts(9))]
    task = prepare("classification", encoded, tokenizer, options=OPTIONS)
    expected = evaluate(model, task, batch_size=9)
    real = evaluation.force_options

    def force_options(model, prompts, options, gold):
        if len(prompts) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(model, prompts, options, gold)

    monkeypatch.setattr(evaluation, "force_options", force_options)
    found = evaluate(model, task, batch_size=9)
    assert "going on with 2" in caplog.text
    assert found == {name: (pytest.approx(value), n) for name, (value, n) in expected.items()}


def test_many_options_are_scored_in_parts_that_change_nothing(tokenizer, monkeypatch):
    model = favouring_eos(tiny_model("llama"), 3.0)
    encoded = [Encoded(prompt, OPTIONS[i % 4]) for i, prompt in enumerate(prompts(9))]
    task = prepare("classification", encoded, tokenizer, options=OPTIONS)
    expected = evaluate_examples(model, task, batch_size=9)
    rows = []
    real = answers.forward

    def forward(model, input_ids, *others, **settings):
        rows.append(len(input_ids) if settings.get("cache") is not None else 0)
        return real(model, input_ids, *others, **settings)

    monkeypatch.setattr(answers, "forward", forward)
    monkeypatch.setattr(answers, "_numbers_of_row", lambda *_: 1)
    # Room for all pairs of example and option, for six of them, for two and for none.
    for room, largest in ((36, 36), (6, 4), (2, 2), (0, 1)):
        monkeypatch.setattr(answers, "NUMBERS_AT_ONCE", room)
        rows.clear()
        found = evaluate_examples(model, task, batch_size=9)
        assert max(rows) == largest and sum(rows) == 36
        for name, values in expected.items():
            np.testing.assert_allclose(found[name], values, rtol=1e-5)


def test_logits_of_a_large_vocabulary_make_the_batch_smaller(tokenizer, monkeypatch):
    model, encoded, references, _ = generation(tokenizer)
    task = prepare("generation", encoded, tokenizer, references=references)
    expected = evaluate_examples(model, task, batch_size=100, max_new_tokens=6)
    monkeypatch.setattr(evaluation, "NUMBERS_AT_ONCE", 5 * task.answers.answer_width * VOCABULARY)
    sizes = []
    real = evaluation.force
    monkeypatch.setattr(
        evaluation, "force", lambda model, batch, **how: sizes.append(len(batch)) or real(model, batch, **how)
    )
    found = evaluate_examples(model, task, batch_size=100, max_new_tokens=6)
    assert sizes == [5, 5, 2]
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-5)


def test_running_out_of_the_memory_of_the_cpu_halves_the_batch():
    """torch itself is asked for more memory than there is."""

    def run(begin: int, end: int) -> tuple[int, int]:
        if end - begin > 2:
            torch.empty(1 << 58, dtype=torch.uint8)
        return begin, end

    assert in_batches(5, 5, run) == [(0, 2), (2, 4), (4, 5)]
    with pytest.raises(InputError, match="memory does not hold this model with one example"):
        in_batches(1, 1, lambda *_: torch.empty(1 << 58, dtype=torch.uint8))
    with pytest.raises(RuntimeError, match="shapes"):
        in_batches(4, 4, lambda *_: torch.ones(2, 3) @ torch.ones(2, 3))


def test_references_longer_than_outputs_may_be_are_counted_and_warned_of(tmp_path, caplog):
    """Of ten words, two and their end fit three tokens: a perfect model could not score 100."""
    checkpoint = load_checkpoint(lay_checkpoint(tmp_path / "small"))
    folder = lay_task(tmp_path / "echo", ECHO, test=4, targets=("red sun", "red sun ice", "one"))
    prepare_task(checkpoint, folder, 3)
    assert "task echo: 1 of 4 references are longer than the 3 tokens" in caplog.text
    assert "the longest has 4" in caplog.text and "evaluation.max_new_tokens" in caplog.text
    caplog.clear()
    prepare_task(checkpoint, folder, 4)
    assert not caplog.text


def test_the_shortest_right_answer_decides_whether_one_may_be_written():
    example = make_example(ECHO, "red", "red sun ice", others=("one two", "four"))
    examples = [example, make_example(ECHO, "red", "red")]
    assert answer_lengths(examples, encode(examples, TOKENIZER, CONTEXT_OF_SMALL), TOKENIZER) == [2, 2]


def test_bad_requests_are_refused(tokenizer):
    encoded = [Encoded((BOS, 3), (5, EOS))]
    for kind, examples, extra, message in (
        ("classification", [], {"options": OPTIONS}, "no examples"),
        ("classification", encoded, {}, "needs options"),
        ("generation", encoded, {"options": OPTIONS, "references": [("w5",)]}, "has none"),
        ("generation", encoded, {}, "0 references for 1 examples"),
        ("classification", [*encoded, Encoded((BOS,), (9, EOS))], {"options": OPTIONS}, "example 1 is none of the 4"),
    ):
        with pytest.raises(InputError, match=message):
            prepare(kind, examples, tokenizer, **extra)
    task = prepare("classification", encoded, tokenizer, options=OPTIONS)
    for metrics in (["rougeL"], []):
        with pytest.raises(InputError, match="the metrics of a classification are accuracy, accuracy_restricted, loss"):
            evaluate(tiny_model("llama"), task, batch_size=1, metrics=metrics)


def test_a_loss_that_is_not_a_number_is_refused(tokenizer):
    model = tiny_model("llama")
    model.lm_head.weight[5] = float("nan")
    task = prepare("classification", [Encoded((BOS, 3), (5, EOS))], tokenizer, options=OPTIONS)
    with pytest.raises(InputError, match="loss of 1 of 1 examples is not a finite number, the first is example 0"):
        evaluate(model, task, batch_size=1)
