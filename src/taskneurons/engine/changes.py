"""The result of a fine-tuning as files: what it made of the base, not a copy of the model where LoRA made less.

A folder holds `change.json` (what was tuned on what), `training.csv` (the course of the loss) and the change:
`weights.safetensors` of a full tuning, adapter_config.json and adapter_model.safetensors, as PEFT reads them, of LoRA.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from taskneurons.engine.training import TrainingLog
from taskneurons.engine.tuning import FullWeights, Tuned, tuned
from taskneurons.errors import InputError
from taskneurons.files import read_json, read_safetensors, write_json, write_safetensors
from taskneurons.models.adapters import Adapter, load_adapter, save_adapter
from taskneurons.models.load import Checkpoint

FACTS = "change.json"
WEIGHTS = "weights.safetensors"


@dataclass(frozen=True, eq=False)
class Change:
    """What a fine-tuning made of a base model.

    Attributes:
        values: new weights, or an adapter.
        base: digest of the model that was tuned.
        tasks: what it was tuned on.
    """

    values: FullWeights | Adapter
    base: str
    tasks: tuple[str, ...]


def save_change(folder: str | Path, result: Tuned, *, base: str, tasks: Sequence[str]) -> None:
    """Write the folder of a change; change.json comes last, so that a half-written folder never loads.

    Raises:
        InputError: the weights are not float32, or NaN or infinite; the method was neither full nor LoRA.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FACTS).unlink(missing_ok=True)
    change = result.change
    if isinstance(change, Adapter):
        save_adapter(folder, change)
    elif isinstance(change, FullWeights):
        for name, tensor in change.tensors.items():
            if tensor.dtype != torch.float32 or not torch.isfinite(tensor).all():
                raise InputError("finite float32 weights were expected", where=name, remedy="The training diverged")
        write_safetensors(
            folder / WEIGHTS, {name: tensor.cpu().numpy() for name, tensor in change.tensors.items()}, {"format": "pt"}
        )
    else:
        raise InputError("a neuron patch has a file form of its own", where=str(folder))
    result.log.write(folder / "training.csv")
    method = "lora" if isinstance(change, Adapter) else "full"
    write_json(folder / FACTS, {"base": base, "method": method, "tasks": list(tasks)})


def load_change(folder: str | Path, model: torch.nn.Module) -> Change:
    """Read a change; full weights take the dtype and the device of the model that they will be put on.

    Raises:
        InputError: a file is absent, damaged, or of a model of another shape.
    """
    folder = Path(folder)
    facts = read_json(folder / FACTS)
    if facts["method"] == "lora":
        values: FullWeights | Adapter = load_adapter(folder)
    else:
        arrays, _ = read_safetensors(folder / WEIGHTS)
        own = dict(model.named_parameters())
        if own.keys() != arrays.keys():
            raise InputError("holds other parameters than the model", where=str(folder / WEIGHTS))
        values = FullWeights({name: torch.from_numpy(array).to(own[name]) for name, array in arrays.items()})
    return Change(values, facts["base"], tuple(facts["tasks"]))


@contextmanager
def changed(base: Checkpoint, change: Change) -> Iterator[None]:
    """Put a change on its base inside the block; afterwards the model is bit for bit what it was.

    Raises:
        InputError: the change is of another base.
    """
    if change.base != base.digest:
        raise InputError(
            f"a change of the model {change.base[:12]} does not fit the model {base.digest[:12]}",
            where="change",
            remedy="Tune this model",
        )
    with tuned(base.model, Tuned(change.values, TrainingLog(())), base=base.digest):
        yield


def trained_tasks(folder: str | Path) -> frozenset[str]:
    """The tasks that the change in a folder was tuned on."""
    facts: Mapping[str, list[str]] = read_json(Path(folder) / FACTS)
    return frozenset(facts["tasks"])
