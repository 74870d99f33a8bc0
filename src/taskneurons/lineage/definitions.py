"""A module as its definitions: what each one says, what it uses, and what running the module does besides.

A definition is a statement at the top of a module that binds a name: a function, a class with all its methods, a
constant. `taskneurons.lineage.reader` reads it as its syntax tree.
"""

from dataclasses import dataclass

Chain = tuple[str, ...]
"""A dotted name in parts. Its first part is a name of the module, or `@` and the name of a module: `("@a.b", "f")`."""


@dataclass
class Said:
    """A digest of a tree, and the dotted names that stand in it."""

    digest: str
    uses: tuple[Chain, ...]


@dataclass
class Text:
    """A text that an error is raised with.

    Attributes:
        error: the class of the error.
        slot: the number of the positional argument, or the name of the keyword.
        said: the text.
    """

    error: Chain
    slot: str
    said: Said


@dataclass
class Handler:
    """What `except ... as error` does with the words of the error.

    Attributes:
        caught: classes that are caught; None where they cannot be told.
        read: attributes of the error that are read; `*` for the whole error.
        into: where the words only become the words of another error, (its class, its slot, what is read for it), with
            the slot `*` for any; None where they may become anything.
    """

    caught: tuple[Chain, ...] | None
    read: tuple[str, ...]
    into: tuple[tuple[Chain, str, str], ...] | None


@dataclass
class Definition:
    """One statement at the top of a module.

    Attributes:
        names: what it binds.
        kind: `def`, `class`, `assign` or `effect`; an effect belongs to everything that reaches the module.
        said: its tree.
        annotations: of its functions.
        docs: digest of its docstrings.
        texts, handlers: of errors.
        imports: modules that its functions import.
        flags: `whole`: it asks for names that cannot be told, so that the whole module counts; `everything`: as
            `whole`, for all modules in reach; `documented`: it reads docstrings; `beside`: it reads files beside the
            module; `changes`: it changes an object of a module.
        bases: of a class.
        init: of a class the names of the positional parameters of `__init__`; None where there is none.
    """

    names: tuple[str, ...]
    kind: str
    said: Said
    annotations: Said
    docs: str
    texts: tuple[Text, ...] = ()
    handlers: tuple[Handler, ...] = ()
    imports: tuple[str, ...] = ()
    flags: frozenset[str] = frozenset()
    bases: tuple[Chain, ...] = ()
    init: tuple[str, ...] | None = None


@dataclass
class Module:
    """A module as it is read.

    Attributes:
        imports: the modules that importing it imports, as it names them; a name after `from` may be a module, too.
        bound: for each name that an import binds the dotted name that it stands for.
        names: for each name that definitions bind their positions.
        definitions: in the order of the module.
        stars: modules from which everything is imported.
    """

    imports: tuple[str, ...]
    bound: dict[str, Chain]
    names: dict[str, tuple[int, ...]]
    definitions: tuple[Definition, ...]
    stars: tuple[str, ...] = ()
