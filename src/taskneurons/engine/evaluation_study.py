"""Scores of a model on the test splits of tasks."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from taskneurons.engine.evaluation import PreparedTask, evaluate, prepare
from taskneurons.engine.task_by_task import naming, progress
from taskneurons.models.encoding import encode, encode_options
from taskneurons.models.kernels import fastest_on_cpu
from taskneurons.models.load import Checkpoint, DType, load_checkpoint
from taskneurons.tasks.storage import read_split, read_task
from taskneurons.tasks.task import Task

Row = dict[str, Any]


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
            task, prepared = prepare_task(loaded, folder, max_new_tokens)
            values = evaluate(loaded.model, prepared, batch_size=batch_size, max_new_tokens=max_new_tokens)
            yield task.name, score_rows(values, condition="original", test_task=task.name)


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
        return task, prepare(
            task.kind,
            encode(examples, loaded.tokenizer, loaded.context, reserve=reserve),
            loaded.tokenizer,
            options=options,
            references=[example.target for example in examples] if task.kind == "generation" else (),
        )


def score_rows(values: Mapping[str, tuple[float, int]], **cells: Any) -> list[Row]:
    """Tidy rows of what `evaluate` found, one a metric, with further cells."""
    return [{**cells, "metric": metric, "value": value, "n": n} for metric, (value, n) in values.items()]
