"""Neuron sets in forms that other programs read: Parquet, one row a neuron, and nested lists of indices as JSON.

The nested form is that of Tang et al. 2024 (ACL, arXiv 2402.16438), whose project publishes for each language a list
over layers of the indices of its neurons; here tasks stand in the place of languages.
"""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from taskneurons.errors import InputError
from taskneurons.files import read_json, replacing, write_text
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.sets import NeuronSet, load_sets

FOLDER = Path("results/neurons")
COLUMNS = ("suite", "model", "seed", "selection", "task", "set", "layer", "neuron", "score")


@dataclass(frozen=True)
class SetFile:
    """A file of named neuron sets of one task, as the workflow lays it.

    Args:
        root: folder of all neuron results, such as results/neurons.
        suite, model, seed: the run.
        selection: estimator, percentage and ranking, such as `taylor-10-model`.
        task: whose neurons they are.
    """

    root: Path
    suite: str
    model: str
    seed: int
    selection: str
    task: str

    @property
    def path(self) -> Path:
        """The file of the sets."""
        return self._run / "sets" / self.selection / f"{self.task}.safetensors"

    def scores(self, estimator: str) -> Path:
        """The file of the scores that the sets were chosen by."""
        return self._run / "scores" / estimator / f"{self.task}.safetensors"

    @property
    def _run(self) -> Path:
        return self.root / self.suite / self.model / f"seed{self.seed}"


def find_sets(root: Path = FOLDER, **chosen: str | int | None) -> list[SetFile]:
    """The files of sets below a folder, sorted by their fields.

    Args:
        root: folder of all neuron results.
        chosen: values that fields of `SetFile` must have; None for any.

    Raises:
        InputError: there is none; the message names the values that exist.
    """
    found = []
    for path in root.glob("*/*/seed*/sets/*/*.safetensors"):
        suite, model, seed, _, selection, name = path.relative_to(root).parts
        found.append(SetFile(root, suite, model, int(seed.removeprefix("seed")), selection, Path(name).stem))
    kept = [
        file for file in found if all(getattr(file, key) == value for key, value in chosen.items() if value is not None)
    ]
    if not kept:
        existing = "; ".join(f"{key} {', '.join(_values(found, key))}" for key in chosen) if found else "none"
        raise InputError(f"no neuron sets of this kind; there are: {existing}", where=str(root))
    return sorted(kept, key=lambda file: (file.suite, file.model, file.seed, file.selection, file.task))


def _values(files: Iterable[SetFile], key: str) -> list[str]:
    return sorted({str(getattr(file, key)) for file in files})


def write_parquet(path: str | Path, files: Iterable[SetFile]) -> int:
    """Write one row for each member of each set, in the order of the files, sets, layers and neurons.

    Args:
        path: the Parquet file; its columns are `COLUMNS`, score being that of the neuron on the task of the file.
        files: files of sets, with the scores that they were chosen by.

    Returns:
        The number of rows.

    Raises:
        InputError: a file cannot be read, or scores and sets differ in shape.
    """
    import pyarrow
    from pyarrow import parquet

    columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    for file in files:
        sets, header = load_sets(file.path)
        scores = NeuronScores.load(file.scores(header["estimator"]))
        for name, neurons in sets.items():
            if neurons.shape != scores.shape:
                raise InputError(
                    f"`{name}` has shape {neurons.shape}, the scores have {scores.shape}", where=str(file.path)
                )
            members = neurons.to_indices()
            run = {"suite": file.suite, "model": file.model, "seed": file.seed, "selection": file.selection}
            for key, value in (run | {"task": file.task, "set": name}).items():
                columns[key] += [value] * len(members)
            columns["layer"] += members[:, 0].tolist()
            columns["neuron"] += members[:, 1].tolist()
            columns["score"] += scores.scores[neurons.mask].tolist()
    whole = {"seed": pyarrow.int64(), "layer": pyarrow.int32(), "neuron": pyarrow.int32(), "score": pyarrow.float32()}
    schema = pyarrow.schema([(name, whole.get(name, pyarrow.string())) for name in COLUMNS])
    with replacing(path) as partial:
        parquet.write_table(pyarrow.table(columns, schema=schema), partial, compression="zstd")
    return len(columns["task"])


def to_nested(sets: Mapping[str, NeuronSet]) -> dict[str, Any]:
    """Sets of one model as JSON values.

    Args:
        sets: for each task its neurons, at least one.

    Returns:
        `indices`: tasks x layers x indices of neurons, ascending; `tasks`: the names, in this order;
        `neurons_per_layer`: how many a layer has.

    Raises:
        InputError: no set is given, or the sets belong to models of different shapes.
    """
    shapes = {neurons.shape for neurons in sets.values()}
    if len(shapes) != 1:
        raise InputError(f"nested lists hold the sets of one model, not of shapes {sorted(shapes)}")
    ((_, width),) = shapes
    return {
        "tasks": list(sets),
        "neurons_per_layer": width,
        "indices": [[layer.nonzero()[0].tolist() for layer in neurons.mask] for neurons in sets.values()],
    }


def from_nested(content: Any, *, where: str | None = None) -> dict[str, NeuronSet]:
    """The sets of what `to_nested` gave.

    Raises:
        InputError: a key is absent, a list is none, an index is no whole number of a layer or stands twice.
    """
    try:
        tasks, width, indices = (content[key] for key in ("tasks", "neurons_per_layer", "indices"))
    except (KeyError, TypeError):
        raise InputError("expected an object with `tasks`, `neurons_per_layer` and `indices`", where=where) from None
    if not _is_list_of(tasks, str) or len(set(tasks)) != len(tasks) or not tasks:
        raise InputError("`tasks` must be different names, at least one", where=where)
    if type(width) is not int or width < 1:
        raise InputError(f"`neurons_per_layer` is {width!r}, not a positive whole number", where=where)
    if not _is_list_of(indices, list) or len(indices) != len(tasks):
        raise InputError(f"`indices` must be one list for each of the {len(tasks)} tasks", where=where)
    depth = len(indices[0])
    sets = {}
    for task, layers in zip(tasks, indices, strict=True):
        place = f"{where or 'indices'}: {task}"
        if not layers or len(layers) != depth or not all(_is_list_of(layer, int) for layer in layers):
            raise InputError(f"expected {depth or 'some'} layers, each a list of whole numbers", where=place)
        if any(len(set(layer)) != len(layer) for layer in layers):
            raise InputError("an index stands twice in a layer", where=place)
        try:
            pairs = [(at, neuron) for at, layer in enumerate(layers) for neuron in layer]
            sets[task] = NeuronSet.from_indices(pairs, (depth, width))
        except InputError as error:
            raise InputError(error.message, where=place) from None
    return sets


def _is_list_of(value: Any, kind: type) -> bool:
    # True and false are whole numbers to Python.
    return isinstance(value, list) and all(type(item) is kind for item in value)


def write_nested(path: str | Path, files: Iterable[SetFile], name: str = "task") -> int:
    """Write one set of each file as nested lists, by task.

    Args:
        path: the JSON file.
        files: files of one model, seed and selection, one a task.
        name: which of the sets of each file.

    Returns:
        The number of tasks.

    Raises:
        InputError: the files are of more than one run or selection, or one holds no such set.
    """
    files = list(files)
    for key in ("suite", "model", "seed", "selection"):
        if len(values := _values(files, key)) > 1:
            raise InputError(f"nested lists hold one {key}; choose one of {', '.join(values)}", where=key)
    sets: dict[str, NeuronSet] = {}
    for file in files:
        found, _ = load_sets(file.path)
        if name not in found:
            raise InputError(f"holds no set `{name}`; there are {', '.join(found)}", where=str(file.path))
        sets[file.task] = found[name]
    write_text(path, json.dumps(to_nested(sets)) + "\n")
    return len(sets)


def read_nested(path: str | Path) -> dict[str, NeuronSet]:
    """The sets, by task, of a file in the form of `write_nested`, whoever wrote it.

    Raises:
        InputError: as `from_nested`; the message names the file. A pickle of torch is never read.
    """
    with suppress(OSError), Path(path).open("rb") as file:
        if file.read(2) in (b"PK", b"\x80\x02"):
            raise InputError(
                "a pickle of torch, which is never read",
                where=str(path),
                remedy="Where you trust its origin, write its lists as JSON: json.dump(torch.load(path), file)",
            )
    return from_nested(read_json(path), where=str(path))
