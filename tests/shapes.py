"""The type checker that the import hook of jaxtyping uses under pytest: array shapes and dtypes, nothing else.

mypy checks the other types; tests hand over wrong ones on purpose, to see our own errors.
"""

from collections.abc import Callable
from typing import Any, TypeVar, get_args

from beartype import beartype
from jaxtyping import AbstractArray

Function = TypeVar("Function", bound=Callable[..., Any])


def arrays_only(function: Function) -> Function:
    """Check those annotations of a function that give the shape of an array."""
    if function.__name__ == "__init__":
        # Constructors check shapes themselves, with errors that users read and tests expect.
        return function
    kept = {name: hint for name, hint in function.__annotations__.items() if _gives_shape(hint)}
    if not kept:
        return function
    function.__annotations__ = kept
    return beartype(function)


def _gives_shape(hint: Any) -> bool:
    if isinstance(hint, type) and issubclass(hint, AbstractArray):
        return True
    return any(_gives_shape(part) for part in get_args(hint))
