"""A LoRA adapter put into the weights of its base, so that the model has neurons of its own that can be scored."""

from pathlib import Path
from typing import Any, cast

from peft import PeftModel

from taskneurons.engine.changes import load_change
from taskneurons.engine.execution import Execution
from taskneurons.errors import InputError
from taskneurons.models.adapters import Adapter
from taskneurons.models.load import load_checkpoint, save_checkpoint


def merge_adapter(
    base: str | Path,
    change: str | Path,
    out: str | Path,
    execution: Execution,
    *,
    name: str,
) -> str:
    """Write the checkpoint W + (alpha / rank) B A of a base and an adapter.

    It computes what the base under the adapter computes, up to the rounding of the sum: in bfloat16 a weight keeps 8
    bits of it, so that small changes of large weights are lost.

    Args:
        base: checkpoint folder.
        change: folder of the adapter, as `save_change` wrote it.
        out: folder to write.
        execution: where the weights are added, and their precision in the file.
        name: what the checkpoint is called.

    Returns:
        The digest of the merged weights.

    Raises:
        InputError: the change is no adapter, of another base, or does not fit the model.
    """
    loaded = load_checkpoint(base, device=execution.device, dtype=execution.dtype)
    found = load_change(change, loaded.model)
    if not isinstance(found.values, Adapter):
        raise InputError("not a LoRA adapter; full weights are a model already", where=str(change))
    if found.base != loaded.digest:
        raise InputError(
            f"an adapter of the model {found.base[:12]} does not fit the model {loaded.digest[:12]}",
            where=str(change),
            remedy="Tune this model",
        )
    merged = PeftModel.from_pretrained(loaded.model, str(change), torch_device=str(execution.device)).merge_and_unload()
    # PEFT leaves its configuration on the model, which would be written beside the weights.
    if hasattr(merged, "peft_config"):
        del merged.peft_config
    return save_checkpoint(
        out,
        cast(Any, merged),
        loaded.tokenizer,
        name=name,
        context=loaded.context,
        parent=loaded.digest,
        remarks=(f"A LoRA adapter, tuned on {len(found.tasks)} tasks, is merged into the weights.",),
    )
