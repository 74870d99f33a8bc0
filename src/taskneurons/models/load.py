"""Checkpoints: read and write; safetensors only, code of others never run.

A checkpoint folder holds exactly config.json, model.safetensors, tokenizer.json, tokenizer_config.json and
checkpoint.json, and training.csv when it was trained here. checkpoint.json knows the digest of the weights, so what was
damaged since is refused.
"""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError, safe_open
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel
from transformers.utils import logging as transformers_logging

from taskneurons import processes
from taskneurons.architectures import WEIGHTS
from taskneurons.errors import InputError
from taskneurons.files import read_json, replacing, sha256, write_json
from taskneurons.models.ffn import expose_experts
from taskneurons.models.rotary import fix_frequencies
from taskneurons.models.sharing import share_out
from taskneurons.models.tokenizers import load_tokenizer, save_tokenizer

DType = Literal["float32", "bfloat16", "float16"]
CHECKPOINT_FILES = frozenset(
    {WEIGHTS, "config.json", "tokenizer.json", "tokenizer_config.json", "checkpoint.json", "training.csv"}
)


@dataclass(frozen=True)
class Checkpoint:
    """A model that is ready to be measured.

    Attributes:
        model: in evaluation mode, its parameters frozen.
        tokenizer: fast; has pad and eos.
        digest: SHA-256 of the weights file.
        context: longest sequence, tokens.
        architecture: the `model_type` of its configuration.
        name: what the user calls it.
    """

    model: Any
    tokenizer: Any
    digest: str
    context: int
    architecture: str
    name: str


def load_checkpoint(folder: str | Path, *, device: str | torch.device = "cpu", dtype: DType = "float32") -> Checkpoint:
    """Read a checkpoint folder that `save_checkpoint` or an import wrote.

    Raises:
        InputError: a file is absent, damaged or not what checkpoint.json says; tensors are missing, unexpected, of
            another shape, NaN or infinite; the model needs code of its own.
    """
    folder = Path(folder)
    facts = _read_facts(folder)
    weights = folder / WEIGHTS
    check_safetensors(weights)
    digest = sha256(weights)
    if digest != facts["digest"]:
        raise InputError(
            f"the SHA-256 {digest[:12]}... is not that of checkpoint.json, {facts['digest'][:12]}...",
            where=str(weights),
            remedy="The file is damaged or was edited: make or import the checkpoint again",
        )
    model = read_model(folder, dtype)
    tokenizer = load_tokenizer(folder)
    check_tokenizer(folder, tokenizer, model)
    _refuse_unknown_files(folder)
    model.eval().requires_grad_(False)
    fix_frequencies(model, facts["context"])
    if (sharing := processes.sharing_weights()) > 1:
        share_out(model, torch.device(device), sharing)
    else:
        # transformers types `to` as a bound of an overloaded wrapper.
        model.to(device)  # type: ignore[arg-type]
        _align(model)
    return Checkpoint(model, tokenizer, digest, facts["context"], facts["architecture"], facts["name"])


def save_checkpoint(
    folder: str | Path,
    model: PreTrainedModel,
    tokenizer: Any,
    *,
    name: str,
    context: int,
    parent: str | None,
    remarks: tuple[str, ...] = (),
) -> str:
    """Write a checkpoint folder; checkpoint.json comes last, so that a half-written folder never loads.

    Args:
        folder: made if absent.
        model: its weights are written in the dtype that they have, in one file whatever the size.
        tokenizer: fast, with pad and eos.
        name: what the user calls the model.
        context: longest sequence, tokens.
        parent: digest of the checkpoint that this one was trained from.
        remarks: what a reader of the checkpoint must know, in sentences.

    Returns:
        The digest of the weights; none in a process that is not the first of a job.

    Raises:
        InputError: a weight is NaN or infinite.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    _refuse_not_finite(model, str(folder))
    # Of several processes transformers writes in the first alone.
    if processes.place():
        return ""
    (folder / "checkpoint.json").unlink(missing_ok=True)
    # Named as `replacing` names what is half written: recovery removes it and DVC does not take it.
    with tempfile.TemporaryDirectory(prefix=".weights.", suffix=".partial", dir=folder) as scratch:
        with quiet():
            model.save_pretrained(scratch, max_shard_size="1000TB")
        for file in (WEIGHTS, "config.json"):
            with replacing(folder / file) as partial:
                (Path(scratch) / file).replace(partial)
    save_tokenizer(folder, tokenizer)
    digest = sha256(folder / WEIGHTS)
    facts: dict[str, Any] = {
        "architecture": model.config.model_type,
        "context": context,
        "digest": digest,
        "name": name,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "parent": parent,
    }
    if remarks:
        facts["remarks"] = list(remarks)
    write_json(folder / "checkpoint.json", facts)
    return digest


def _read_facts(folder: Path) -> dict[str, Any]:
    path = folder / "checkpoint.json"
    if not path.is_file():
        raise InputError(
            "not a checkpoint: it has no checkpoint.json",
            where=str(folder),
            remedy="Import a model folder of another origin first (source: folder)",
        )
    facts: dict[str, Any] = read_json(path)
    kinds = {"architecture": str, "context": int, "digest": str, "name": str, "parameters": int}
    for key, kind in kinds.items():
        if not isinstance(facts, dict) or not isinstance(facts.get(key), kind):
            raise InputError(f"{key!r} is absent or not of type {kind.__name__}", where=str(path))
    return facts


def _refuse_unknown_files(folder: Path) -> None:
    """Refuse what we did not write: transformers reads files by their names, and no digest would tell of them."""
    unknown = sorted(
        path.name for path in folder.iterdir() if path.name not in CHECKPOINT_FILES and not path.name.startswith(".")
    )
    if unknown:
        raise InputError(
            f"holds {', '.join(unknown)}, which no checkpoint of ours has",
            where=str(folder),
            remedy="Remove what does not belong there, or import the folder as a model (source: folder)",
        )


def check_safetensors(path: Path) -> None:
    """Refuse what is no whole safetensors file, with its path."""
    if not path.is_file():
        raise InputError("no such file", where=str(path))
    try:
        with safe_open(path, framework="pt"):
            return
    except (SafetensorError, OSError) as error:
        message = f"not a whole safetensors file ({error}; {path.stat().st_size} bytes)"
    with path.open("rb") as file:
        start = file.read(9)
    # A pickle begins with its protocol (2 to 5), or lies in torch.save's zip archive; the header of safetensors, with {
    # after its length.
    if (start[:1] == b"\x80" and start[1:2] in b"\x02\x03\x04\x05" and start[8:] != b"{") or start[:2] == b"PK":
        raise InputError("a pickle under the name of safetensors; pickles are never read", where=str(path))
    raise InputError(message, where=str(path), remedy="It is truncated or damaged: fetch or make it again")


def read_config(folder: Path) -> Any:
    """The configuration of a model folder, whose weights need not be there.

    Raises:
        InputError: there is none, it cannot be read, the model needs code of its own or is no causal language model.
    """
    _refuse_code(folder)
    with _readable(folder), quiet():
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    if type(config) not in AutoModelForCausalLM._model_mapping:
        raise InputError(f"{config.model_type!r} is not a causal language model", where=str(folder / "config.json"))
    return config


@contextmanager
def _readable(folder: Path) -> Iterator[None]:
    """What transformers raises for a folder, as one sentence."""
    try:
        yield
    except (ValueError, OSError, KeyError) as error:
        first_line = str(error).strip().split("\n", 1)[0]
        raise InputError(f"the model cannot be read ({first_line})", where=str(folder)) from None


def read_model(folder: Path, dtype: DType) -> PreTrainedModel:
    """The model of a folder whose weights were checked; every tensor is the file's, or it is refused."""
    config = read_config(folder)
    with _readable(folder), quiet():
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            folder,
            config=config,
            use_safetensors=True,
            trust_remote_code=False,
            dtype=getattr(torch, dtype),
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    model: PreTrainedModel
    model, info = loaded
    for kind in ("missing", "unexpected"):
        if names := sorted(info[f"{kind}_keys"]):
            raise InputError(
                f"{len(names)} {kind} tensors for a {config.model_type}: {_some(names)}",
                where=str(folder),
                remedy="The weights and config.json do not belong together",
            )
    if info["mismatched_keys"]:
        clashes = [
            f"{key} is {tuple(found)}, expected {tuple(expected)}"
            for key, found, expected in sorted(info["mismatched_keys"])
        ]
        raise InputError(
            f"tensors of another shape than config.json says: {_some(clashes)}",
            where=str(folder),
            remedy="The weights and config.json do not belong together",
        )
    _refuse_not_finite(model, str(folder))
    expose_experts(model)
    return model


def _refuse_code(folder: Path) -> None:
    for name in ("config.json", "tokenizer_config.json"):
        path = folder / name
        if name == "config.json" and not path.is_file():
            raise InputError("the folder has no config.json", where=str(folder))
        if path.is_file():
            content = read_json(path)
            if not isinstance(content, dict):
                raise InputError(f"an object was expected, not {json.dumps(content)[:40]}", where=str(path))
            if "auto_map" in content:
                raise InputError(
                    "the model needs code of its own (auto_map), which is never run",
                    where=str(path),
                    remedy="Use a model that transformers supports itself",
                )


def _align(model: nn.Module) -> None:
    """Let weights begin where torch lets its own begin.

    Those that are mapped from a file begin where its header ends, and products of MKL differ in their last digit with
    that: a model that is read and the same model trained and put back would not give the same bits.
    """
    for weight in model.parameters():
        if weight.device.type == "cpu" and weight.data_ptr() % 64:
            weight.data = weight.data.clone()


def _refuse_not_finite(model: nn.Module, where: str) -> None:
    for name, parameter in model.named_parameters():
        if not torch.isfinite(parameter).all():
            raise InputError(
                f"the tensor {name} has NaN or infinite values", where=where, remedy="These weights cannot be used"
            )


def check_tokenizer(folder: Path, tokenizer: Any, model: PreTrainedModel) -> None:
    """Refuse a tokenizer without pad or eos, or with more ids than the model's embedding."""
    if tokenizer.pad_token_id is None or tokenizer.eos_token_id is None:
        raise InputError("the tokenizer has no pad or no eos token", where=str(folder))
    embedding: Any = model.get_input_embeddings()
    rows = embedding.weight.shape[0]
    greatest = max(tokenizer.get_vocab().values())
    if greatest >= rows:
        raise InputError(
            f"the tokenizer has ids up to {greatest}, the model's embedding has {rows} rows",
            where=str(folder),
            remedy="The tokenizer belongs to another model",
        )


def _some(names: list[str], most: int = 5) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the library's progress bars and load reports out of logs; what they say is checked and raised here."""
    verbosity = transformers_logging.get_verbosity()
    bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        if bars:
            transformers_logging.enable_progress_bar()
