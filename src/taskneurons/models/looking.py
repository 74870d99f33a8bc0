"""What can be told of a model before it is imported: its shape, its tokenizer, and how it would read tasks.

Only configuration, tokenizer and the headers of weights are read.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import safe_open
from transformers import AutoModelForCausalLM

from taskneurons.architectures import ADAPTER, LANGUAGE_MODELS, without_weights
from taskneurons.errors import InputError
from taskneurons.hub import MODEL_FILES, NETWORK, NOT_FILES, asking
from taskneurons.models.encoding import encode, encode_options
from taskneurons.models.importing import (
    COMPUTED,
    supported_config,
    supported_folder,
    supported_gguf,
)
from taskneurons.models.load import DType, check_tokenizer, quiet
from taskneurons.models.prompts import Prompts, prepare_for
from taskneurons.models.tokenizers import load_tokenizer

if TYPE_CHECKING:
    from taskneurons.tasks.task import Example, Task

# Longer than any text of an example: nothing is cut.
NO_LIMIT = 10**9
# What git keeps in place of a large file begins with it.
POINTER = b"version https://git-lfs"
_PLAIN = "Add --prompts plain, or take a model that was made for conversations"


@dataclass(frozen=True)
class Look:
    """A model that an import would take.

    Attributes:
        architecture: the `model_type` of its configuration.
        positions: longest sequence that it can read, tokens; None where nothing limits it.
        parameters: number of its parameters.
        tokenizer: its tokenizer.
        where: its folder, file or repository.
    """

    architecture: str
    positions: int | None
    parameters: int
    tokenizer: Any
    where: str

    def prepared(self, prompts: Prompts | None) -> Prompts:
        """Give the tokenizer a form of prompts; see `prepare_for`.

        Args:
            prompts: the form; None: that of a chat where the tokenizer has a template.

        Returns:
            The form.

        Raises:
            InputError: the tokenizer has no eos token, or as `prepare_for`.
        """
        chosen: Prompts = prompts or ("plain" if self.tokenizer.chat_template is None else "chat")
        if self.tokenizer.eos_token is None:
            raise InputError("the tokenizer has no eos token, an answer could not end", where=self.where)
        try:
            prepare_for(chosen, self.tokenizer, self.where)
        except InputError as error:
            raise InputError(error.message, where=error.where, remedy=_PLAIN) from None
        # A template is a program of others, which fails in its own ways.
        except Exception as error:
            said = f"the chat template cannot be used ({_last_line(error)})"
            raise InputError(said, where=self.where, remedy=_PLAIN) from None
        return chosen


@dataclass(frozen=True)
class Lengths:
    """How a model reads a task.

    Attributes:
        prompts: tokens of each prompt.
        answers: tokens of each answer, with the one that ends it.
        options: tokens of the longest option; 0 for a generation.
        shown: the first training example as the model sees it.
    """

    prompts: tuple[int, ...]
    answers: tuple[int, ...]
    options: int
    shown: str

    def needed(self, generated: int) -> list[int]:
        """Tokens of each example, with room for the longest option or for a generated answer.

        Args:
            generated: tokens that a generated answer has at most.
        """
        reserve = self.options or generated
        return [prompt + max(answer, reserve) for prompt, answer in zip(self.prompts, self.answers, strict=True)]


def look_at_folder(path: Path) -> Look:
    """Look at a model in a folder of safetensors.

    Raises:
        InputError: as `import_folder`, as far as it can be told without reading weights.
    """
    names = {file.name for file in path.iterdir()}
    if ADAPTER in names and "config.json" not in names:
        raise without_weights(names, str(path))
    for name in sorted(names):
        # What no job reads may be a pointer.
        if any(fnmatch(name, pattern) for pattern in MODEL_FILES) and not any(fnmatch(name, no) for no in NOT_FILES):
            _refuse_pointer(path / name)
    with _sensible(str(path)):
        config, files, dtype = supported_folder(path)
        model = _fitting(path, config, dtype)
    tokenizer = load_tokenizer(path)
    _require_ids(tokenizer, model, str(path))
    part = LANGUAGE_MODELS.get(config.model_type, "").rpartition(".")[2]
    return Look(config.model_type, _positions(config), _count(files, part), tokenizer, str(path))


def look_at_gguf(file: Path) -> Look:
    """Look at a model in a GGUF file.

    Raises:
        InputError: as `import_gguf`, as far as it can be told without reading weights.
    """
    from gguf import GGUFReader

    _refuse_pointer(file)
    config, tokenizer = supported_gguf(file)
    parameters = sum(int(tensor.n_elements) for tensor in GGUFReader(file).tensors)
    return Look(config.model_type, _positions(config), parameters, tokenizer, str(file))


def look_at_hub(repository: str, revision: str | None) -> tuple[Look, str]:
    """Look at a model of the Hugging Face hub; its weights are not fetched.

    Returns:
        The model and the commit of the repository.

    Raises:
        InputError: the hub cannot be asked, or as `import_hub`.
    """
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import NotASafetensorsRepoError, SafetensorsParsingError

    api = HfApi()
    others = ["*.safetensors", *NOT_FILES]
    with asking(repository, offline=f"{NETWORK}, or fetch the model and name its folder"):
        info = api.model_info(repository, revision=revision)
        commit = str(info.sha)
        found = snapshot_download(repository, revision=commit, allow_patterns=list(MODEL_FILES), ignore_patterns=others)
        folder = Path(found)
        with _sensible(repository), quiet():
            config = supported_config(folder)
            with torch.device("meta"):
                model = AutoModelForCausalLM.from_config(config)
        try:
            counts = api.get_safetensors_metadata(repository, revision=commit).parameter_count
        except NotASafetensorsRepoError:
            raise without_weights([one.rfilename for one in info.siblings or ()], repository) from None
        except SafetensorsParsingError:
            raise InputError("its safetensors files cannot be read", where=repository) from None
    tokenizer = load_tokenizer(folder)
    _require_ids(tokenizer, model, repository)
    return Look(config.model_type, _positions(config), sum(counts.values()), tokenizer, repository), commit


def lengths(task: "Task", splits: "Mapping[str, Sequence[Example]]", tokenizer: Any) -> Lengths:
    """How a model with this tokenizer reads the examples of a task, uncut.

    Raises:
        InputError: two options have the same tokens, or a text cannot be read.
    """
    encoded = encode(list(chain.from_iterable(splits.values())), tokenizer, NO_LIMIT)
    first = encode(splits["train"][:1], tokenizer, NO_LIMIT)[0]
    options = encode_options(task.options, tokenizer)
    return Lengths(
        prompts=tuple(len(one.prompt) for one in encoded),
        answers=tuple(len(one.target) for one in encoded),
        options=max(map(len, options), default=0),
        shown=tokenizer.decode([*first.prompt, *first.target]),
    )


def _fitting(path: Path, config: Any, dtype: DType) -> Any:
    """The model of a folder without its weights, whose tensors have the names and shapes that config.json says.

    Raises:
        InputError: they have others.
    """
    with quiet():
        # Nothing is read for this device but names and shapes.
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            path,
            config=config,
            use_safetensors=True,
            trust_remote_code=False,
            dtype=getattr(torch, dtype),
            device_map="meta",
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    model, info = loaded
    odd = [f"{name} is {kind}" for kind in ("missing", "unexpected") for name in sorted(info[f"{kind}_keys"])]
    odd += [f"{name} is {tuple(found)}, not {tuple(due)}" for name, found, due in sorted(info["mismatched_keys"])]
    if odd:
        others = f" and {len(odd) - 1} more" if len(odd) > 1 else ""
        raise InputError(
            f"tensors are not those that config.json says: {odd[0]}{others}",
            where=str(path),
            remedy="The weights and config.json do not belong together",
        )
    return model


def _require_ids(tokenizer: Any, model: Any, where: str) -> None:
    """Refuse a tokenizer with more ids than the model's embedding; one without eos is refused when it is prepared."""
    if tokenizer.eos_token is not None:
        tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
        check_tokenizer(Path(where), tokenizer, model)


@contextmanager
def _sensible(where: str) -> Iterator[None]:
    """What transformers raises for a configuration whose values make no sense, as one sentence.

    Args:
        where: the model as the user names it.
    """
    try:
        yield
    # What cannot be read or held is no fault of the configuration.
    except (InputError, OSError, MemoryError):
        raise
    # It computes with what is written there, which may fail anywhere.
    except Exception as error:
        raise InputError(
            f"config.json describes no model ({type(error).__name__}: {_last_line(error)})",
            where=where,
            remedy="Correct it, or fetch it again",
        ) from None


def _last_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["no more is said"])[-1].strip()


def _refuse_pointer(file: Path) -> None:
    """Refuse what git-lfs leaves where the file itself was not fetched."""
    if file.is_file():
        with file.open("rb") as stream:
            if stream.read(len(POINTER)) == POINTER:
                raise InputError(
                    "a pointer of git-lfs and not the file itself",
                    where=str(file),
                    remedy="Run `git lfs pull` in its repository",
                )


def _positions(config: Any) -> int | None:
    found: int | None = getattr(config.get_text_config(), "max_position_embeddings", None)
    return found


def _count(files: Sequence[Path], part: str) -> int:
    """The parameters whose names have this part."""
    total = 0
    for path in files:
        with safe_open(path, framework="pt") as file:
            names = [name for name in file.keys() if part in name and not name.endswith(COMPUTED)]  # noqa: SIM118
            total += sum(math.prod(file.get_slice(name).get_shape()) for name in names)
    return total
