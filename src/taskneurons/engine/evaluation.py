"""How well a model does a task: accuracy, ROUGE-L and loss, fast enough to be asked after hundreds of interventions.

A task is prepared once and evaluated many times. Examples are sorted by length, longest first, and results come back in
the given order; neither the batch size nor the order changes them beyond rounding.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from taskneurons.engine.answers import NUMBERS_AT_ONCE, Forced, force, force_options
from taskneurons.engine.batching import in_batches
from taskneurons.engine.decoding import decode, decode_from
from taskneurons.engine.execution import Execution
from taskneurons.engine.task_by_task import naming, progress
from taskneurons.errors import InputError
from taskneurons.measures.metrics import Words, exact_match, rouge_l, token_f1
from taskneurons.models.answer_lengths import answer_lengths
from taskneurons.models.encoding import IGNORED, Batch, Encoded, collate, encode, encode_options
from taskneurons.models.kernels import fastest
from taskneurons.models.load import Checkpoint, load_checkpoint
from taskneurons.tasks.storage import read_split, read_task
from taskneurons.tasks.task import Task

log = logging.getLogger(__name__)

METRICS: dict[str, tuple[str, ...]] = {
    "classification": ("accuracy", "accuracy_restricted", "loss"),
    "generation": ("rougeL", "loss"),
}
"""The metrics of each kind of task.

- accuracy: percent of examples whose greedy output is, token for token, the answer and its end. No decoding is needed:
  that is so exactly where every token of the answer is the model's most probable next one.
- accuracy_restricted: percent of examples whose answer is the most probable option. An option counts whole: its score
  is the log-probability of its tokens and its end, summed and not divided by its length. (The end is part of the score,
  so that an option which begins another one is no longer ahead by being shorter.)
- rougeL: F1 of the longest common subsequence of words (the package rouge_score, no stemming), greedy output against
  reference, in percent. What a word is follows from the task's `words`; of several references the best one counts.
- loss: negative log-probability of the answer in nats per token, its end included, averaged over examples.
"""
BESIDE: dict[str, tuple[str, ...]] = {"classification": (), "generation": ("exact_match", "token_f1")}
"""Further metrics, which untouched models are asked about and interventions are not.

- exact_match: percent of greedy outputs that are a reference.
- token_f1: F1 of the words that greedy output and reference share, in any order, in percent.
"""
_OF_OUTPUTS = ("rougeL", "exact_match", "token_f1")
Wanted = tuple[str, ...]


@dataclass(frozen=True)
class Evaluation:
    """How answers are generated and scored.

    Attributes:
        batch_size: examples at once; halved where the device's memory does not suffice.
        max_new_tokens: of a generated output, eos included.
    """

    batch_size: int = field(repr=False)
    max_new_tokens: int


@dataclass(frozen=True)
class Score:
    """What a model scores on a task.

    Attributes:
        test_task: the task.
        metric: one of `METRICS` or `BESIDE`.
        value: its mean over the examples.
        n: their number.
        steps: optimizer steps until the model was read; None: it was not read on its way.
    """

    test_task: str
    metric: str
    value: float
    n: int
    steps: int | None = None


@dataclass(frozen=True, eq=False)
class PreparedTask:
    """The encoded examples of a task, collated once; made by `prepare`.

    Attributes:
        kind: classification or generation.
        prompts: without answers, left-padded, longest example first.
        answers: the same examples with their answers.
        order: place of each row among the given examples.
        lengths: prompt tokens of each row.
        answer_lengths: answer tokens of each row, eos included.
        options: of a classification, as token ids with eos padded at the end with -100; else None.
        gold: of a classification, each row's right option; else None.
        references: of a generation, each row's right answers as texts; else empty.
        words: the rule for words of a generation's scores.
        tokenizer: decodes outputs.
    """

    kind: Literal["classification", "generation"]
    prompts: Batch
    answers: Batch
    order: np.ndarray
    lengths: np.ndarray
    answer_lengths: np.ndarray
    options: torch.Tensor | None
    gold: torch.Tensor | None
    references: tuple[tuple[str, ...], ...]
    words: Words
    tokenizer: Any

    def __len__(self) -> int:
        return len(self.order)


def prepare(
    kind: Literal["classification", "generation"],
    encoded: Sequence[Encoded],
    tokenizer: Any,
    *,
    options: Sequence[tuple[int, ...]] = (),
    references: Sequence[tuple[str, ...]] = (),
    words: Words = "rouge_score",
) -> PreparedTask:
    """Collate a task for any number of evaluations.

    Args:
        kind: of the task.
        encoded: its examples.
        tokenizer: the model's.
        options: of a classification, as `encode_options` gives them.
        references: of a generation, the right answers of each example as texts.
        words: the rule for words of a generation's scores.

    Raises:
        InputError: there are no examples, an answer is none of the options, or references are missing.
    """
    if not encoded:
        raise InputError("there are no examples to evaluate", where="evaluation")
    if (kind == "classification") != bool(options):
        raise InputError("a classification needs options and a generation has none", where="evaluation")
    if kind == "generation" and len(references) != len(encoded):
        raise InputError(f"{len(references)} references for {len(encoded)} examples", where="evaluation")
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    sizes = np.array([[len(example.prompt), len(example.target)] for example in encoded])
    order = np.argsort(-sizes.sum(1), kind="stable")
    rows = [encoded[index] for index in order]
    choices = gold = None
    if kind == "classification":
        place = {option: index for index, option in enumerate(options)}
        for index, example in enumerate(encoded):
            if example.target not in place:
                raise InputError(f"the answer of example {index} is none of the {len(options)} options")
        gold = torch.tensor([place[example.target] for example in rows])
        width = max(map(len, options))
        choices = torch.tensor([[*option, *[IGNORED] * (width - len(option))] for option in options])
    return PreparedTask(
        kind,
        collate([Encoded(example.prompt, example.target[:1]) for example in rows], pad),
        collate(rows, pad),
        order,
        sizes[order, 0],
        sizes[order, 1],
        choices,
        gold,
        tuple(references[index] for index in order) if references else (),
        words,
        tokenizer,
    )


def evaluate(
    model: nn.Module,
    task: PreparedTask,
    *,
    batch_size: int,
    max_new_tokens: int = 24,
    metrics: Sequence[str] | None = None,
) -> dict[str, tuple[float, int]]:
    """Each metric's mean over the examples, and their number. See `evaluate_examples`.

    Losses have five significant digits. Float32 products differ from one batch size to another by some 1e-7 of an
    example's loss and 1e-8 of the mean, so that the batch size changes no digit that is written.
    """
    values = evaluate_examples(model, task, batch_size=batch_size, max_new_tokens=max_new_tokens, metrics=metrics)
    means = {name: float(of_examples.mean()) for name, of_examples in values.items()}
    if "loss" in means:
        means["loss"] = float(f"{means['loss']:.5g}")
    return {name: (mean, len(values[name])) for name, mean in means.items()}


def score_task(
    model: nn.Module,
    test_task: str,
    task: PreparedTask,
    evaluation: Evaluation,
    *,
    metrics: Sequence[str] | None = None,
) -> list[Score]:
    """The scores of a model on a task of this name. See `evaluate_examples`."""
    batch_size, max_new_tokens = evaluation.batch_size, evaluation.max_new_tokens
    found = evaluate(model, task, batch_size=batch_size, max_new_tokens=max_new_tokens, metrics=metrics)
    return [Score(test_task, metric, value, n) for metric, (value, n) in found.items()]


def evaluate_examples(
    model: nn.Module,
    task: PreparedTask,
    *,
    batch_size: int,
    max_new_tokens: int = 24,
    metrics: Sequence[str] | None = None,
) -> dict[str, Float[np.ndarray, " example"]]:
    """Each metric's value for each example, in the order in which they were prepared.

    Args:
        model: a causal language model in evaluation mode, perhaps inside `deactivated`.
        task: what to evaluate.
        batch_size: examples at once, at most; fewer where their logits would have more than `NUMBERS_AT_ONCE`, halved
            where the memory does not suffice.
        max_new_tokens: of a generated output, eos included; fewer where the model's positions end.
        metrics: some of `METRICS` and `BESIDE` of the task's kind, by default the former. With loss alone nothing
            is decoded, without accuracy_restricted the options are not scored.

    Raises:
        InputError: a metric is not one of the task's kind, or a loss is NaN or infinite.
    """
    known = METRICS[task.kind] + BESIDE[task.kind]
    wanted = METRICS[task.kind] if metrics is None else tuple(metrics)
    if not wanted or not set(wanted) <= set(known):
        raise InputError(f"the metrics of a {task.kind} are {', '.join(known)}, not {wanted}", where="evaluation")
    run = {"accuracy_restricted": _with_options} | dict.fromkeys(_OF_OUTPUTS, _with_outputs)
    evaluator = next((run[name] for name in run if name in wanted), _with_answers)

    def one(begin: int, end: int) -> dict[str, np.ndarray]:
        part = _part(task, begin, end, next(model.parameters()).device)
        return evaluator(model, part, max_new_tokens, wanted)

    with torch.inference_mode():
        parts = in_batches(len(task), _at_once(model, task, batch_size), one)
    values = {}
    for name in wanted:
        values[name] = np.empty(len(task))
        values[name][task.order] = np.concatenate([part[name] for part in parts])
    if "loss" in values and not np.isfinite(values["loss"]).all():
        bad = np.flatnonzero(~np.isfinite(values["loss"]))
        raise InputError(
            f"the loss of {len(bad)} of {len(task)} examples is not a finite number, the first is example {bad[0]}",
            where="evaluation",
            remedy="Check the model's weights and its dtype",
        )
    return values


def _at_once(model: Any, task: PreparedTask, batch_size: int) -> int:
    """The batch size, or fewer examples where the logits of their answers would take too much memory."""
    of_example = task.answers.answer_width * int(model.config.get_text_config().vocab_size)
    return min(batch_size, max(1, NUMBERS_AT_ONCE // of_example)) if batch_size > 0 else batch_size


def evaluate_tasks(
    checkpoint: str | Path,
    tasks: Sequence[str | Path],
    evaluation: Evaluation,
    execution: Execution,
    metrics: Mapping[str, Sequence[str]] = METRICS,
) -> Iterator[tuple[str, list[Score]]]:
    """Evaluate a model on the test split of each task; yield the task's name and its scores.

    Args:
        checkpoint: folder of the model.
        tasks: folders of the tasks.
        evaluation: how answers are generated and scored.
        execution: where the model runs, and with which precision.
        metrics: those of each kind of task.
    """
    loaded = load_checkpoint(checkpoint, device=execution.device, dtype=execution.dtype)
    with fastest(loaded.model):
        for folder in progress(tasks, "evaluation"):
            task, prepared = prepare_task(loaded, folder, evaluation.max_new_tokens)
            yield task.name, score_task(loaded.model, task.name, prepared, evaluation, metrics=metrics[task.kind])


def prepare_task(
    loaded: Checkpoint, folder: str | Path, max_new_tokens: int, *, split: str = "test", limit: int | None = None
) -> tuple[Task, PreparedTask]:
    """A split of a task, or its first examples, encoded once for many evaluations."""
    task = read_task(folder)
    examples = read_split(folder, split, limit=limit)
    with naming(folder):
        options = encode_options(task.options, loaded.tokenizer)
        # Room for what may be written after the prompt: the longest option, or a whole generated answer.
        reserve = max(map(len, options)) if options else max_new_tokens
        encoded = encode(examples, loaded.tokenizer, loaded.context, reserve=reserve)
        if task.kind == "generation":
            _warn_of_long_answers(answer_lengths(examples, encoded, loaded.tokenizer), max_new_tokens, task.name)
        return task, prepare(
            task.kind,
            encoded,
            loaded.tokenizer,
            options=options,
            references=[example.references for example in examples] if task.kind == "generation" else (),
            words=task.words,
        )


def _warn_of_long_answers(lengths: Sequence[int], limit: int, task: str) -> None:
    longer = sum(length > limit for length in lengths)
    if longer:
        log.warning(
            "task %s: %d of %d references are longer than the %d tokens that may be written, the longest has %d: not "
            "even right outputs can score 100. Raise evaluation.max_new_tokens",
            task, longer, len(lengths), limit, max(lengths),
        )  # fmt: skip


def _with_answers(model: nn.Module, part: PreparedTask, max_new_tokens: int, wanted: Wanted) -> dict[str, np.ndarray]:
    return _of_answers(part, force(model, part.answers))


def _with_options(model: nn.Module, part: PreparedTask, max_new_tokens: int, wanted: Wanted) -> dict[str, np.ndarray]:
    assert part.options is not None and part.gold is not None
    scores, answers = force_options(model, part.prompts, part.options, part.gold)
    right = scores.argmax(-1) == part.gold
    return {**_of_answers(part, answers), "accuracy_restricted": 100.0 * right.cpu().numpy()}


def _with_outputs(model: Any, part: PreparedTask, max_new_tokens: int, wanted: Wanted) -> dict[str, np.ndarray]:
    positions = getattr(model.config, "max_position_embeddings", None) or np.inf
    limits = [int(limit) for limit in np.clip(positions - part.lengths, 1, max_new_tokens)]
    eos = part.tokenizer.eos_token_id
    window = getattr(model.config, "sliding_window", None) or np.inf
    slides = part.answers.input_ids.shape[1] + max_new_tokens > window
    answers = force(model, part.answers, remember=not slides)
    if slides:
        outputs = decode(model, part.prompts, eos_id=eos, pad_id=part.tokenizer.pad_token_id or eos, limits=limits)
    else:
        outputs = decode_from(model, part.answers, answers, eos_id=eos, limits=limits)
    texts = part.tokenizer.batch_decode(outputs, skip_special_tokens=True)
    pairs = list(zip(texts, part.references, strict=True))
    scores = {
        name: np.array([_text_score(name, text, right, part.words) for text, right in pairs])
        for name in _OF_OUTPUTS
        if name in wanted
    }
    return {**_of_answers(part, answers), **scores}


def _of_answers(part: PreparedTask, answers: Forced) -> dict[str, np.ndarray]:
    loss = -answers.log_probability.double().sum(-1).cpu().numpy() / part.answer_lengths
    return {"loss": loss, "accuracy": 100.0 * answers.agrees.all(-1).cpu().numpy()}


def _part(task: PreparedTask, begin: int, end: int, device: torch.device) -> PreparedTask:
    """The rows from `begin` to `end`, without the columns in which all of them are padded."""
    rows = slice(begin, end)
    lengths, answer_lengths = task.lengths[rows], task.answer_lengths[rows]

    def trim(batch: Batch, width: int, answer_width: int) -> Batch:
        input_ids, attention_mask, position_ids, labels = (
            tensor[rows, -width:]
            for tensor in (batch.input_ids, batch.attention_mask, batch.position_ids, batch.labels)
        )
        return Batch(input_ids, attention_mask, position_ids, labels, answer_width).to(device)

    return PreparedTask(
        task.kind,
        trim(task.prompts, int(lengths.max()), 1),
        trim(task.answers, int((lengths + answer_lengths).max()) - 1, int(answer_lengths.max())),
        task.order[rows],
        lengths,
        answer_lengths,
        None if task.options is None else task.options.to(device),
        None if task.gold is None else task.gold[rows].to(device),
        task.references[rows],
        task.words,
        task.tokenizer,
    )


@lru_cache(maxsize=100_000)
def _text_score(name: str, output: str, references: tuple[str, ...], words: Words) -> float:
    """One of `_OF_OUTPUTS`. Cached, because most interventions leave most outputs as they were."""
    if name == "exact_match":
        return exact_match([output], [references])
    return (rouge_l if name == "rougeL" else token_f1)([output], [references], words)
