"""Models as others publish them, brought into our layout: from a folder, from the hub, from a GGUF file.

The architecture is looked at first, so that what no study can read is refused before anything is computed. The code of
a model repository is never run, and pickles are never read.
"""

import json
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from tokenizers import Tokenizer
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    GgufConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from taskneurons.architectures import (
    INDEX,
    LANGUAGE_MODELS,
    WEIGHTS,
    require_config,
    require_no_adapter,
    require_supported,
    supported,
    without_weights,
)
from taskneurons.errors import InputError
from taskneurons.files import read_json, sha256
from taskneurons.hub import MODEL_FILES, NOT_FILES, asking
from taskneurons.models.load import (
    DType,
    check_safetensors,
    check_tokenizer,
    quiet,
    read_config,
    read_model,
    save_checkpoint,
)
from taskneurons.models.prompts import Prompts, prepare_for
from taskneurons.models.rotary import fix_frequencies
from taskneurons.models.tokenizers import load_tokenizer

log = logging.getLogger(__name__)

FLOATS = ("F64", "F32", "F16", "BF16")
COMPUTED = ("rotary_emb.inv_freq",)
GGUF_MAGIC = b"GGUF"


def import_folder(path: str | Path, out: str | Path, *, name: str, context: int, prompts: Prompts = "plain") -> str:
    """Bring a model of any Hugging Face folder (one or several safetensors files) into our layout.

    The weights keep their dtype. A tokenizer without a pad token gets eos as pad; a remark in checkpoint.json says so.

    Args:
        path: folder with config.json, *.safetensors and the tokenizer's files.
        out: the checkpoint folder to write.
        name: what the user calls the model.
        context: longest sequence that will be used, tokens; not more than the model can.
        prompts: their form; see `prepare_for`.

    Returns:
        The digest of the written weights.

    Raises:
        InputError: as `load_checkpoint`, the folder has no safetensors, or holds an adapter, a quantised model or one
            of an architecture that is not supported.
    """
    path = Path(path)
    _, _, dtype = supported_folder(path)
    tokenizer = load_tokenizer(path)
    remarks = _prepare(tokenizer, prompts, str(path))
    whole = read_model(path, dtype)
    model = _language_model(whole)
    if model is not whole:
        remarks = (*remarks, f"Only the language model of the {whole.config.model_type} is kept.")
    return _keep(model, tokenizer, out, where=str(path), name=name, context=context, remarks=remarks)


def import_hub(
    repository: str, revision: str, out: str | Path, *, name: str, context: int, prompts: Prompts = "plain"
) -> str:
    """Bring a model of the Hugging Face hub at a pinned commit into our layout.

    Only safetensors, JSON and tokenizer files are fetched. An access token is taken by the hub's client from HF_TOKEN
    alone; it is never read, written or printed here.

    Raises:
        InputError: the revision is no full commit, the hub cannot be reached, access is not granted, or as
            `import_folder`.
    """
    from huggingface_hub import snapshot_download

    where = f"{repository}@{revision[:12]}"
    if not re.fullmatch(r"[0-9a-f]{40}", revision):
        raise InputError(
            f"the revision {revision!r} is no full commit",
            where=repository,
            remedy="Pin the 40 hexadecimal digits that the hub shows under Files and versions",
        )
    include = " ".join(f"--include '{pattern}'" for pattern in MODEL_FILES)
    prefetch = f"hf download {repository} --revision {revision} {include}"
    with asking(where, prefetch=prefetch):
        folder = snapshot_download(
            repository, revision=revision, allow_patterns=list(MODEL_FILES), ignore_patterns=list(NOT_FILES)
        )
    return import_folder(folder, out, name=name, context=context, prompts=prompts)


def import_gguf(
    file: str | Path, digest: str, out: str | Path, *, name: str, context: int, dtype: DType, prompts: Prompts
) -> str:
    """Bring a model of a GGUF file into our layout, with its tokenizer and its chat template.

    Quantised weights become numbers, by transformers and gguf.

    Args:
        file: the file.
        digest: its SHA-256.
        out: the checkpoint folder to write.
        name: what the user calls the model.
        context: longest sequence that will be used, tokens; not more than the model can.
        dtype: of the weights that are written.
        prompts: their form; see `prepare_for`.

    Returns:
        The digest of the written weights.

    Raises:
        InputError: the file is absent, another one, no GGUF file, or of an architecture that is not supported.
    """
    file = Path(file)
    if not file.is_file():
        raise InputError("no such file", where=str(file))
    found = sha256(file)
    if found != digest:
        raise InputError(
            f"the SHA-256 is {found}, the parameters say {digest}",
            where=str(file),
            remedy="Write the right one, or fetch the file again",
        )
    config, tokenizer = supported_gguf(file)
    remarks = _prepare(tokenizer, prompts, str(file))
    with _readable(file), quiet():
        model = _dequantised(file, config, dtype)
    return _keep(model, tokenizer, out, where=str(file), name=name, context=context, remarks=remarks)


def packaged(package: str, path: str) -> Path:
    """A file inside an installed package, whose code is not run.

    Raises:
        InputError: the package is not installed, or is none.
    """
    try:
        found = find_spec(package)
    except ValueError:
        # What runs now, as `__main__`, may say nothing of where it is from.
        found = None
    if found is None and package not in sys.modules:
        raise InputError(
            f"the package {package!r} is not installed",
            where=path,
            remedy=f"Install it without what it needs itself: pip install --no-deps {package.replace('_', '-')}",
        )
    if found is None or not found.submodule_search_locations:
        raise InputError(f"{package!r} is no package", where=path)
    return Path(found.submodule_search_locations[0]) / path


def _dequantised(file: Path, config: Any, dtype: DType) -> PreTrainedModel:
    """The model of a GGUF file with plain weights.

    transformers calls what it read quantised and refuses to write it, so that its weights move into a plain model.
    """
    kind = getattr(torch, dtype)
    loaded: Any = AutoModelForCausalLM.from_pretrained(
        file.parent,
        gguf_file=file.name,
        dtype=kind,
        quantization_config=GgufConfig(dequantize=True),
        output_loading_info=True,
    )
    read, info = loaded
    # The head of a model that ties it to its embedding is in no file.
    if absent := sorted(set(info["missing_keys"]) - set(read._tied_weights_keys or ())):
        raise InputError(f"{len(absent)} missing tensors, the first is {absent[0]}", where=str(file))
    model: PreTrainedModel = AutoModelForCausalLM.from_config(config, dtype=kind)
    model.load_state_dict(read.state_dict())
    return model


def _without_added(tokenizer: Any, size: int) -> Any:
    """A tokenizer without the tokens that transformers adds to a file that has no <unk>, which no embedding has."""
    if len(tokenizer) <= size:
        return tokenizer
    content = json.loads(tokenizer.backend_tokenizer.to_str())
    content["added_tokens"] = [token for token in content["added_tokens"] if token["id"] < size]
    known = {
        role: token
        for role, token in tokenizer.special_tokens_map.items()
        if isinstance(token, str) and tokenizer.convert_tokens_to_ids(token) < size
    }
    rebuilt = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(json.dumps(content)), **known)
    rebuilt.chat_template = tokenizer.chat_template
    return rebuilt


def _language_model(model: PreTrainedModel) -> PreTrainedModel:
    """The language model of one that reads images too, or the model itself."""
    path = LANGUAGE_MODELS.get(model.config.model_type)
    if path is None:
        return model
    config = model.config.get_text_config()
    alone: PreTrainedModel = AutoModelForCausalLM.from_config(config, dtype=model.dtype)
    alone.base_model.load_state_dict(model.get_submodule(path).state_dict())
    alone.get_output_embeddings().load_state_dict(model.get_output_embeddings().state_dict())
    return alone


def _prepare(tokenizer: Any, prompts: Prompts, where: str) -> tuple[str, ...]:
    """Give a tokenizer the form of prompts and the special tokens that it needs; what was done, in sentences."""
    if tokenizer.eos_token is None:
        raise InputError("the tokenizer has no eos token, an answer could not end", where=where)
    remarks = list(prepare_for(prompts, tokenizer, where))
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
        remarks.append(f"The tokenizer had no pad token: eos ({tokenizer.eos_token}) pads.")
    for remark in remarks:
        log.warning("%s: %s", where, remark)
    return tuple(remarks)


def _keep(
    model: PreTrainedModel,
    tokenizer: Any,
    out: str | Path,
    *,
    where: str,
    name: str,
    context: int,
    remarks: tuple[str, ...],
) -> str:
    """Write a model that was read, and its tokenizer, as a checkpoint."""
    check_tokenizer(Path(where), tokenizer, model)
    longest = getattr(model.config, "max_position_embeddings", None)
    if longest is not None and context > longest:
        raise InputError(
            f"a context of {context} tokens is asked for, the model has {longest} positions",
            where=where,
            remedy=f"Choose a context of at most {longest}",
        )
    if fix_frequencies(model, context):
        remark = f"Rotary positions are those of sequences of {context} tokens for every text, however short it is."
        log.warning("%s: %s", where, remark)
        remarks = (*remarks, remark)
    return save_checkpoint(out, model, tokenizer, name=name, context=context, parent=None, remarks=remarks)


def _weight_files(folder: Path) -> list[Path]:
    """The folder's safetensors files, each checked; one, or the shards that its index names."""
    if (folder / WEIGHTS).is_file():
        files = [folder / WEIGHTS]
    elif (folder / INDEX).is_file():
        index = read_json(folder / INDEX)
        names = index.get("weight_map") if isinstance(index, dict) else None
        if not isinstance(names, dict) or not names or not all(isinstance(name, str) for name in names.values()):
            raise InputError("no weight_map of the names of files", where=str(folder / INDEX))
        files = [folder / Path(name).name for name in sorted(set(names.values()))]
    else:
        raise without_weights([file.name for file in folder.iterdir()], str(folder))
    for file in files:
        check_safetensors(file)
    return files


def _dtype_of(files: list[Path]) -> DType:
    """The narrowest dtype that holds all weights of the files without loss.

    Raises:
        InputError: weights are codes of a quantised model.
    """
    found: set[str] = set()
    for path in files:
        with safe_open(path, framework="pt") as file:
            # Old files hold what is computed anew when a model is made.
            names = [name for name in file.keys() if not name.endswith(COMPUTED)]  # noqa: SIM118
            kinds = {name: file.get_slice(name).get_dtype() for name in names}
        codes = sorted(name for name, kind in kinds.items() if name.endswith(".weight") and kind not in FLOATS)
        if codes:
            raise InputError(
                f"the weights are codes of a quantised model ({codes[0]} is {kinds[codes[0]]})",
                where=str(path),
                remedy="Take the model as it was before it was quantised",
            )
        found.update(kinds.values())
    floats = {name for name in found if name.startswith(("F", "BF"))}
    if floats == {"BF16"}:
        return "bfloat16"
    return "float16" if floats == {"F16"} else "float32"


def supported_config(path: Path) -> Any:
    """The configuration of a model folder whose weights may not be there yet.

    Raises:
        InputError: there is none, or as `import_folder`.
    """
    require_config(path / "config.json")
    return read_config(path)


def supported_folder(path: Path) -> tuple[Any, list[Path], DType]:
    """The configuration of a model folder that `import_folder` takes, its weights files and their dtype.

    Only the headers of the weights are read.

    Raises:
        InputError: as `import_folder`.
    """
    if not path.is_dir():
        raise InputError("no such folder", where=str(path))
    config = supported_config(path)
    files = _weight_files(path)
    require_no_adapter([file.name for file in path.iterdir()], str(path))
    return config, files, _dtype_of(files)


def supported_gguf(file: Path) -> tuple[Any, Any]:
    """The configuration and the tokenizer of a GGUF file that `import_gguf` takes.

    Raises:
        InputError: as `import_gguf`.
    """
    # Only users of such a file pay for the import.
    from gguf import GGUFReader

    with file.open("rb") as stream:
        if stream.read(len(GGUF_MAGIC)) != GGUF_MAGIC:
            raise InputError(
                "not a GGUF file", where=str(file), remedy="Name one that ends in .gguf, or a folder of safetensors"
            )
    try:
        GGUFReader(file)
    # What is cut or damaged makes it fail in whatever place it is read.
    except Exception:
        raise InputError(
            "not a whole GGUF file", where=str(file), remedy="It is truncated or damaged: fetch it again"
        ) from None
    with _readable(file), quiet():
        config = AutoConfig.from_pretrained(file.parent, gguf_file=file.name)
        require_supported(config.model_type, str(file))
        tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
        return config, _without_added(tokenizer, config.vocab_size)


@contextmanager
def _readable(file: Path) -> Iterator[None]:
    """What the libraries raise for a GGUF file, as one sentence."""
    try:
        yield
    # They raise bare exceptions of many types for what they do not know.
    except (ArithmeticError, AttributeError, LookupError, OSError, RuntimeError, TypeError, ValueError) as error:
        first_line = str(error).strip().split("\n", 1)[0]
        raise InputError(f"the model cannot be read ({first_line})", where=str(file), remedy=supported()) from None
