"""The Hilbert-Schmidt independence criterion (HSIC) of two representations, biased and unbiased, in few operations.

With Xc centred, k_i = |row i of Xc|^2 and T = the sum of K_ij L_ij over i != j, both follow from three numbers:
biased HSIC = T + k.l; unbiased HSIC = T + sum(k) sum(l) / ((n - 1)(n - 2)) - 2 k.l / (n - 2), up to factors of n that
cancel. T comes from the two Gram matrices where n < d_x + d_y, else from the features (T = |Xc' Yc|^2 - k.l): then that
takes fewer operations. Products are made in float32 and summed in float64; where the unbiased HSIC cancels more than a
digit or two of them, they are made again in float64.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from jaxtyping import Bool, Float, Int

from taskneurons.errors import InputError

ROWS = 4096
"""Rows whose float32 products are summed before float64 takes over."""
ENTRIES = 1 << 15
"""Numbers that are worked on at a time, so that they stay in the processor's cache."""
# Float32 products carry errors of some 1e-7 of the biased HSIC: up to this ratio they stay below 1e-6 of the unbiased.
_GREATEST_CANCELLATION = 8.0


@dataclass(frozen=True)
class HSIC:
    """Unbiased and biased HSIC of one pair, without the factors of n that cancel in CKA."""

    unbiased: float
    biased: float


class Side:
    """One representation, ready to be compared with many: what depends on it alone is computed once and kept.

    Every function here takes a `Side` wherever it takes an array. Kept are a centred float32 copy and, once it was
    needed, the Gram matrix.

    Args:
        features: (examples, width), of any real dtype. Not copied: it must not change afterwards.
        standardise: divide each feature by its standard deviation, so that few features of huge variance do not decide
            alone. Constant features then count for nothing.

    Raises:
        InputError: it is not a matrix of real numbers.
    """

    def __init__(self, features: np.ndarray, *, standardise: bool = False) -> None:
        features = np.asarray(features)
        if features.ndim != 2 or not features.shape[1]:
            raise InputError(f"a representation is a matrix (examples, width), not of shape {features.shape}")
        if features.dtype.kind not in "fiu":
            raise InputError(f"a representation holds real numbers, not {features.dtype}")
        if features.dtype.kind != "f":
            features = features.astype(np.float64)
        self.features = features
        self.standardise = standardise
        self._own: dict[tuple[bool, type], HSIC] = {}
        self._values: dict[type, np.ndarray] = {}
        self._grams: dict[type, np.ndarray] = {}

    def __len__(self) -> int:
        return len(self.features)

    @property
    def width(self) -> int:
        """Number of features."""
        width: int = self.features.shape[1]
        return width

    @cached_property
    def finite(self) -> Bool[np.ndarray, " example"]:
        """Whether a row holds finite numbers only."""
        # A column's sum is not finite if one of its values is not: far cheaper than a look at each value.
        if np.isfinite(self._column_sums).all():
            return np.ones(len(self), dtype=bool)
        finite: np.ndarray = np.isfinite(self.features).all(axis=1)
        return finite

    def rows(self, keep: Bool[np.ndarray, " example"]) -> "Side":
        """The side of these examples alone."""
        return self if keep.all() else Side(self.features[keep], standardise=self.standardise)

    @cached_property
    def constant(self) -> bool:
        """Whether all examples have the same features, but for rounding."""
        return len(self) == 0 or float(self.norms.sum()) <= self.features.size * self._rounding**2

    @cached_property
    def norms(self) -> Float[np.ndarray, " example"]:
        """k: squared norm of each centred row."""
        norms = np.empty(len(self))
        for rows, centred in self._centred_rows():
            norms[rows] = np.einsum("ij,ij->i", centred, centred)
        return norms

    def values(self, dtype: type) -> Float[np.ndarray, "example width"]:
        """The centred (and scaled or standardised) features."""
        if dtype not in self._values:
            values: np.ndarray = np.empty(self.features.shape, dtype)
            norms = np.empty(len(self))
            for rows, centred in self._centred_rows():
                values[rows] = centred
                norms[rows] = np.einsum("ij,ij->i", centred, centred)
            self._values[dtype] = values
            self.__dict__.setdefault("norms", norms)
        return self._values[dtype]

    def gram(self, dtype: type) -> Float[np.ndarray, "example example"]:
        """Gram matrix of the centred features with zeros on the diagonal; `norms` has what stood there."""
        if dtype not in self._grams:
            values = self.values(dtype)
            gram = values @ values.T
            np.fill_diagonal(gram, 0)
            self._grams[dtype] = gram
        return self._grams[dtype]

    def own(self, by_gram: bool, dtype: type) -> HSIC:
        """HSIC of the representation with itself."""
        key = (by_gram, dtype)
        if key not in self._own:
            self._own[key] = _hsic(self, self, by_gram, dtype)
        return self._own[key]

    @cached_property
    def _column_sums(self) -> Float[np.ndarray, " width"]:
        with np.errstate(invalid="ignore", over="ignore"):
            sums: np.ndarray = self.features.sum(axis=0, dtype=np.float64)
            return sums

    @cached_property
    def _scale(self) -> "float | Float[np.ndarray, 'width']":
        """What the centred features are multiplied by."""
        if self.standardise:
            squares = np.zeros(self.width)
            for _, centred in self._shifted_rows():
                squares += np.einsum("ij,ij->j", centred, centred)
            deviation = np.sqrt(squares / len(self))
            noise = 4 * np.finfo(self.features.dtype).eps * np.abs(self.features).max(axis=0).astype(np.float64)
            return np.where(deviation > noise, 1 / np.where(deviation > 0, deviation, 1), 0.0)
        # Float32 products of greater or smaller numbers could leave float32's range.
        return 1.0 if 1e-6 < self._peak < 1e6 or not self._peak else 1 / self._peak

    @cached_property
    def _peak(self) -> float:
        return max(float(self.features.max()), -float(self.features.min()))

    @property
    def _rounding(self) -> float:
        """Deviations that centring equal numbers in float64 may leave."""
        return 0.0 if self.standardise else 1e-12 * self._peak * float(self._scale)

    def _shifted_rows(self) -> Iterator[tuple[slice, Float[np.ndarray, "rows width"]]]:
        mean = self._column_sums / len(self)
        # Few rows at a time, so that they stay in the processor's cache.
        step = max(1, ENTRIES // self.width)
        for begin in range(0, len(self), step):
            rows = slice(begin, begin + step)
            yield rows, np.subtract(self.features[rows], mean, dtype=np.float64)

    def _centred_rows(self) -> Iterator[tuple[slice, Float[np.ndarray, "rows width"]]]:
        scale = self._scale
        one = isinstance(scale, float) and scale == 1.0
        for rows, centred in self._shifted_rows():
            if not one:
                centred *= scale
            yield rows, centred


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums over examples from which HSIC follows about any mean.

    With a = |x|^2 and b = |y|^2 of a row: cross = sum of x y', ab = sum of a b, ay = sum of a y, bx = sum of b x.
    """

    n: int
    cross: Float[np.ndarray, "d_x d_y"]
    sum_x: Float[np.ndarray, " d_x"]
    sum_y: Float[np.ndarray, " d_y"]
    norms_x: float
    norms_y: float
    ab: float
    ay: Float[np.ndarray, " d_y"]
    bx: Float[np.ndarray, " d_x"]

    @classmethod
    def of(cls, x: np.ndarray, y: np.ndarray, a: np.ndarray, b: np.ndarray) -> Self:
        """Of rows x and y with their squared norms a and b."""
        weights = np.stack([np.ones(len(a)), a, b]).astype(x.dtype)
        from_x, from_y = (np.asarray(weights @ side, dtype=np.float64) for side in (x, y))
        return cls(
            len(x),
            (x.T @ y).astype(np.float64),
            from_x[0],
            from_y[0],
            float(a.sum()),
            float(b.sum()),
            float(a @ b),
            from_y[1],
            from_x[2],
        )

    def add(self, other: "Moments", sign: int = 1) -> "Moments":
        """The sums of both sets of examples, or with sign = -1 those of this set without the other."""
        return Moments(
            self.n + sign * other.n,
            self.cross + sign * other.cross,
            self.sum_x + sign * other.sum_x,
            self.sum_y + sign * other.sum_y,
            self.norms_x + sign * other.norms_x,
            self.norms_y + sign * other.norms_y,
            self.ab + sign * other.ab,
            self.ay + sign * other.ay,
            self.bx + sign * other.bx,
        )

    def hsic(self) -> HSIC:
        """HSIC about the mean of these examples."""
        n, mean_x, mean_y = self.n, self.sum_x / self.n, self.sum_y / self.n
        square_x, square_y = float(mean_x @ mean_x), float(mean_y @ mean_y)
        centred = self.cross - np.outer(mean_x, self.sum_y)
        # k.l: the sum of (a - 2 mean_x.x + |mean_x|^2) (b - 2 mean_y.y + |mean_y|^2)
        kl = (
            self.ab
            - 2 * float(mean_y @ self.ay)
            - 2 * float(mean_x @ self.bx)
            + square_y * self.norms_x
            + square_x * self.norms_y
            + 4 * float(mean_x @ self.cross @ mean_y)
            - 3 * n * square_x * square_y
        )
        trace_x, trace_y = self.norms_x - n * square_x, self.norms_y - n * square_y
        biased = float(np.vdot(centred, centred))
        return _hsic_of(n, biased - kl, kl, trace_x, trace_y)


def gram_is_cheaper(x: Side, y: Side) -> bool:
    """Whether the Gram matrices take fewer operations than the features."""
    # Multiplications: n^2 (d_x + d_y) / 2 against n (d_x + d_y)^2 / 2, the symmetric products counted half.
    return len(x) < x.width + y.width


def hsic_of_three(x: Side, y: Side, by_gram: bool) -> tuple[HSIC, HSIC, HSIC, type]:
    """HSIC of (x, y), (x, x) and (y, y), and the precision of the products that it needed."""
    dtype: type = np.float32
    own_x, own_y = x.own(by_gram, dtype), y.own(by_gram, dtype)
    if any(own.biased > _GREATEST_CANCELLATION * own.unbiased for own in (own_x, own_y)):
        dtype = np.float64
        own_x, own_y = x.own(by_gram, dtype), y.own(by_gram, dtype)
    return (own_x if x is y else _hsic(x, y, by_gram, dtype)), own_x, own_y, dtype


def _hsic(x: Side, y: Side, by_gram: bool, dtype: type) -> HSIC:
    if by_gram:
        return hsic_from_total(dot(x.gram(dtype), y.gram(dtype)), x.norms, y.norms)
    a, b = x.values(dtype), y.values(dtype)
    if len(x) <= 2 * ROWS:
        product = a.T @ b
    else:
        # Float32 sums over more rows would lose digits.
        product = np.zeros((x.width, y.width))
        for begin in range(0, len(x), ROWS):
            product += a[begin : begin + ROWS].T @ b[begin : begin + ROWS]
    return hsic_from_total(dot(product, product) - float(x.norms @ y.norms), x.norms, y.norms)


def hsic_from_total(total: float, k: Float[np.ndarray, " example"], l: Float[np.ndarray, " example"]) -> HSIC:  # noqa: E741
    """HSIC from T and the squared norms of the centred rows of both sides."""
    return _hsic_of(len(k), total, float(k @ l), float(k.sum()), float(l.sum()))


def _hsic_of(n: int, total: float, kl: float, trace_k: float, trace_l: float) -> HSIC:
    return HSIC(total + trace_k * trace_l / ((n - 1) * (n - 2)) - 2 * kl / (n - 2), total + kl)


def dot(a: np.ndarray, b: np.ndarray, order: Int[np.ndarray, " example"] | None = None) -> float:
    """Sum of a_ij b_ij in float64, or of a_ij b_(order i)(order j)."""
    total = 0.0
    step = max(1, ENTRIES // max(1, a.shape[1]))
    for begin in range(0, len(a), step):
        rows = slice(begin, begin + step)
        other = b[rows] if order is None else b[order[rows]].take(order, axis=1)
        left = a[rows].astype(np.float64)
        total += float(np.vdot(left, left if a is b and order is None else other.astype(np.float64)))
    return total
