"""Scores of a model on the test splits of tasks."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from taskneurons.engine.evaluation import Evaluation, PreparedTask, Score, prepare, score_task
from taskneurons.engine.execution import Execution
from taskneurons.engine.task_by_task import naming, progress
from taskneurons.models.encoding import encode, encode_options
from taskneurons.models.kernels import fastest_on_cpu
from taskneurons.models.load import Checkpoint, load_checkpoint
from taskneurons.tasks.storage import read_split, read_task
from taskneurons.tasks.task import Task


def evaluate_tasks(
    checkpoint: str | Path,
    tasks: Sequence[str | Path],
    evaluation: Evaluation,
    execution: Execution,
) -> Iterator[tuple[str, list[Score]]]:
    """Evaluate a model on the test split of each task; yield the task's name and its scores.

    Args:
        checkpoint: folder of the model.
        tasks: folders of the tasks.
        evaluation: how answers are generated and scored.
        execution: where the model runs, and with which precision.
    """
    loaded = load_checkpoint(checkpoint, device=execution.device, dtype=execution.dtype)
    with fastest_on_cpu(loaded.model):
        for folder in progress(tasks, "evaluation"):
            task, prepared = prepare_task(loaded, folder, evaluation.max_new_tokens)
            yield task.name, score_task(loaded.model, task.name, prepared, evaluation)


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
