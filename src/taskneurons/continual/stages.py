"""What stages of streams learned, kept in files, so that a stage is done once: after a kill, and in other orders too.

Everything that decides a stage is in its key: the method, the examples of the tasks so far in their order, the recipe,
the model, the code. So two orders that begin alike share their first stages, and an order whose last task has changed
trains that stage alone.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from taskneurons.continual.method import Learned
from taskneurons.engine import processes
from taskneurons.errors import InputError
from taskneurons.files import read_json, write_json, write_safetensors

_FACTS = ("task", "settings", "trainable", "passes", "loss")


class Stages:
    """A folder of stages and of their scores.

    Args:
        folder: made when something is kept.
        identity: everything besides a stage's own key that decides it.
    """

    def __init__(self, folder: str | Path, identity: str) -> None:
        self._folder, self._identity = Path(folder), identity
        self._used: set[Path] = set()

    def learned(self, key: Any, make: Callable[[], Learned]) -> Learned:
        """The stage with this key, which must be JSON: read, or made and kept."""
        path = self._path(key, "safetensors")
        try:
            if path.exists():
                return _read(path)
        except (SafetensorError, KeyError, ValueError):
            # It was made for this purpose only; without it the stage is done again.
            path.unlink(missing_ok=True)
        made = make()
        facts = asdict(replace(made, tensors={}))
        write_safetensors(path, made.tensors, {name: json.dumps(facts[name]) for name in _FACTS})
        return _read(path)

    def found(self, key: Any, make: Callable[[], Any]) -> Any:
        """The JSON document with this key: read, or made and kept."""
        path = self._path(key, "json")
        try:
            if path.exists():
                return read_json(path)
        except InputError:
            path.unlink(missing_ok=True)
        made = make()
        write_json(path, made)
        return made

    def finish(self, *, keep: bool) -> None:
        """The job is done: keep the stages that it used for a next one, which takes disk, or remove all."""
        # Others of several processes may still read them; the first one removes them.
        processes.wait()
        if processes.place():
            return
        for path in self._folder.glob("*"):
            if not (keep and path in self._used):
                path.unlink()
        if self._folder.exists() and not any(self._folder.iterdir()):
            self._folder.rmdir()

    def _path(self, key: Any, ending: str) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        whole = json.dumps([self._identity, ending, key], sort_keys=True)
        path = self._folder / f"{hashlib.sha256(whole.encode()).hexdigest()[:32]}.{ending}"
        self._used.add(path)
        return path


def _read(path: Path) -> Learned:
    with safe_open(path, framework="np") as file:
        header = file.metadata() or {}
        names = tuple(file.keys())
    return Learned(tensors=_OnDisk(path, names), **{name: json.loads(header[name]) for name in _FACTS})


class _OnDisk(Mapping[str, np.ndarray]):
    """The tensors of a file, read when asked for: stages of a large model need not fit into memory together."""

    def __init__(self, path: Path, names: tuple[str, ...]) -> None:
        self._path, self._names = path, names

    def __getitem__(self, name: str) -> np.ndarray:
        with safe_open(self._path, framework="np") as file:
            if name not in self._names:
                raise KeyError(name)
            tensor: np.ndarray = file.get_tensor(name)
            return tensor

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
