"""A run of the workflow, as rows and paths name it."""

from pathlib import Path
from typing import Literal, NamedTuple

ALL_SEEDS: Literal["all"] = "all"
"""In a row, in place of a seed: it is of all seeds of the run."""


class Run(NamedTuple):
    """A model on a suite, with one seed.

    Attributes:
        suite, model: names in the parameters.
        seed: of the run.
    """

    suite: str
    model: str
    seed: int

    @classmethod
    def of_folder(cls, folder: Path) -> "Run":
        """The run whose folder this is, `.../<suite>/<model>/seed<seed>`."""
        suite, model, seed = folder.parts[-3:]
        return cls(suite, model, int(seed.removeprefix("seed")))
