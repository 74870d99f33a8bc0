"""What the rules ask of a model: trainings, and task by task evaluations, attribution scores, deactivations.

The functions on tasks load the model once, prepare each task once, and yield its result as soon as it is there.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from tqdm import tqdm

from taskneurons.engine.attribution import attribute
from taskneurons.engine.deactivation import deactivated
from taskneurons.engine.evaluation import PreparedTask, evaluate, prepare
from taskneurons.engine.training import MixedPrecision, pretrain, tune_multitask
from taskneurons.errors import InputError
from taskneurons.files import read_jsonl
from taskneurons.models.encoding import encode, encode_options
from taskneurons.models.kernels import fastest_on_cpu
from taskneurons.models.load import Checkpoint, DType, load_checkpoint, save_checkpoint
from taskneurons.models.scratch import new_model
from taskneurons.models.tokenizers import load_tokenizer
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.sets import NeuronSet, load_sets
from taskneurons.tasks.storage import read_split, read_task
from taskneurons.tasks.task import Task

Row = dict[str, Any]
MIXED_PRECISION: dict[DType, MixedPrecision] = {"float32": "no", "bfloat16": "bf16", "float16": "fp16"}


def pretrain_from_scratch(
    corpus: str | Path,
    tokenizer: str | Path,
    out: str | Path,
    *,
    name: str,
    model: Mapping[str, Any],
    seed: int,
    device: str | torch.device,
    resume: str | Path,
    checkpoint_minutes: float,
) -> None:
    """Train a model from random weights on a suite's text and write its checkpoint and its training.csv.

    Args:
        corpus: JSONL of documents, see `pretrain`.
        tokenizer: folder of the tokenizer.
        out: checkpoint folder to write.
        name: of the model.
        model: its parameters (`source: scratch`): shape and `pretraining`.
        seed: of the weights and the order of the data.
        device: where it trains.
        resume, checkpoint_minutes: see `train`.
    """
    words = load_tokenizer(tokenizer)
    fresh = new_model(
        model["architecture"],
        **{key: model[key] for key in ("hidden_size", "layers", "heads", "ffn_size", "context")},
        vocabulary_size=len(words),
        seed=seed,
        pad_id=words.pad_token_id,
        bos_id=words.bos_token_id,
        eos_id=words.eos_token_id,
    )
    log = pretrain(
        fresh,
        words,
        read_jsonl(corpus),
        **model["pretraining"],
        seed=seed,
        context=model["context"],
        device=device,
        resume=resume,
        checkpoint_minutes=checkpoint_minutes,
    )
    log.write(Path(out) / "training.csv")
    save_checkpoint(out, fresh, words, name=name, context=model["context"], parent=None)


def tune_on_tasks(
    base: str | Path,
    tasks: Sequence[str | Path],
    out: str | Path,
    *,
    name: str,
    multitask: Mapping[str, Any],
    seed: int,
    device: str | torch.device,
    dtype: DType,
    resume: str | Path,
    checkpoint_minutes: float,
) -> None:
    """Tune a model on the training splits of all tasks together and write its checkpoint and its training.csv.

    Args:
        base: checkpoint folder of the model to tune.
        tasks: folders of the tasks.
        out: checkpoint folder to write.
        name: of the tuned model.
        multitask: steps, batch_size, learning_rate and warmup of `tune_multitask`.
        seed: of the order of the data.
        device, dtype: where it trains, and with which precision products are computed; the weights are float32.
        resume, checkpoint_minutes: see `train`.
    """
    loaded = load_checkpoint(base, device=device)
    encoded = {}
    for folder in tasks:
        examples = read_split(folder, "train")
        with naming(folder):
            # Options that the tokenizer cannot tell apart would be refused after the training.
            encode_options(read_task(folder).options, loaded.tokenizer)
            encoded[Path(folder).name] = encode(examples, loaded.tokenizer, loaded.context)
    log = tune_multitask(
        loaded.model,
        encoded,
        pad_id=loaded.tokenizer.pad_token_id,
        **multitask,
        seed=seed,
        device=device,
        mixed_precision=MIXED_PRECISION[dtype],
        resume=resume,
        checkpoint_minutes=checkpoint_minutes,
    )
    log.write(Path(out) / "training.csv")
    save_checkpoint(out, loaded.model, loaded.tokenizer, name=name, context=loaded.context, parent=loaded.digest)


def evaluate_tasks(
    checkpoint: str | Path,
    tasks: Sequence[str | Path],
    *,
    batch_size: int,
    max_new_tokens: int,
    device: str | torch.device,
    dtype: DType = "float32",
) -> Iterator[tuple[str, list[Row]]]:
    """Evaluate a model on the test split of each task; tidy rows of the condition `original`.

    Args:
        checkpoint: folder of the model.
        tasks: folders of the tasks.
        batch_size, max_new_tokens: see `evaluate`.
        device, dtype: where the model runs, and with which precision.
    """
    loaded = load_checkpoint(checkpoint, device=device, dtype=dtype)
    with fastest_on_cpu(loaded.model):
        for folder in progress(tasks, "evaluation"):
            task, prepared = prepare_test(loaded, folder, max_new_tokens)
            values = evaluate(loaded.model, prepared, batch_size=batch_size, max_new_tokens=max_new_tokens)
            yield task.name, _rows(values, condition="original", test_task=task.name)


def attribute_tasks(
    checkpoint: str | Path,
    tasks: Sequence[str | Path],
    *,
    estimators: Sequence[str],
    examples: int,
    batch_size: int,
    device: str | torch.device,
    dtype: DType = "float32",
) -> Iterator[NeuronScores]:
    """Scores of every neuron for each task, on up to `examples` of its training examples, by each estimator.

    Args:
        checkpoint: folder of the model.
        tasks: folders of the tasks.
        estimators: see `taskneurons.engine.attribution`.
        examples: of each task, at most.
        batch_size: examples at once; halved where the device's memory does not suffice, which changes no score.
        device, dtype: where the model runs, and with which precision.
    """
    loaded = load_checkpoint(checkpoint, device=device, dtype=dtype)
    for folder in progress(tasks, "attribution"):
        task = read_task(folder)
        few = read_split(folder, "train", limit=examples)
        pad_id = loaded.tokenizer.pad_token_id
        with naming(folder):
            encoded = encode(few, loaded.tokenizer, loaded.context)
            scores = attribute(loaded.model, encoded, pad_id=pad_id, batch_size=batch_size, estimators=estimators)
        for estimator, attribution in scores.items():
            yield NeuronScores(
                scores=attribution.scores,
                activation=attribution.activation,
                activation_mean=attribution.activation_mean,
                task=task.name,
                model_digest=loaded.digest,
                estimator=estimator,
                examples=attribution.examples,
                tokens=attribution.tokens,
            )


def deactivate_tasks(
    checkpoint: str | Path,
    tasks: Sequence[str | Path],
    neurons: Mapping[str, tuple[str | Path, str | Path]],
    *,
    interventions: Sequence[str],
    matrix: bool,
    evaluation: Mapping[str, Any],
    device: str | torch.device,
    dtype: DType = "float32",
) -> Iterator[tuple[str, list[Row]]]:
    """Deactivate the sets of each task and evaluate (Leng & Xiong 2025, Tables 1 and 6, Figure 5 a-b).

    The sets of a task are those of its file: `task`, `bottom` and `random.<draw>`. All are deactivated by activation
    zero on the task itself; `task` also by the other interventions, and, where `matrix` is set, on every other task
    (condition `other_task`).

    Args:
        checkpoint: folder of the model.
        tasks: folders of all tasks that are tested.
        neurons: for each task whose sets are deactivated, its file of sets and its file of scores (which holds the mean
            activations).
        interventions: for the task's own set on its own task.
        matrix: whether every task is tested under every set.
        evaluation: `batch_size` and `max_new_tokens` of `evaluate`.
        device, dtype: where the model runs, and with which precision.

    Raises:
        InputError: a set or score file of another model.
    """
    loaded = load_checkpoint(checkpoint, device=device, dtype=dtype)
    prepared: dict[str, PreparedTask] = {}
    for folder in tasks:
        task, test = prepare_test(loaded, folder, evaluation["max_new_tokens"])
        prepared[task.name] = test
    with fastest_on_cpu(loaded.model):
        for name, (sets_file, scores_file) in progress(neurons.items(), "deactivation"):
            sets, header = load_sets(sets_file)
            scores = NeuronScores.load(scores_file)
            _require_same_model(loaded, header["model"], sets_file)
            _require_same_model(loaded, scores.model_digest, scores_file)
            rows: list[Row] = []
            for case in _cases(name, sets, interventions, prepared if matrix else ()):
                means = scores.activation_mean if case.intervention == "mean" else None
                with deactivated(loaded.model, case.neurons, intervention=case.intervention, means=means):
                    values = evaluate(loaded.model, prepared[case.test_task], **evaluation)
                rows += _rows(values, test_task=case.test_task, intervention=case.intervention, **case.cells)
            yield name, rows


class Case(NamedTuple):
    """One deactivation: which neurons, how, on which task, and the cells of its rows that say so."""

    neurons: NeuronSet
    intervention: str
    test_task: str
    cells: Mapping[str, Any]


def _cases(
    task: str, sets: Mapping[str, NeuronSet], interventions: Iterable[str], tested: Iterable[str]
) -> Iterator[Case]:
    for intervention in interventions:
        yield Case(sets["task"], intervention, task, {"condition": "task", "train_task": task})
    yield Case(sets["bottom"], "zero", task, {"condition": "bottom", "train_task": task})
    for key, neurons in sets.items():
        if key.startswith("random."):
            yield Case(neurons, "zero", task, {"condition": "random", "draw": int(key.removeprefix("random."))})
    for other in tested:
        if other != task:
            yield Case(sets["task"], "zero", other, {"condition": "other_task", "train_task": task})


def prepare_test(
    loaded: Checkpoint, folder: str | Path, max_new_tokens: int, *, limit: int | None = None
) -> tuple[Task, PreparedTask]:
    """The test split of a task, or its first examples, encoded once for many evaluations."""
    task = read_task(folder)
    examples = read_split(folder, "test", limit=limit)
    with naming(folder):
        options = encode_options(task.options, loaded.tokenizer)
        # Room for what may be written after the prompt: the longest option, or a whole generated answer.
        reserve = max(map(len, options)) if options else max_new_tokens
        return task, prepare(
            task.kind,
            encode(examples, loaded.tokenizer, loaded.context, reserve=reserve),
            loaded.tokenizer,
            options=options,
            references=[example.target for example in examples] if task.kind == "generation" else (),
        )


@contextmanager
def naming(folder: str | Path) -> Iterator[None]:
    """Name the task's folder in what is said of its examples."""
    try:
        yield
    except InputError as error:
        where = f"{folder}: {error.where}" if error.where else str(folder)
        raise InputError(error.message, where=where, remedy=error.remedy) from None


def _require_same_model(loaded: Checkpoint, digest: str, where: str | Path) -> None:
    if digest != loaded.digest:
        raise InputError(
            f"made with the model {digest[:12]}, the checkpoint is {loaded.digest[:12]}",
            where=str(where),
            remedy="Make the scores and sets again with this checkpoint",
        )


def _rows(values: Mapping[str, tuple[float, int]], **cells: Any) -> list[Row]:
    return [{**cells, "metric": metric, "value": value, "n": n} for metric, (value, n) in values.items()]


def progress(items: Any, what: str) -> Any:
    """A progress bar on a terminal; jobs of a workflow write to files and get none."""
    return tqdm(items, desc=what, unit="task", disable=None)
