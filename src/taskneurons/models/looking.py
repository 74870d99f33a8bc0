"""What can be told of a model before it is imported: its shape, its tokenizer, and how it would read tasks.

Only configuration, tokenizer and the headers of weights are read.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import safe_open

from taskneurons.architectures import LANGUAGE_MODELS, without_weights
from taskneurons.errors import InputError
from taskneurons.hub import MODEL_FILES, NETWORK, NOT_FILES, asking
from taskneurons.models.encoding import encode, encode_options
from taskneurons.models.importing import (
    COMPUTED,
    supported_config,
    supported_folder,
    supported_gguf,
)
from taskneurons.models.prompts import Prompts, prepare_for
from taskneurons.models.tokenizers import load_tokenizer

if TYPE_CHECKING:
    from taskneurons.tasks.task import Example, Task

# Longer than any text of an example: nothing is cut.
NO_LIMIT = 10**9


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
        prepare_for(chosen, self.tokenizer, self.where)
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
    config, files, _ = supported_folder(path)
    part = LANGUAGE_MODELS.get(config.model_type, "").rpartition(".")[2]
    return Look(config.model_type, _positions(config), _count(files, part), load_tokenizer(path), str(path))


def look_at_gguf(file: Path) -> Look:
    """Look at a model in a GGUF file.

    Raises:
        InputError: as `import_gguf`, as far as it can be told without reading weights.
    """
    from gguf import GGUFReader

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
        config = supported_config(folder)
        try:
            counts = api.get_safetensors_metadata(repository, revision=commit).parameter_count
        except NotASafetensorsRepoError:
            raise without_weights([one.rfilename for one in info.siblings or ()], repository) from None
        except SafetensorsParsingError:
            raise InputError("its safetensors files cannot be read", where=repository) from None
    look = Look(config.model_type, _positions(config), sum(counts.values()), load_tokenizer(folder), repository)
    return look, commit


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
