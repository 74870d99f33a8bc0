"""Orders of tasks for streams, besides those that are given."""

from collections.abc import Collection, Sequence
from math import factorial
from random import Random

from taskneurons.errors import InputError


def sampled_orders(
    tasks: Sequence[str], count: int, seed: int, besides: Collection[tuple[str, ...]]
) -> list[tuple[str, ...]]:
    """Random orders of all tasks, different from each other and from given ones.

    Args:
        tasks: of every order.
        count: how many.
        seed: of the draw; the first orders of a longer list are those of a shorter one.
        besides: orders that are not drawn.

    Raises:
        InputError: there are not so many.
    """
    known = {order for order in besides if sorted(order) == sorted(tasks)}
    if count > factorial(len(tasks)) - len(known):
        raise InputError(
            f"{len(tasks)} tasks have no {count} orders besides {len(known)}", where="streams", remedy="Draw fewer"
        )
    random = Random(f"orders/{seed}")
    drawn: list[tuple[str, ...]] = []
    while len(drawn) < count:
        order = tuple(random.sample(sorted(tasks), len(tasks)))
        if order not in known:
            known.add(order)
            drawn.append(order)
    return drawn
