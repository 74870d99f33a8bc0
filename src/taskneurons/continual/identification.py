"""Which task a prompt is of, inferred from its features: a Gaussian a task, all of one covariance.

Linear discriminant analysis, which EPI (Wang et al. 2023) calls a Mahalanobis distance: no example of another task, and
no label, is needed to add a task.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Float64

from taskneurons.errors import InputError


@dataclass(frozen=True, eq=False)
class Moments:
    """What must be kept of a task's features.

    Attributes:
        count: of prompts.
        mean: of their features.
        scatter: sum over prompts of the outer product of the deviation from the mean.
    """

    count: int
    mean: Float32[np.ndarray, " width"]
    scatter: Float32[np.ndarray, "width width"]

    @classmethod
    def of(cls, features: Float[np.ndarray, "prompt width"]) -> "Moments":
        """The moments of features, summed in float64."""
        exact = features.astype(np.float64)
        mean = exact.mean(0)
        deviations = exact - mean
        return cls(len(features), mean.astype(np.float32), (deviations.T @ deviations).astype(np.float32))


@dataclass(frozen=True, eq=False)
class TaskGaussians:
    """Gaussians of the features of tasks' prompts.

    Attributes:
        tasks: their names.
        means: one row a task.
        covariance: within tasks, pooled over them; unbiased, and singular where prompts are few.
        freedom: prompts less tasks.

    Raises:
        InputError: no task has two prompts of different features.
    """

    tasks: tuple[str, ...]
    means: Float32[np.ndarray, "task width"]
    covariance: Float32[np.ndarray, "width width"]
    freedom: int

    def __post_init__(self) -> None:
        if self.freedom < 1 or not np.trace(self.covariance) > 0:
            raise InputError(
                "tasks cannot be distinguished by features that do not vary within any of them",
                where=", ".join(self.tasks),
                remedy="Use two different prompts or more of a task",
            )

    @classmethod
    def fit(cls, features: Mapping[str, Float[np.ndarray, "prompt width"]]) -> "TaskGaussians":
        """The Gaussians of features by task.

        Raises:
            InputError: no task has two prompts of different features.
        """
        return cls.pooled({task: Moments.of(own) for task, own in features.items()})

    @classmethod
    def pooled(cls, moments: Mapping[str, Moments]) -> "TaskGaussians":
        """The Gaussians of tasks that were met one by one.

        Raises:
            InputError: as `fit`.
        """
        freedom = sum(own.count for own in moments.values()) - len(moments)
        scatter = sum(own.scatter.astype(np.float64) for own in moments.values())
        covariance = np.asarray(scatter / max(freedom, 1), dtype=np.float32)
        return cls(tuple(moments), np.stack([own.mean for own in moments.values()]), covariance, freedom)

    @property
    def nbytes(self) -> int:
        """Of the means and of one covariance: a running sum of the scatters is all that the next task needs."""
        return self.means.nbytes + self.covariance.nbytes

    def shrunk(self) -> Float64[np.ndarray, "width width"]:
        """The covariance, shrunk towards a multiple of the identity so that it is regular however few the prompts are.

        Oracle approximating shrinkage (Chen, Wiesel, Eldar & Hero 2010, Eq. 23).
        """
        found = self.covariance.astype(np.float64)
        width, trace, squares = len(found), np.trace(found), np.sum(found**2)
        spread = (self.freedom + 1 - 2 / width) * (squares - trace**2 / width)
        above = (1 - 2 / width) * squares + trace**2
        # Nothing to shrink: a multiple of the identity already.
        share = 1.0 if spread <= above else above / spread
        shrunk: np.ndarray = (1 - share) * found + share * trace / width * np.eye(width)
        return shrunk

    def log_posterior(self, features: Float[np.ndarray, "example width"]) -> Float64[np.ndarray, "example task"]:
        """The logarithm of each task's probability given a prompt's features, all tasks being as likely beforehand."""
        root = np.linalg.cholesky(self.shrunk())
        # In the coordinates where the covariance is the identity, distances are Euclidean.
        white = np.linalg.solve(root, features.astype(np.float64).T).T
        centres = np.linalg.solve(root, self.means.astype(np.float64).T).T
        distances = ((white[:, None] - centres) ** 2).sum(2)
        found: np.ndarray = -distances / 2
        return found - np.logaddexp.reduce(found, axis=1, keepdims=True)
