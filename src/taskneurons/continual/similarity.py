"""How near a task, or a single prompt, is to the tasks that were learned: the weights of W-NCFT, before the softmax."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.optimize import minimize
from scipy.special import log_softmax

from taskneurons.errors import InputError


def cosines(
    features: Float[np.ndarray, "example width"], vectors: Float[np.ndarray, "task width"]
) -> Float[np.ndarray, "example task"]:
    """Cosine of each example's features and each task's vector (Leng & Xiong 2025, Eq. 10 and 11).

    Raises:
        InputError: a vector is zero.
    """
    one, other = (np.asarray(values, dtype=np.float64) for values in (features, vectors))
    norms = np.linalg.norm(one, axis=1)[:, None], np.linalg.norm(other, axis=1)[None]
    if not (norms[0].all() and norms[1].all()):
        raise InputError("the cosine with a vector of zeros is not defined", where="task vectors")
    values: np.ndarray = one @ other.T / (norms[0] * norms[1])
    return values


@dataclass(frozen=True, eq=False)
class Gate:
    """A multinomial logistic regression from a prompt's features to the task that it is of.

    Attributes:
        mean, scale: of each feature over the prompts that it was trained on.
        weight: of the standardised features.
        bias: of each task.
    """

    mean: Float[np.ndarray, " width"]
    scale: Float[np.ndarray, " width"]
    weight: Float[np.ndarray, "width task"]
    bias: Float[np.ndarray, " task"]

    @classmethod
    def fit(cls, features: Sequence[Float[np.ndarray, "example width"]], *, penalty: float = 1e-2) -> "Gate":
        """Train on the prompts of each task, by L-BFGS; a convex problem with one solution.

        Args:
            features: of the kept prompts of each task.
            penalty: of the squared weights, beside the mean cross-entropy.

        Raises:
            InputError: a task has no prompt.
        """
        if not features or not all(len(one) for one in features):
            raise InputError("a gate needs prompts of every task", where="gate")
        stacked = np.concatenate(features).astype(np.float64)
        owner = np.repeat(np.arange(len(features)), [len(one) for one in features])
        mean, scale = stacked.mean(0), stacked.std(0)
        scale[scale == 0] = 1.0
        values = (stacked - mean) / scale
        wanted = np.eye(len(features))[owner]
        shape = (values.shape[1] + 1, len(features))
        inputs = np.column_stack([values, np.ones(len(values))])

        def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
            parameters = flat.reshape(shape)
            logs = log_softmax(inputs @ parameters, axis=1)
            gradient = inputs.T @ (np.exp(logs) - wanted) / len(inputs)
            gradient[:-1] += 2 * penalty * parameters[:-1]
            value = -(wanted * logs).sum() / len(inputs) + penalty * (parameters[:-1] ** 2).sum()
            return float(value), gradient.ravel()

        found = minimize(loss, np.zeros(shape[0] * shape[1]), jac=True, method="L-BFGS-B").x.reshape(shape)
        return cls(mean, scale, found[:-1], found[-1])

    def logits(self, features: Float[np.ndarray, "example width"]) -> Float[np.ndarray, "example task"]:
        """Log-odds of the tasks, up to a constant for each example."""
        values = (np.asarray(features, dtype=np.float64) - self.mean) / self.scale
        logits: np.ndarray = values @ self.weight + self.bias
        return logits

    @property
    def nbytes(self) -> int:
        """What must be kept of it, in float32."""
        return 4 * (self.mean.size + self.scale.size + self.weight.size + self.bias.size)
