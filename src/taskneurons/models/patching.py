"""Putting neuron patches on a model and taking them off, bit for bit.

A model remembers the patches that lie on it. A patch goes only onto the base model and onto the stack of patches that
it was trained on, and only the topmost patch can be removed.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from taskneurons.errors import InputError
from taskneurons.models.neuron_weights import NeuronWeights, neuron_weights
from taskneurons.models.sharing import require_whole
from taskneurons.neurons.patches import NeuronPatch

_STACK = "_neuron_patches"


@dataclass(frozen=True, eq=False)
class _Applied:
    """A patch that lies on a model: its digest, and what was there before."""

    digest: str
    before: list[tuple[NeuronWeights, Tensor, Tensor | None]]


def applied_patches(model: nn.Module) -> tuple[str, ...]:
    """The digests of the patches that lie on the model, from the first to the last."""
    return tuple(applied.digest for applied in _stack(model))


def apply_patch(model: nn.Module, patch: NeuronPatch, *, base: str) -> None:
    """Give the patch's neurons its weights.

    Args:
        model: a causal language model of a supported architecture.
        patch: trained on this base and on the patches that now lie on it.
        base: digest of the weights file that the model was loaded from.

    Raises:
        InputError: the patch belongs to another base, to other patches below it or another order of them, or to a model
            of another shape; or the model's dtype cannot hold its values. The model is then as before.
    """
    places = checked_places(model, patch, base=base)
    arrays = [(place, *_arrays(place, patch)) for place in places]
    before = [(place, *place.read()) for place in places]
    for place, rows, bias in arrays:
        place.write(rows, bias)
    model.__dict__.setdefault(_STACK, []).append(_Applied(patch.digest, before))


def remove_patch(model: nn.Module, patch: NeuronPatch) -> None:
    """Put back exactly what was there before the topmost patch, which must be this one.

    Raises:
        InputError: it is not.
    """
    stack = applied_patches(model)
    if not stack or stack[-1] != patch.digest:
        raise InputError(
            f"patch {patch.digest[:12]} is not the topmost one on the model ({_shown(stack)})",
            remedy="Remove patches in the reverse of the order in which they were applied",
        )
    for place, rows, bias in _stack(model).pop().before:
        place.write(rows, bias)


@contextmanager
def patched(model: nn.Module, *patches: NeuronPatch, base: str) -> Iterator[None]:
    """Apply patches, the first one first, inside a `with` block; afterwards the model is bit for bit as before.

    Raises:
        InputError: as `apply_patch`; then none of them stays applied.
    """
    with ExitStack() as applied:
        for patch in patches:
            apply_patch(model, patch, base=base)
            applied.callback(remove_patch, model, patch)
        yield


def checked_places(model: nn.Module, patch: NeuronPatch, *, base: str) -> tuple[NeuronWeights, ...]:
    """Where the patch's weights belong in the model.

    Raises:
        InputError: the model, as it is now, is not the one that the patch was trained on.
    """
    require_whole(model)
    name = f"patch {patch.digest[:12]}"
    if patch.base != base:
        raise InputError(
            f"it was trained on base {patch.base[:12]}, this model's is {base[:12]}",
            where=name,
            remedy="Load the model that it was trained on",
        )
    stack = applied_patches(model)
    if patch.below != stack:
        raise InputError(
            f"it was trained on top of {_shown(patch.below)}, on the model lies {_shown(stack)}",
            where=name,
            remedy="Apply patches in the order in which they were trained",
        )
    places = neuron_weights(model, patch.neurons)
    found = {}
    for place in places:
        rows, bias = (None if part is None else tuple(part.shape) for part in place.read())
        found[place.name] = rows
        if bias is not None:
            found[f"{place.name}.bias"] = bias
    held = {key: array.shape for key, array in patch.weights.items()}
    for key in sorted(found.keys() | held.keys()):
        if found.get(key) != held.get(key):
            raise InputError(
                f"{key} has shape {held.get(key, 'none')} in the patch and {found.get(key, 'none')} in the model",
                where=name,
                remedy="The patch belongs to a model of another shape",
            )
    return places


def _arrays(place: NeuronWeights, patch: NeuronPatch) -> tuple[Tensor, Tensor | None]:
    """The patch's values for one place, in the model's dtype."""
    weight = place.projection.parameters()[0][0]
    parts: list[Tensor | None] = []
    for name in (place.name, f"{place.name}.bias"):
        array = patch.weights.get(name)
        # A copy: torch warns of views of read-only arrays.
        values = None if array is None else torch.tensor(array).to(weight.device, weight.dtype)
        if values is not None and not torch.isfinite(values).all():
            raise InputError(
                f"{name} has values that {weight.dtype} cannot hold", remedy="Load the model in float32 or bfloat16"
            )
        parts.append(values)
    rows, bias = parts
    assert rows is not None  # the places were checked
    return rows, bias


def _stack(model: nn.Module) -> list[_Applied]:
    # As an attribute that is named here alone: what `getattr` is handed as a value, no fingerprint can follow.
    found: list[_Applied] = model.__dict__.get(_STACK, [])
    return found


def _shown(digests: tuple[str, ...]) -> str:
    return ", ".join(digest[:12] for digest in digests) or "no patch"
