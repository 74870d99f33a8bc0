"""Sets of FFN neurons as frozen masks, their algebra, and the one file form that holds several named sets."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int

from taskneurons.errors import InputError
from taskneurons.files import read_safetensors, write_safetensors


@dataclass(frozen=True, eq=False)
class NeuronSet:
    """Some of the FFN neurons of one model.

    Args:
        mask: (layers, neurons of a layer), true where the neuron belongs to the set. A read-only copy is kept.

    Raises:
        InputError: the mask is not a non-empty boolean matrix, or two sets of an operation differ in shape.
    """

    mask: Bool[np.ndarray, "layer neuron"]

    def __post_init__(self) -> None:
        mask = np.array(self.mask)
        if mask.dtype != np.bool_ or mask.ndim != 2 or mask.size == 0:
            raise InputError(
                f"a neuron set is a boolean matrix (layers, neurons), not {mask.dtype} of shape {mask.shape}"
            )
        mask.setflags(write=False)
        object.__setattr__(self, "mask", mask)

    @classmethod
    def from_indices(cls, indices: Iterable[tuple[int, int]], shape: tuple[int, int]) -> "NeuronSet":
        """The set of the (layer, neuron) pairs in a model of `shape` (layers, neurons of a layer).

        Raises:
            InputError: a pair lies outside the shape; negative indices do too.
        """
        mask = np.zeros(shape, dtype=bool)
        for layer, neuron in indices:
            if not (0 <= layer < shape[0] and 0 <= neuron < shape[1]):
                raise InputError(f"neuron ({layer}, {neuron}) lies outside a model of {shape[0]} x {shape[1]} neurons")
            mask[layer, neuron] = True
        return cls(mask)

    def to_indices(self) -> Int[np.ndarray, "member 2"]:
        """The members as rows (layer, neuron), ordered by layer, then by neuron."""
        return np.argwhere(self.mask)

    @property
    def shape(self) -> tuple[int, int]:
        """(layers, neurons of a layer) of the model that the set belongs to."""
        return self.mask.shape[0], self.mask.shape[1]

    def layers(self) -> Int[np.ndarray, " layer"]:
        """The number of members in each layer."""
        members: np.ndarray = self.mask.sum(axis=1)
        return members

    @cached_property
    def digest(self) -> str:
        """SHA-256, in hexadecimal, of the shape (two little-endian 64-bit integers) and the mask's packed bits."""
        shape = np.array(self.shape, dtype="<i8").tobytes()
        return hashlib.sha256(shape + np.packbits(self.mask).tobytes()).hexdigest()

    def jaccard(self, other: "NeuronSet") -> float:
        """|A & B| / |A | B| (Leng & Xiong 2025, Eq. 13), in [0, 1].

        Raises:
            InputError: both sets are empty, so that the ratio has no value.
        """
        union = len(self | other)
        if union == 0:
            raise InputError("the overlap of two empty neuron sets is not defined")
        return len(self & other) / union

    def __len__(self) -> int:
        return int(self.mask.sum())

    def __bool__(self) -> bool:
        return bool(self.mask.any())

    def __contains__(self, neuron: tuple[int, int]) -> bool:
        layer, index = neuron
        return 0 <= layer < self.shape[0] and 0 <= index < self.shape[1] and bool(self.mask[layer, index])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NeuronSet) and np.array_equal(self.mask, other.mask)

    def __hash__(self) -> int:
        return hash(self.digest)

    def __or__(self, other: "NeuronSet") -> "NeuronSet":
        return NeuronSet(self.mask | self._mask_of(other))

    def __and__(self, other: "NeuronSet") -> "NeuronSet":
        return NeuronSet(self.mask & self._mask_of(other))

    def __sub__(self, other: "NeuronSet") -> "NeuronSet":
        return NeuronSet(self.mask & ~self._mask_of(other))

    def __xor__(self, other: "NeuronSet") -> "NeuronSet":
        return NeuronSet(self.mask ^ self._mask_of(other))

    def __invert__(self) -> "NeuronSet":
        return NeuronSet(~self.mask)

    def __repr__(self) -> str:
        return f"NeuronSet({len(self)} of {self.shape[0]} x {self.shape[1]} neurons, {self.digest[:8]})"

    def _mask_of(self, other: "NeuronSet") -> np.ndarray:
        if self.shape != other.shape:
            raise InputError(
                f"neuron sets of different models: {self.shape[0]} x {self.shape[1]} and "
                f"{other.shape[0]} x {other.shape[1]} neurons"
            )
        return other.mask


def save_sets(path: str | Path, sets: Mapping[str, NeuronSet], header: Mapping[str, str]) -> None:
    """Write named sets of one model (say `task`, `bottom`, `random.0`) and a header of strings as safetensors.

    Raises:
        InputError: no set is given, or the sets belong to models of different shapes.
    """
    shapes = sorted({neurons.shape for neurons in sets.values()})
    if len(shapes) != 1:
        raise InputError(f"one file holds the sets of one model, not of shapes {shapes}", where=str(path))
    write_safetensors(path, {name: neurons.mask for name, neurons in sets.items()}, header)


def load_sets(path: str | Path) -> tuple[dict[str, NeuronSet], dict[str, str]]:
    """Read the named sets, ordered by name, and the header that `save_sets` wrote.

    Raises:
        InputError: the file is unreadable, holds no set, or a tensor is no boolean matrix; the message names both.
    """
    tensors, header = read_safetensors(path)
    if not tensors:
        raise InputError("holds no neuron set", where=str(path))
    sets = {}
    for name in sorted(tensors):
        try:
            sets[name] = NeuronSet(tensors[name])
        except InputError as error:
            raise InputError(error.message, where=f"{path}: {name}") from None
    return sets, header
