"""The user's own files that jobs read: tasks as JSON Lines, CSV or Parquet, models in a folder or a GGUF file."""

from collections.abc import Iterable
from pathlib import Path

from taskneurons.architectures import require_folder
from taskneurons.errors import InputError
from taskneurons.params.folders import regular_files
from taskneurons.params.models import Model
from taskneurons.params.suites import Suite
from taskneurons.tasks.file_forms import split_files

NEVER_READ = frozenset(
    {".bin", ".ckpt", ".gguf", ".h5", ".md", ".msgpack", ".onnx", ".pickle", ".pkl", ".pt", ".pth", ".py"}
)
"""Endings of files of a model folder that no import reads: weights in other forms, code, pages for people."""


def task_inputs(suite: Suite, tasks: Iterable[str]) -> list[str]:
    """The files that some tasks of a suite are read from.

    Raises:
        InputError: see `regular_files` and `split_files`.
    """
    if suite.source != "jsonl":
        return []
    folder = Path(suite.path)
    present = {path.name for path in regular_files(folder)}
    files = [name for task in tasks for name in split_files(task, present).values()]
    return [str(folder / name) for name in ["tasks.json", *files]]


def model_inputs(model: Model) -> list[str]:
    """The files that the import of a model may read: its GGUF file, or of a folder configuration, weights, tokenizer.

    A file inside an installed package is none of the user's; its SHA-256 is among the parameters. What a tokenizer
    reads depends on its kind (merges.txt, vocab.txt, a SentencePiece model, templates), so that every file of a folder
    counts which is not known to be something else.

    Raises:
        InputError: see `require_folder` and `regular_files`.
    """
    if model.source == "gguf":
        return [] if model.package is not None else [model.path]
    if model.source != "folder":
        return []
    folder = Path(model.path)
    if folder.is_file():
        require_folder(folder)
    files = regular_files(folder, below=True)
    require_folder(folder)
    return [
        path.as_posix()
        for path in files
        if path.suffix not in NEVER_READ and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]


def require_models(models: Iterable[Model]) -> None:
    """Refuse models of the user that no import takes, as far as it can be told at once.

    Raises:
        InputError: see `model_inputs`; or a GGUF file is absent.
    """
    for model in models:
        for file in model_inputs(model):
            if not Path(file).is_file():
                raise InputError("no such file", where=file, remedy="Name the GGUF file")
