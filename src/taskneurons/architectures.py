"""The architectures whose FFN neurons can be found, and where they live. No other file knows where neurons live.

Known without torch, so that what no study can read is refused when parameters are read.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from taskneurons.errors import InputError
from taskneurons.files import read_json


@dataclass(frozen=True)
class Paths:
    """Module paths: of the list of layers, and of the projections within one layer. `fused` = gate and up in one.

    `attention` names the query and value projections; where they are fused, the module that holds them.
    """

    layers: str
    inputs: tuple[str, ...]
    output: str
    gated: bool = False
    fused: bool = False
    attention: tuple[str, ...] = ("q_proj", "v_proj")


LLAMA_LIKE = Paths("model.layers", ("mlp.gate_proj", "mlp.up_proj"), "mlp.down_proj", gated=True)

MIXTURES = ("mixtral", "qwen2_moe", "qwen3_moe")
"""Mixtures of experts, whose FFNs are as those of Llama once `expose_experts` of `models/ffn.py` has run."""

PATHS = {
    "llama": LLAMA_LIKE,
    "mistral": LLAMA_LIKE,
    "qwen2": LLAMA_LIKE,
    "qwen3": LLAMA_LIKE,
    "gemma": LLAMA_LIKE,
    "gemma2": LLAMA_LIKE,
    "gemma3_text": LLAMA_LIKE,
    "phi3": Paths(
        "model.layers", ("mlp.gate_up_proj",), "mlp.down_proj", gated=True, fused=True, attention=("qkv_proj",)
    ),
    "phi": Paths("model.layers", ("mlp.fc1",), "mlp.fc2"),
    "bloom": Paths("transformer.h", ("mlp.dense_h_to_4h",), "mlp.dense_4h_to_h", attention=("query_key_value",)),
    "gpt2": Paths("transformer.h", ("mlp.c_fc",), "mlp.c_proj", attention=("c_attn",)),
    "gpt_neox": Paths("gpt_neox.layers", ("mlp.dense_h_to_4h",), "mlp.dense_4h_to_h", attention=("query_key_value",)),
    "opt": Paths("model.decoder.layers", ("fc1",), "fc2"),
    **dict.fromkeys(MIXTURES, LLAMA_LIKE),
}

SUPPORTED = tuple(PATHS)
"""The `model_type` of every architecture whose neurons we can find."""

LANGUAGE_MODELS = {"gemma3": "model.language_model"}
"""Models of several senses by their `model_type`, and where their language model lies, which an import keeps alone."""

ADAPTER = "adapter_config.json"
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"


def unsupported(architecture: str, where: str) -> InputError:
    """One sentence of an architecture whose neurons are not known."""
    return InputError(
        f"the FFN neurons of architecture {architecture!r} are not known", where=where, remedy=supported()
    )


def supported() -> str:
    """The supported architectures, in a sentence."""
    return f"Supported: {', '.join((*SUPPORTED, *LANGUAGE_MODELS))}"


def require_supported(architecture: str, where: str) -> None:
    """Refuse an architecture that is not one of `SUPPORTED` or `LANGUAGE_MODELS`.

    Raises:
        InputError: it is not.
    """
    if architecture not in (*SUPPORTED, *LANGUAGE_MODELS):
        raise unsupported(architecture, where)


def require_config(path: Path) -> None:
    """Refuse a quantised model and an architecture that is not supported; more is checked when the model is read.

    Args:
        path: of its config.json, which may be absent.

    Raises:
        InputError: it is one of both.
    """
    config: Any = read_json(path) if path.is_file() else None
    if not isinstance(config, dict):
        return
    if (method := config.get("quantization_config")) is not None:
        kind = method.get("quant_method", "unknown") if isinstance(method, dict) else "unknown"
        raise InputError(
            f"the model is quantised ({kind}), and its neurons have no weights of their own",
            where=str(path),
            remedy="Take the model as it was before it was quantised",
        )
    architecture = config.get("model_type")
    if isinstance(architecture, str):
        require_supported(architecture, str(path))


def without_weights(names: Iterable[str], where: str) -> InputError:
    """One sentence of a folder or repository that holds no model in safetensors.

    Args:
        names: of its files.
        where: the folder or the repository.
    """
    names = set(names)
    if ADAPTER in names:
        return InputError(
            f"the folder holds an adapter ({ADAPTER}) and no model",
            where=where,
            remedy="Merge it into its base first: model.merge_and_unload().save_pretrained(folder)",
        )
    pickles = sorted(name for name in names if Path(name).suffix in PICKLES)
    return InputError(
        f"the weights are pickles ({', '.join(pickles)}), which are never read"
        if pickles
        else f"the folder has no {WEIGHTS}",
        where=where,
        remedy="Use a revision with safetensors, or convert it where you trust its origin: "
        "model.save_pretrained(folder)",
    )


def require_no_adapter(names: Iterable[str], where: str) -> None:
    """Refuse a model that an adapter lies beside: transformers would load the base that the adapter names.

    Raises:
        InputError: there is one.
    """
    if ADAPTER in set(names):
        raise InputError(
            f"the folder holds a model and an adapter ({ADAPTER}), and which of both is meant cannot be told",
            where=where,
            remedy="Move the adapter elsewhere, or merge it: model.merge_and_unload().save_pretrained(folder)",
        )


def require_folder(folder: Path) -> None:
    """Refuse a model folder that no import takes, as far as its names and its config.json tell.

    Raises:
        InputError: it is a file, absent, an adapter, quantised, without safetensors, or of another architecture.
    """
    if folder.suffix == ".gguf" and folder.is_file():
        raise InputError("a GGUF file is no folder", where=str(folder), remedy="Write `source: gguf`, with its SHA-256")
    if not folder.is_dir():
        raise InputError("is not a folder" if folder.exists() else "no such folder", where=str(folder))
    require_config(folder / "config.json")
    names = {path.name for path in folder.iterdir()}
    if not any(name.endswith(".safetensors") and not name.startswith("adapter_") for name in names):
        raise without_weights(names, str(folder))
    require_no_adapter(names, str(folder))
