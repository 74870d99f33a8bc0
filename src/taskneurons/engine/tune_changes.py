"""Fine-tunings of one base that are kept as what they change of it, such as a specialist of each task."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from taskneurons.engine.changes import save_change
from taskneurons.engine.execution import Execution, Schedule
from taskneurons.engine.fine_tuner import Folders
from taskneurons.engine.task_by_task import encoded_split, progress
from taskneurons.engine.tuning import Lora, tune
from taskneurons.models.load import load_checkpoint


def tune_changes(
    base: str | Path,
    tasks: Folders,
    changes: Mapping[Path, Sequence[str]],
    schedule: Schedule,
    execution: Execution,
    *,
    lora: Lora | None = None,
) -> None:
    """Tune the base several times, each time from its own weights, and write what that changed.

    Args:
        base: checkpoint folder.
        tasks: data folders of all tasks that are trained on.
        changes: for each folder that is written, the tasks that are trained on together.
        schedule: of each training.
        execution: where it trains; full weights train in float32, with products in its precision. It has the folder of
            resume files.
        lora: the form of adapters; None: all weights move.
    """
    # Full tuning needs float32 weights; adapters are float32 by themselves, whatever the weights beside them.
    loaded = load_checkpoint(base, device=execution.device, dtype=execution.dtype if lora else "float32")
    for out, names in progress(changes.items(), "fine-tuning"):
        encoded = {name: encoded_split(loaded, tasks[name], "train") for name in names}
        resuming = execution.resuming(f"{out.name}.safetensors")
        result = tune(loaded, encoded, "lora" if lora else "full", schedule, resuming, lora=lora)
        save_change(out, result, base=loaded.digest, tasks=list(names))
