"""Making a method from the name of its module: a job knows the methods of its rule, and no list of all of them."""

from importlib import import_module

from taskneurons.continual.method import Given, Method
from taskneurons.errors import InputError

PACKAGE = "taskneurons.continual"


def make_method(module: str, given: Given) -> Method:
    """The method that a module of this package makes.

    Args:
        module: its name in the package; its function `make` makes the method.
        given: what the method is made of.

    Raises:
        InputError: there is no such module, or it makes no method; as its `make`.
    """
    try:
        make = import_module(f"{PACKAGE}.{module}").make
    except (ModuleNotFoundError, AttributeError) as error:
        raise InputError(
            f"no module makes the method ({error})",
            where=f"{PACKAGE}.{module}",
            remedy=f"Write the module, with a function `make`; see {PACKAGE}.method",
        ) from None
    method: Method = make(given)
    return method
