"""How many directions a representation uses: the spectrum of its covariance."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from taskneurons.errors import InputError

MINIMUM_EXAMPLES = 2


@dataclass(frozen=True)
class Spectrum:
    """The spread of a representation's variance over directions.

    Attributes:
        n: examples that were used.
        dropped: rows left out because they hold NaN or an infinite value.
        most: the greatest value that both counts could take: min(n - 1, width).
        share: of the variance that `components` must reach.
        effective_rank: exp of the entropy of the covariance's eigenvalues, from 1 to `most`.
        components: least number of principal components that together have this share of the variance.
        variance: trace of the covariance, in squared units of the features.
        reason: why nothing of this is available; empty when it is.
    """

    n: int
    dropped: int
    most: int
    share: float
    effective_rank: float | None = None
    components: int | None = None
    variance: float | None = None
    reason: str = ""

    @property
    def available(self) -> bool:
        """Whether the spectrum could be made."""
        return not self.reason


def spectrum(features: Float[np.ndarray, "example width"], *, share: float = 0.99) -> Spectrum:
    """Effective rank and number of components of the covariance of the features.

    The effective rank of Roy & Vetterli 2007 is exp(-sum p ln p) with p the singular values of a matrix over
    their sum; the matrix is the covariance, so p are the shares of the variance. Rows that are not finite are dropped
    and counted. Few examples bound both numbers: compare at equal n.

    Args:
        features: one row an example.
        share: of the variance, in (0, 1].

    Raises:
        InputError: the share is out of range, or there is no feature.
    """
    features = np.asarray(features)
    if not features.shape[1]:
        raise InputError("a representation needs at least one feature")
    if not 0 < share <= 1:
        raise InputError(f"the share of the variance is {share}; it must lie above 0 and not above 1")
    finite = np.isfinite(features).all(axis=1)
    kept = features[finite].astype(np.float64)
    n, width = kept.shape
    dropped, most = int((~finite).sum()), max(0, min(n - 1, width))
    if n < MINIMUM_EXAMPLES:
        reason = f"{n} examples, at least {MINIMUM_EXAMPLES} are needed"
        return Spectrum(n, dropped, most, share, reason=reason)
    peak = float(np.abs(kept).max())
    if peak:
        # Squares of the given numbers could leave float64's range.
        kept /= peak
    kept -= kept.mean(axis=0)
    if float(np.abs(kept).max()) <= 1e-12:
        return Spectrum(n, dropped, most, share, reason="all features are constant")
    # The smaller of covariance and Gram matrix: their eigenvalues above 0 are the same.
    product = kept @ kept.T if n < width else kept.T @ kept
    values = np.linalg.eigvalsh(product)[::-1][:most].clip(min=0)
    shares = values / values.sum()
    positive = shares[shares > 0]
    entropy = float(-(positive * np.log(positive)).sum())
    # A share of 1 must not wait for eigenvalues that are rounding alone.
    reached = np.cumsum(shares) >= share - 1e-12
    return Spectrum(
        n,
        dropped,
        most,
        share,
        effective_rank=min(max(float(np.exp(entropy)), 1.0), float(most)),
        components=int(reached.argmax()) + 1,
        variance=float(values.sum()) / (n - 1) * peak**2,
    )
