"""How much a new study computes, by the machine that it is for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Machine = Literal["laptop", "gpu"]


@dataclass(frozen=True)
class Sizes:
    """How much is computed on a machine.

    Attributes:
        train, validation, test: examples of each task, at most.
        scored: training examples from which neurons are scored.
        scored_batch: of them at once.
        tested: test examples with neurons set to zero.
        tested_batch: of them at once.
        draws: random sets.
        dtype: of the weights in computation.
        context: longest sequence that is used, tokens.
        generated: longest answer that is generated, tokens.
    """

    train: int
    validation: int
    test: int
    scored: int
    scored_batch: int
    tested: int
    tested_batch: int
    draws: int
    dtype: str
    context: int
    generated: int


# ASSUME: a laptop has two cores and 8 GB; a GPU has 24 GB or more.
SIZES: Mapping[Machine, Sizes] = {
    "laptop": Sizes(300, 50, 60, 64, 4, 40, 20, 2, "float32", 1024, 48),
    "gpu": Sizes(1000, 200, 500, 300, 8, 200, 64, 5, "bfloat16", 4096, 128),
}
