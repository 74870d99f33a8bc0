"""Checkpoints: read, write, and import from a local folder or from the hub; safetensors only, code of others never run.

A checkpoint folder holds exactly config.json, model.safetensors, tokenizer.json, tokenizer_config.json and
checkpoint.json, and training.csv when it was trained here. checkpoint.json knows the digest of the weights, so what was
damaged since is refused.
"""

import json
import logging
import re
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

from taskneurons.errors import InputError
from taskneurons.files import read_json, replacing, sha256, write_json
from taskneurons.models.tokenizers import load_tokenizer, save_tokenizer

log = logging.getLogger(__name__)

DType = Literal["float32", "bfloat16", "float16"]
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
CHECKPOINT_FILES = frozenset(
    {WEIGHTS, "config.json", "tokenizer.json", "tokenizer_config.json", "checkpoint.json", "training.csv"}
)
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
# No pickle, no Python; subfolders and Mistral's consolidated.safetensors hold the same weights once more.
HUB_FILES = ("*.safetensors", "*.json", "*.model", "merges.txt", "vocab.txt")
HUB_NOT = ("*/*", "consolidated*")


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
    _check_safetensors(weights)
    digest = sha256(weights)
    if digest != facts["digest"]:
        raise InputError(
            f"the SHA-256 {digest[:12]}... is not that of checkpoint.json, {facts['digest'][:12]}...",
            where=str(weights),
            remedy="The file is damaged or was edited: make or import the checkpoint again",
        )
    model = _read_model(folder, dtype)
    tokenizer = load_tokenizer(folder)
    _check_tokenizer(folder, tokenizer, model)
    _refuse_unknown_files(folder)
    model.eval().requires_grad_(False)
    # transformers types `to` as a bound of an overloaded wrapper.
    model.to(device)  # type: ignore[arg-type]
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
        The digest of the weights.

    Raises:
        InputError: a weight is NaN or infinite.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    _refuse_not_finite(model, str(folder))
    (folder / "checkpoint.json").unlink(missing_ok=True)
    # Named as `replacing` names what is half written: recovery removes it and DVC does not take it.
    with tempfile.TemporaryDirectory(prefix=".weights.", suffix=".partial", dir=folder) as scratch:
        with _quiet():
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


def import_folder(path: str | Path, out: str | Path, *, name: str, context: int) -> str:
    """Bring a model of any Hugging Face folder (one or several safetensors files) into our layout.

    The weights keep their dtype. A tokenizer without a pad token gets eos as pad; a remark in checkpoint.json says so.

    Args:
        path: folder with config.json, *.safetensors and the tokenizer's files.
        out: the checkpoint folder to write.
        name: what the user calls the model.
        context: longest sequence that will be used, tokens; not more than the model can.

    Returns:
        The digest of the written weights.

    Raises:
        InputError: as `load_checkpoint`, or the folder has no safetensors.
    """
    path = Path(path)
    if not path.is_dir():
        raise InputError("no such folder", where=str(path))
    files = _weight_files(path)
    model = _read_model(path, _dtype_of(files))
    tokenizer = load_tokenizer(path)
    remarks = []
    if tokenizer.eos_token is None:
        raise InputError("the tokenizer has no eos token, an answer could not end", where=str(path))
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
        remarks.append(f"The tokenizer had no pad token: eos ({tokenizer.eos_token}) pads.")
        log.warning("%s: %s", path, remarks[-1])
    _check_tokenizer(path, tokenizer, model)
    longest = getattr(model.config, "max_position_embeddings", None)
    if longest is not None and context > longest:
        raise InputError(
            f"a context of {context} tokens is asked for, the model has {longest} positions",
            where=str(path / "config.json"),
            remedy=f"Choose a context of at most {longest}",
        )
    return save_checkpoint(out, model, tokenizer, name=name, context=context, parent=None, remarks=tuple(remarks))


def import_hub(repository: str, revision: str, out: str | Path, *, name: str, context: int) -> str:
    """Bring a model of the Hugging Face hub at a pinned commit into our layout.

    Only safetensors, JSON and tokenizer files are fetched. An access token is taken by the hub's client from HF_TOKEN
    alone; it is never read, written or printed here.

    Raises:
        InputError: the revision is no full commit, the hub cannot be reached, access is not granted, or as
            `import_folder`.
    """
    from huggingface_hub import errors, snapshot_download

    where = f"{repository}@{revision[:12]}"
    if not re.fullmatch(r"[0-9a-f]{40}", revision):
        raise InputError(
            f"the revision {revision!r} is no full commit",
            where=repository,
            remedy="Pin the 40 hexadecimal digits that the hub shows under Files and versions",
        )
    include = " ".join(f"--include '{pattern}'" for pattern in HUB_FILES)
    prefetch = f"hf download {repository} --revision {revision} {include}"
    try:
        folder = snapshot_download(
            repository, revision=revision, allow_patterns=list(HUB_FILES), ignore_patterns=list(HUB_NOT)
        )
    except errors.GatedRepoError:
        raise InputError(
            "the model is gated and access was not granted",
            where=where,
            remedy=f"Accept its licence on the hub, put your token in the environment variable HF_TOKEN: {prefetch}",
        ) from None
    except (errors.RevisionNotFoundError, errors.RepositoryNotFoundError):
        raise InputError(
            "no such repository or revision on the hub, or it is private",
            where=where,
            remedy="Check both; for a private model put your token in the environment variable HF_TOKEN",
        ) from None
    except (
        errors.LocalEntryNotFoundError,
        errors.OfflineModeIsEnabled,
        # Which library defines it depends on the version of huggingface_hub.
        errors.HTTPError,  # type: ignore[attr-defined]
    ) as error:
        raise InputError(
            f"the hub cannot be reached ({type(error).__name__}) and the model is not in the local cache",
            where=where,
            remedy=f"Where there is a network: {prefetch} ; then set the environment variable HF_HUB_OFFLINE=1",
        ) from None
    return import_folder(folder, out, name=name, context=context)


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


def _weight_files(folder: Path) -> list[Path]:
    """The folder's safetensors files, each checked; one, or the shards that its index names."""
    if (folder / WEIGHTS).is_file():
        files = [folder / WEIGHTS]
    elif (folder / INDEX).is_file():
        index = read_json(folder / INDEX)
        names = index.get("weight_map") if isinstance(index, dict) else None
        if not isinstance(names, dict) or not names:
            raise InputError("no weight_map", where=str(folder / INDEX))
        files = [folder / Path(name).name for name in sorted(set(names.values()))]
    else:
        pickles = sorted(file.name for file in folder.iterdir() if file.suffix in PICKLES)
        raise InputError(
            f"the weights are pickles ({', '.join(pickles)}), which are never read"
            if pickles
            else f"the folder has no {WEIGHTS}",
            where=str(folder),
            remedy="Use a revision with safetensors, or convert it where you trust its origin: "
            "model.save_pretrained(folder)",
        )
    for file in files:
        _check_safetensors(file)
    return files


def _check_safetensors(path: Path) -> None:
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


def _dtype_of(files: list[Path]) -> DType:
    """The narrowest dtype that holds all weights of the files without loss."""
    found: set[str] = set()
    for path in files:
        with safe_open(path, framework="pt") as file:
            found.update(file.get_slice(name).get_dtype() for name in file.keys())  # noqa: SIM118
    floats = {name for name in found if name.startswith(("F", "BF"))}
    if floats == {"BF16"}:
        return "bfloat16"
    return "float16" if floats == {"F16"} else "float32"


def _read_model(folder: Path, dtype: DType) -> PreTrainedModel:
    """The model of a folder whose weights were checked; every tensor is the file's, or it is refused."""
    _refuse_code(folder)
    try:
        with _quiet():
            config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
            if type(config) not in AutoModelForCausalLM._model_mapping:
                raise InputError(
                    f"{config.model_type!r} is not a causal language model", where=str(folder / "config.json")
                )
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
    except (ValueError, OSError, KeyError) as error:
        first_line = str(error).strip().split("\n", 1)[0]
        raise InputError(f"the model cannot be read ({first_line})", where=str(folder)) from None
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


def _refuse_not_finite(model: nn.Module, where: str) -> None:
    for name, parameter in model.named_parameters():
        if not torch.isfinite(parameter).all():
            raise InputError(
                f"the tensor {name} has NaN or infinite values", where=where, remedy="These weights cannot be used"
            )


def _check_tokenizer(folder: Path, tokenizer: Any, model: PreTrainedModel) -> None:
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
def _quiet() -> Iterator[None]:
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
