"""Parameters of the study of kinds: overlap and transfer between tasks of several families."""

from pydantic import PositiveInt

from taskneurons.params.section import Section, described


class Kinds(Section):
    """Which tasks can tell, and the tests of overlap against transfer; tasks and tunings are those of similarity."""

    learned_points: float = described(
        "lowest score above that of the best constant answer with which a task counts as learned; a task that is "
        "trained on reaches it by its own training, one that only tests in some model",
        "points",
        ge=0,
        le=100,
    )
    full_percent: float = described(
        "highest score before any training of a task that only tests; above it there is nothing to gain",
        "%",
        ge=0,
        le=100,
    )
    draws: PositiveInt = described("permutations of tasks in every test, where they are not enumerated", "draws")
