"""The new weights of a neuron set: all that a training of some neurons changes, and all that it needs to keep."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from taskneurons.errors import InputError
from taskneurons.files import read_safetensors, write_safetensors
from taskneurons.neurons.sets import NeuronSet

_WEIGHT = re.compile(r"layers\.(\d+)\.((?:input\.\d+|output)(?:\.bias)?)")
_INDICES = re.compile(r"layers\.(\d+)\.neurons")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, eq=False)
class NeuronPatch:
    """What the neurons of a set become, on one base model and on the patches that lay on it.

    Args:
        neurons: whose weights these are; at least one.
        weights: float32 arrays. `layers.{l}.input.{i}`: (members in layer l, hidden size), the members' weights in the
            i-th input projection, ordered by neuron; gated FFNs have two, gate and up. `layers.{l}.output`: the same of
            the output projection. `layers.{l}.input.{i}.bias`: (members,), where neurons own biases. Read-only views
            are kept.
        base: digest of the base model's weights file.
        below: digests of the patches that were applied before, from the first to the last.
        tasks: names of the tasks that it was trained on.

    Raises:
        InputError: no neuron, a digest that is none, an array missing, of another shape or dtype, NaN or infinite.
    """

    neurons: NeuronSet
    weights: Mapping[str, np.ndarray]
    base: str
    below: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.neurons:
            raise InputError("a patch of no neurons would change nothing")
        for digest in (self.base, *self.below):
            if not _DIGEST.fullmatch(digest):
                raise InputError(f"{digest!r} is no SHA-256 digest of 64 hexadecimal digits")
        self._check_kinds()
        members = self.neurons.layers()
        kept = {}
        for name in sorted(self.weights):
            array = np.asarray(self.weights[name]).view()
            layer, kind = _place(name)
            expected = 1 if kind.endswith(".bias") else 2
            if array.dtype != np.float32 or array.ndim != expected or len(array) != members[layer]:
                raise InputError(
                    f"float32 of {expected} dimensions for {members[layer]} neurons was expected, not {array.dtype} of "
                    f"shape {array.shape}",
                    where=name,
                )
            if not np.isfinite(array).all():
                raise InputError("holds NaN or infinite values", where=name, remedy="The training diverged")
            array.setflags(write=False)
            kept[name] = array
        object.__setattr__(self, "weights", kept)

    @property
    def parameters(self) -> int:
        """The number of weights."""
        return sum(array.size for array in self.weights.values())

    @cached_property
    def digest(self) -> str:
        """SHA-256, in hexadecimal, of everything that the patch says and holds."""
        content = hashlib.sha256(json.dumps(self._header(), sort_keys=True).encode())
        for name, array in self.weights.items():
            content.update(f"{name} {array.shape}".encode())
            content.update(np.ascontiguousarray(array, dtype="<f4").data)
        return content.hexdigest()

    def _header(self) -> dict[str, str]:
        return {
            "base": self.base,
            "below": json.dumps(self.below),
            "set": self.neurons.digest,
            "shape": json.dumps(self.neurons.shape),
            "tasks": json.dumps(self.tasks),
        }

    def _check_kinds(self) -> None:
        """Every layer that has members, and no other, holds the same kinds of weights."""
        kinds: dict[int, set[str]] = {int(layer): set() for layer in np.flatnonzero(self.neurons.layers())}
        for name in self.weights:
            layer, kind = _place(name)
            if layer not in kinds:
                raise InputError(f"layer {layer} has no neuron in the set", where=name)
            kinds[layer].add(kind)
        wanted = set.union(*kinds.values()) | {"input.0", "output"}
        for layer, found in kinds.items():
            if missing := sorted(wanted - found):
                raise InputError(f"layer {layer} lacks {', '.join(missing)}", where="patch")


def save_patch(path: str | Path, patch: NeuronPatch) -> None:
    """Write a patch as safetensors: its arrays, the members of each layer as `layers.{l}.neurons`, and its header."""
    indices = {
        f"layers.{layer}.neurons": np.flatnonzero(patch.neurons.mask[layer]).astype(np.int32)
        for layer in np.flatnonzero(patch.neurons.layers())
    }
    # The digest holds the header's other entries too.
    write_safetensors(path, {**patch.weights, **indices}, {**patch._header(), "digest": patch.digest})


def load_patch(path: str | Path) -> NeuronPatch:
    """Read what `save_patch` wrote.

    Raises:
        InputError: the file is unreadable, holds no patch, or its content is not what its digest says.
    """
    tensors, header = read_safetensors(path)
    try:
        base, digest = header["base"], header["digest"]
        below, tasks = (tuple(_strings(header[key])) for key in ("below", "tasks"))
        neurons = _members(tensors, json.loads(header["shape"]))
        weights = {name: array for name, array in tensors.items() if not _INDICES.fullmatch(name)}
        patch = NeuronPatch(neurons, weights, base, below, tasks)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"not a neuron patch: its header is absent or damaged ({error})",
            where=str(path),
            remedy="Use a file that a training of neurons wrote",
        ) from None
    except InputError as error:
        where = str(path) if error.where is None else f"{path}: {error.where}"
        raise InputError(error.message, where=where, remedy=error.remedy) from None
    if header.get("set") != neurons.digest or digest != patch.digest:
        raise InputError(
            "the content is not what its digest says",
            where=str(path),
            remedy="The file is damaged or was edited: make it again",
        )
    return patch


def _place(name: str) -> tuple[int, str]:
    """The layer of an array and what it holds."""
    match = _WEIGHT.fullmatch(name)
    if match is None:
        raise InputError("not the name of a neuron's weights", where=name)
    return int(match[1]), match[2]


def _strings(text: str) -> list[str]:
    values = json.loads(text)
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ValueError(f"a list of texts was expected, not {text[:40]}")
    return values


def _members(tensors: Mapping[str, np.ndarray], shape: Any) -> NeuronSet:
    """The neuron set whose members the index arrays give."""
    pairs = [
        (int(match[1]), int(neuron))
        for name, array in tensors.items()
        if (match := _INDICES.fullmatch(name))
        for neuron in array.ravel()
    ]
    layers, width = shape
    return NeuronSet.from_indices(pairs, (layers, width))
