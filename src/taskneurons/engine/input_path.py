"""What neurons do while the input grows from nothing to itself: conductance and internal influence.

The embedded tokens are scaled from 0 to 1, and every neuron is read on the way. Both measures are captum's
(`LayerConductance`, `InternalInfluence`), with its rule, its baseline of zeros and as many points as it takes.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from taskneurons.engine.neuron_gradients import Read, read_neurons
from taskneurons.models.encoding import Batch
from taskneurons.models.ffn import neuron_shape

POINTS = 50
"""Points of the path."""


@dataclass(frozen=True, eq=False)
class OnPath:
    """Sums over examples of the absolute sum over tokens, L being the cross-entropy of the answer in nats.

    Attributes:
        conductance: the sum over the points of dL/dw at a point times what w grows by to the next (Dhamdhere et al.
            2018, arXiv 1805.12233), nats.
        influence: dL/dw averaged over the path (Leino et al. 2018, arXiv 1802.03788), nats per unit of w.
    """

    conductance: Float[np.ndarray, "layer neuron"]
    influence: Float[np.ndarray, "layer neuron"]


def on_path(model: nn.Module, batches: Sequence[Batch], points: int = POINTS) -> OnPath:
    """Conductance and internal influence of every neuron: one forward and one backward pass for each point.

    Args:
        model: in evaluation mode, its parameters frozen.
        batches: the examples.
        points: of the Gauss-Legendre rule, at least two.
    """
    device, shape = next(model.parameters()).device, neuron_shape(model)
    nodes, weights = np.polynomial.legendre.leggauss(points)
    totals = [torch.zeros(shape, dtype=torch.float64, device=device) for _ in range(2)]
    for batch in (one.to(device) for one in batches):
        conductance, influence = (torch.zeros((len(batch), *shape), dtype=torch.float64, device=device) for _ in totals)
        before: list[Read] = []
        for node, weight in zip(nodes, weights, strict=True):
            with _scaled(model, float(node + 1) / 2):
                now = read_neurons(model, batch)
            for layer, one in enumerate(before):
                conductance[:, layer] += (one.gradient * (now[layer].value - one.value)).sum(1)
            for layer, one in enumerate(now):
                influence[:, layer] += float(weight) / 2 * one.gradient.sum(1)
            before = now
        for total, of_batch in zip(totals, (conductance, influence), strict=True):
            total += of_batch.abs().sum(0)
    return OnPath(*(total.cpu().numpy() for total in totals))


@contextmanager
def _scaled(model: nn.Module, scale: float) -> Iterator[None]:
    """Scale the embedded tokens in this block."""
    embedding = model.get_input_embeddings()  # type: ignore[operator]
    handle = embedding.register_forward_hook(lambda _, args, output: output * scale)
    try:
        yield
    finally:
        handle.remove()
