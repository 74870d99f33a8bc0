"""Trainings that make the models which are studied: pre-training from scratch, tuning on all tasks together."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from taskneurons.engine.execution import Execution, Schedule
from taskneurons.engine.task_by_task import naming
from taskneurons.engine.training import pretrain, tune_multitask
from taskneurons.files import read_jsonl
from taskneurons.models.encoding import encode, encode_options
from taskneurons.models.load import load_checkpoint, save_checkpoint
from taskneurons.models.scratch import Shape, Vocabulary, new_model
from taskneurons.models.tokenizers import load_tokenizer
from taskneurons.tasks.storage import read_split, read_task


def pretrain_from_scratch(
    corpus: str | Path,
    tokenizer: str | Path,
    out: str | Path,
    *,
    name: str,
    model: Mapping[str, Any],
    seed: int,
    execution: Execution,
) -> None:
    """Train a model from random weights on a suite's text and write its checkpoint and its training.csv.

    Args:
        corpus: JSONL of documents, see `pretrain`.
        tokenizer: folder of the tokenizer.
        out: checkpoint folder to write.
        name: of the model.
        model: its parameters (`source: scratch`): shape and `pretraining`.
        seed: of the weights and the order of the data.
        execution: where it trains, in float32, and its resume file.
    """
    words = load_tokenizer(tokenizer)
    shape = Shape(**{size.name: model[size.name] for size in fields(Shape)})
    fresh = new_model(model["architecture"], shape, Vocabulary.of(words), seed=seed)
    course = dict(model["pretraining"])
    focus_weight = course.pop("focus_weight")
    log = pretrain(
        fresh,
        words,
        read_jsonl(corpus),
        Schedule(**course, seed=seed),
        execution,
        focus_weight=focus_weight,
        context=shape.context,
    )
    log.write(Path(out) / "training.csv")
    save_checkpoint(out, fresh, words, name=name, context=shape.context, parent=None)


def tune_on_tasks(
    base: str | Path,
    tasks: Sequence[str | Path],
    out: str | Path,
    *,
    name: str,
    schedule: Schedule,
    execution: Execution,
) -> None:
    """Tune a model on the training splits of all tasks together and write its checkpoint and its training.csv.

    Args:
        base: checkpoint folder of the model to tune.
        tasks: folders of the tasks.
        out: checkpoint folder to write.
        name: of the tuned model.
        schedule: of the training.
        execution: where it trains, and with which precision products are computed; the weights are float32.
    """
    loaded = load_checkpoint(base, device=execution.device)
    encoded = {}
    for folder in tasks:
        examples = read_split(folder, "train")
        with naming(folder):
            # Options that the tokenizer cannot tell apart would be refused after the training.
            encode_options(read_task(folder).options, loaded.tokenizer)
            encoded[Path(folder).name] = encode(examples, loaded.tokenizer, loaded.context)
    log = tune_multitask(loaded.model, encoded, schedule, execution, pad_id=loaded.tokenizer.pad_token_id)
    log.write(Path(out) / "training.csv")
    save_checkpoint(out, loaded.model, loaded.tokenizer, name=name, context=loaded.context, parent=loaded.digest)
