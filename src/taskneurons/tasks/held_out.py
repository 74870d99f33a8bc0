"""Which tasks a model does not see in tuning, so that it can be asked about unseen ones (Zhao et al. 2024)."""

from collections.abc import Mapping
from random import Random

from taskneurons.errors import InputError


def choose_held_out(families: Mapping[str, str], *, whole: int, single: int, seed: int) -> frozenset[str]:
    """The tasks to leave out: all of some families, and single tasks of others, of which some tasks stay.

    The unseen tasks of the first kind have no relative among the seen ones, those of the second have. The order of the
    tasks does not matter.

    Args:
        families: family of each task.
        whole: number of families that are left out as a whole.
        single: number of further tasks, each of another family.
        seed: of the draw.

    Raises:
        InputError: there are not enough families.
    """
    members: dict[str, list[str]] = {}
    for task in sorted(families):
        members.setdefault(families[task], []).append(task)
    drawn = sorted(members)
    random = Random(seed)
    # Python promises that random() alone gives the same numbers in every version.
    drawn.sort(key=lambda _: random.random())
    if whole >= len(drawn):
        raise InputError(
            f"{whole} whole families cannot be left out of {len(drawn)}, a model must see one",
            where="layers.held_out.families",
            remedy="Leave out fewer, or give the tasks families",
        )
    shared = [family for family in drawn[whole:] if len(members[family]) > 1]
    if single > len(shared):
        raise InputError(
            f"{single} tasks of different families cannot be left out: {len(shared)} of the remaining families have "
            "more than one task",
            where="layers.held_out.tasks",
            remedy="Leave out fewer",
        )
    left_out = [task for family in drawn[:whole] for task in members[family]]
    left_out += [members[family][int(random.random() * len(members[family]))] for family in shared[:single]]
    return frozenset(left_out)
