"""Trainings that make the models which are studied: pre-training from scratch, tuning on all tasks together."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from taskneurons.engine.task_by_task import naming
from taskneurons.engine.training import MIXED_PRECISION, pretrain, tune_multitask
from taskneurons.files import read_jsonl
from taskneurons.models.encoding import encode, encode_options
from taskneurons.models.load import DType, load_checkpoint, save_checkpoint
from taskneurons.models.scratch import new_model
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
