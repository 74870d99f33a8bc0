"""LoRA adapters in the form of the PEFT library: made of a neuron patch, put on a model, written, read."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from taskneurons.errors import InputError
from taskneurons.files import read_json, read_safetensors, write_json, write_safetensors
from taskneurons.models.neuron_weights import NeuronWeights
from taskneurons.models.patching import checked_places
from taskneurons.neurons.patches import NeuronPatch

if TYPE_CHECKING:
    from peft import LoraConfig, PeftModel

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
_PREFIX = "base_model.model"


@dataclass(frozen=True, eq=False)
class Adapter:
    """A LoRA adapter: y = W x + (alpha / r) B A x.

    Attributes:
        settings: of PEFT's `LoraConfig`, as in adapter_config.json.
        tensors: float32, named as PEFT names them in adapter_model.safetensors.

    Raises:
        InputError: a tensor is NaN or infinite.
    """

    settings: Mapping[str, Any]
    tensors: Mapping[str, np.ndarray]

    def __post_init__(self) -> None:
        for name, array in self.tensors.items():
            if not np.isfinite(array).all():
                raise InputError("holds NaN or infinite values", where=name, remedy="The training diverged")

    @property
    def parameters(self) -> int:
        """The number of weights."""
        return sum(array.size for array in self.tensors.values())


def save_adapter(folder: str | Path, adapter: Adapter) -> None:
    """Write adapter_config.json and adapter_model.safetensors, which `PeftModel.from_pretrained` loads.

    `AutoPeftModelForCausalLM.from_pretrained` loads them with their base, where the base has the path that it had here.
    """
    folder = Path(folder)
    write_safetensors(folder / WEIGHTS, adapter.tensors, {"format": "pt"})
    write_json(folder / CONFIG, dict(adapter.settings))


def load_adapter(folder: str | Path) -> Adapter:
    """Read a LoRA adapter.

    Raises:
        InputError: a file is absent or damaged, or the adapter is not of LoRA.
    """
    folder = Path(folder)
    settings = read_json(folder / CONFIG)
    if not isinstance(settings, dict) or settings.get("peft_type") != "LORA":
        raise InputError("not the configuration of a LoRA adapter", where=str(folder / CONFIG))
    tensors, _ = read_safetensors(folder / WEIGHTS)
    return Adapter(settings, tensors)


def patch_as_adapter(model: nn.Module, patch: NeuronPatch, *, base: str) -> Adapter:
    """The LoRA adapter that does to the model, as it is now, what the patch would do.

    The rank of a module is the number of its trained neurons. Where the neurons are the module's outputs, A holds the
    differences of their weights and B is one-hot; where they are its inputs, A is one-hot and B holds the differences.
    Biases move through `lora_bias`. Equal up to the rounding of W + (W' - W).

    Args:
        model: what the patch was trained on, without the patch; nothing of it is changed.
        patch: what is exported.
        base: digest of the weights file that the model was loaded from.

    Raises:
        InputError: as `apply_patch`.
    """
    from peft import LoraConfig

    places = checked_places(model, patch, base=base)
    names = {id(module): name for name, module in model.named_modules()}
    tensors: dict[str, np.ndarray] = {}
    ranks: dict[str, int] = {}
    with_bias = any(name.endswith(".bias") for name in patch.weights)
    for module, group in groupby(places, key=lambda place: place.module):
        own = tuple(group)
        name = names[id(module)]
        ranks[name] = sum(len(place.index) for place in own)
        for part, tensor in _factors(own, patch, with_bias).items():
            tensors[f"{_PREFIX}.{name}.{part}"] = tensor.numpy()
    config = LoraConfig(
        # The folder that the model was read from, by which PEFT finds it again.
        base_model_name_or_path=getattr(model, "name_or_path", None) or None,
        r=1,
        lora_alpha=1,
        rank_pattern=ranks,
        alpha_pattern=dict(ranks),
        target_modules=list(ranks),
        lora_bias=with_bias,
        fan_in_fan_out=any(place.turned for place in places),
        task_type="CAUSAL_LM",
        inference_mode=True,
    )
    return Adapter(settings_of(config), tensors)


@contextmanager
def adapted(model: nn.Module, adapter: Adapter) -> Iterator[nn.Module]:
    """Put an adapter on a model inside the block; afterwards the model is bit for bit what it was.

    Yields:
        PEFT's wrapper; the model itself computes the same.

    Raises:
        InputError: the adapter does not fit the model.
    """
    from peft import LoraConfig, set_peft_model_state_dict

    config = LoraConfig(**{key: value for key, value in adapter.settings.items() if key != "peft_type"})
    with injected(model, config) as wrapped:
        tensors = {name: torch.tensor(array) for name, array in adapter.tensors.items()}
        try:
            result: Any = set_peft_model_state_dict(wrapped, tensors)
        except RuntimeError as error:
            raise InputError(f"the adapter does not fit the model ({error})", where="adapter") from None
        missing = [name for name in result.missing_keys if "lora_" in name]
        if strange := sorted([*result.unexpected_keys, *missing]):
            raise InputError(
                f"the adapter does not fit the model: {len(strange)} tensors too many or too few, say {strange[0]}",
                where="adapter",
                remedy="Use it on the model that it was trained on",
            )
        wrapped.requires_grad_(False)
        yield wrapped


@contextmanager
def injected(model: nn.Module, config: "LoraConfig") -> Iterator["PeftModel"]:
    """Put fresh LoRA layers into the model inside the block; they alone ask for gradients. Then take them out again.

    Raises:
        InputError: the model has none of the modules that the configuration names.
    """
    from peft import get_peft_model

    before = {name: parameter.requires_grad for name, parameter in model.named_parameters()}
    training = model.training
    try:
        wrapped = cast("PeftModel", get_peft_model(cast(Any, model), config))
    except ValueError as error:
        raise InputError(f"LoRA layers do not fit the model ({str(error).splitlines()[0]})", where="adapter") from None
    try:
        yield wrapped.train(training)
    finally:
        wrapped.unload()
        # PEFT leaves its configuration on the model, and warns of it the next time.
        if hasattr(model, "peft_config"):
            del model.peft_config
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(before[name])


def settings_of(config: "LoraConfig") -> dict[str, Any]:
    """A configuration as JSON knows it, the same bytes for the same adapter."""
    settings = {
        key: sorted(value) if isinstance(value, set) else value
        for key, value in config.to_dict().items()
        if value is not None
    }
    return settings | {"peft_type": "LORA", "task_type": "CAUSAL_LM"}


def _factors(places: tuple[NeuronWeights, ...], patch: NeuronPatch, with_bias: bool) -> dict[str, Tensor]:
    """The tensors of one module, as PEFT names them."""
    now = [place.read() for place in places]
    weight: Any = places[0].module.weight
    inputs, outputs = weight.shape if places[0].turned else reversed(weight.shape)
    new = np.concatenate([patch.weights[place.name] for place in places])
    differences = torch.tensor(new) - torch.cat([rows for rows, _ in now]).float().cpu()
    index = torch.cat([place.index for place in places]).cpu()
    into = places[0].into
    one_hot = torch.zeros(len(index), outputs if into else inputs)
    one_hot[torch.arange(len(index)), index] = 1
    a, b = (differences, one_hot.T) if into else (one_hot, differences.T)
    factors = {"lora_A.weight": a.contiguous(), "lora_B.weight": b.contiguous()}
    if with_bias:
        bias = torch.zeros(outputs)
        for place, (_, before) in zip(places, now, strict=True):
            if before is not None:
                bias[place.index.cpu()] = torch.tensor(patch.weights[f"{place.name}.bias"]) - before.float().cpu()
        factors["lora_B.bias"] = bias
    return factors
