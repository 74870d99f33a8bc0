"""A module as its definitions: what each one says, what it uses, and what running the module does besides.

A definition is a statement at the top of a module that binds a name: a function, a class with all its methods, a
constant. It is read as its syntax tree, without what cannot change a result: comments and layout, docstrings,
annotations of functions, names of local variables, and the texts of raised errors. What is left out is kept apart,
for the few places where it is read as a value.
"""

import ast
import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

Chain = tuple[str, ...]
"""A dotted name in parts. Its first part is a name of the module, or `@` and the name of a module: `("@a.b", "f")`."""
Function = ast.FunctionDef | ast.AsyncFunctionDef

# Decorators that neither keep what they decorate nor read its annotations; any other one may.
HARMLESS = frozenset(
    {"abstractmethod", "cache", "cached_property", "classmethod", "computed_field", "contextmanager", "dataclass"}
    | {"deleter", "field_serializer", "field_validator", "final", "inference_mode", "lru_cache", "model_serializer"}
    | {"model_validator", "no_grad", "overload", "override", "property", "setter", "staticmethod", "total_ordering"}
    | {"wraps"}
)
# Methods that change the object that they are called on.
CHANGING = frozenset(
    {"add", "append", "clear", "discard", "extend", "insert", "pop", "popitem", "register", "remove", "setdefault"}
    | {"sort", "update"}
)
# ASSUME: annotations of functions are read by decorators and by the runner of jobs alone; `get_type_hints` elsewhere
# is asked of classes, whose annotations always count.
DYNAMIC = frozenset({"eval", "exec", "locals", "globals", "vars", "dir"})
BY_NAME = frozenset({"getattr", "setattr", "delattr", "hasattr", "attrgetter", "methodcaller"})
EVERYTHING = frozenset({"__subclasses__", "getsource", "getmembers"})
DOCUMENTED = frozenset({"__doc__", "getdoc", "getsource", "cleandoc"})
BESIDE = frozenset({"__file__", "PackageLoader", "get_data"})


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


def read_module(source: str, name: str, package: bool) -> Module:
    """Read the source of a module.

    Args:
        source: its text.
        name: its dotted name, for relative imports.
        package: whether it is the `__init__` of a package.
    """
    imports: dict[str, None] = {}
    bound: dict[str, Chain] = {}
    stars: list[str] = []
    definitions: list[Definition] = []
    tree = ast.parse(source)
    documented = _docstring(tree)
    statements: list[ast.stmt] = []
    for statement in tree.body[1 if documented is not None else 0 :]:
        if isinstance(statement, ast.If) and (_for_type_checkers(statement) or _for_the_main_program(statement)):
            statements += statement.orelse
        else:
            statements.append(statement)
    # Imports first: a name may be used above the import that binds it, in a function.
    for statement in statements:
        for node in _imports_of(statement):
            for target, local, module in imported(node, name, package):
                imports.update(dict.fromkeys(module))
                if local == "*":
                    stars.append(target[0][1:])
                else:
                    bound[local] = target
    places: dict[str, list[int]] = {}
    for statement in statements:
        if isinstance(statement, ast.Import | ast.ImportFrom | ast.Pass) or _says_only(statement):
            continue
        found = Reader(name, package, bound).definition(statement)
        for one in found.names:
            places.setdefault(one, []).append(len(definitions))
        definitions.append(found)
    if documented is not None:
        definitions.append(
            Definition((), "docstring", Said("", ()), Said("", ()), hashlib.sha256(documented.encode()).hexdigest())
        )
    return Module(
        tuple(imports), bound, {one: tuple(at) for one, at in places.items()}, tuple(definitions), tuple(stars)
    )


def imported(node: ast.Import | ast.ImportFrom, name: str, package: bool) -> Iterator[tuple[Chain, str, list[str]]]:
    """What an import binds: the dotted name, the local name, and the modules that it may import."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.asname:
                yield (f"@{alias.name}",), alias.asname, [alias.name]
            else:
                root = alias.name.partition(".")[0]
                yield (f"@{root}",), root, [alias.name]
        return
    module = node.module or ""
    if node.level:
        parts = name.split(".")
        parts = parts[: len(parts) - node.level + (1 if package else 0)]
        module = ".".join([*parts, *([module] if module else [])])
    for alias in node.names:
        if alias.name == "*":
            yield (f"@{module}",), "*", [module]
        else:
            yield (f"@{module}", alias.name), alias.asname or alias.name, [module, f"{module}.{alias.name}"]


def _for_type_checkers(statement: ast.stmt) -> bool:
    if not isinstance(statement, ast.If):
        return False
    test = statement.test
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def _for_the_main_program(statement: ast.If) -> bool:
    return ast.unparse(statement.test) == "__name__ == '__main__'"


def _imports_of(statement: ast.stmt) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports that run when the module does: those of functions do not."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        yield statement
    elif not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        for child in ast.iter_child_nodes(statement):
            for inner in [child] if isinstance(child, ast.stmt) else _bodies(child):
                if not _for_type_checkers(inner):
                    yield from _imports_of(inner)


def _bodies(node: ast.AST) -> list[ast.stmt]:
    """The statements of an `except` or a `case`."""
    return node.body if isinstance(node, ast.ExceptHandler | ast.match_case) else []


def _docstring(node: Any) -> str | None:
    first = node.body[0] if node.body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return first.value.value
    return None


def dotted(node: ast.AST) -> Chain | None:
    """The parts of `a.b.c`; None where it is no dotted name."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return (node.id, *reversed(parts)) if isinstance(node, ast.Name) else None


@dataclass
class _Scope:
    """The names of a function, a comprehension or the body of a class.

    Attributes:
        kind: `function`, `comprehension` or `class`.
        kept: names that callers know: parameters, inner functions, names of a class.
        local: variables, with their number once they were met.
        imports: names that the function imports.
        outer: names that it declares `global`.
    """

    kind: str
    kept: set[str] = field(default_factory=set)
    local: dict[str, int | None] = field(default_factory=dict)
    imports: dict[str, Chain] = field(default_factory=dict)
    outer: set[str] = field(default_factory=set)


@dataclass
class _Out:
    tokens: list[str] = field(default_factory=list)
    uses: dict[Chain, None] = field(default_factory=dict)

    def said(self) -> Said:
        if not self.tokens:
            return Said("", tuple(self.uses))
        return Said(hashlib.sha256(" ".join(self.tokens).encode()).hexdigest(), tuple(self.uses))


class Reader:
    """Reads one statement at the top of a module.

    The form that is hashed is our own and not `ast.dump`, whose text differs between versions of Python.

    Args:
        module: name of the module.
        package: whether it is the `__init__` of a package.
        bound: what the imports of the module bind.
    """

    def __init__(self, module: str, package: bool = False, bound: Mapping[str, Chain] | None = None) -> None:
        self.module, self.package, self.bound = module, package, bound or {}
        self.out = _Out()
        self.annotations = _Out()
        self.docs: list[str] = []
        self.texts: list[Text] = []
        self.handlers: list[Handler] = []
        self.imports: dict[str, None] = {}
        self.flags: set[str] = set()
        self.scopes: list[_Scope] = []
        self.variables = 0

    def definition(self, statement: ast.stmt) -> Definition:
        """The statement as a definition."""
        self.emit(statement)
        if self.scopes:
            raise AssertionError("a scope was left open")
        kind = _kind(statement)
        bases: tuple[Chain, ...] = ()
        init: tuple[str, ...] | None = None
        if isinstance(statement, ast.ClassDef):
            bases = tuple(found for base in statement.bases if (found := dotted(base)))
            methods = {one.name: one for one in statement.body if isinstance(one, ast.FunctionDef)}
            if "__init__" in methods:
                arguments = methods["__init__"].args
                init = tuple(one.arg for one in [*arguments.posonlyargs, *arguments.args][1:])
        return Definition(
            names=tuple(_bound_by([statement])),
            kind=kind,
            said=self.out.said(),
            annotations=self.annotations.said(),
            docs=hashlib.sha256("\0".join(self.docs).encode()).hexdigest() if self.docs else "",
            texts=tuple(self.texts),
            handlers=tuple(self.handlers),
            imports=tuple(self.imports),
            flags=frozenset(self.flags),
            bases=bases,
            init=init,
        )

    # Names

    def _scope_of(self, name: str) -> _Scope | None:
        """The scope that a name belongs to; None for one of the module, or of Python."""
        for depth, scope in enumerate(reversed(self.scopes)):
            if name in scope.outer:
                return None
            # The names of a class are seen in its body, not in its methods.
            if scope.kind == "class" and depth:
                continue
            if name in scope.local or name in scope.kept or name in scope.imports:
                return scope
        return None

    def _variable(self, name: str) -> str:
        """A name as it is hashed: variables by the order in which they are met."""
        scope = self._scope_of(name)
        if scope is None or name not in scope.local:
            return name
        if scope.local[name] is None:
            scope.local[name] = self.variables
            self.variables += 1
        return f"%{scope.local[name]}"

    def _use(self, chain: Chain) -> Chain | None:
        """Note a dotted name that is not local; as a module that the function imports itself, where it is one."""
        scope = self._scope_of(chain[0])
        if scope is not None and chain[0] in scope.imports:
            chain = (*scope.imports[chain[0]], *chain[1:])
        elif scope is not None and scope.kind != "class":
            return None
        self.out.uses[chain] = None
        return chain

    @contextmanager
    def _apart(self, out: _Out) -> Iterator[_Out]:
        before, self.out = self.out, out
        try:
            yield out
        finally:
            self.out = before

    # Trees

    def emit(self, value: Any) -> None:
        """Add a tree, a list of trees or a plain value."""
        if isinstance(value, ast.AST):
            method = getattr(self, f"_{type(value).__name__}", None)
            if method is not None:
                method(value)
            else:
                self._fields(value)
        elif isinstance(value, list):
            self.out.tokens.append("[")
            for item in value:
                self.emit(item)
            self.out.tokens.append("]")
        else:
            self.out.tokens.append(f"{type(value).__name__}:{value!r}")

    def _fields(self, node: ast.AST, skip: Iterable[str] = ()) -> None:
        self.out.tokens.append(f"({type(node).__name__}")
        for name, value in ast.iter_fields(node):
            # Fields that newer versions of Python add are empty for older sources.
            if name not in skip and value is not None and value != []:
                self.out.tokens.append(name)
                self.emit(value)
        self.out.tokens.append(")")

    def _Load(self, node: ast.AST) -> None:
        """Whether a name is read or bound follows from its place."""

    _Store = _Del = _Load

    def _Constant(self, node: ast.Constant) -> None:
        self.out.tokens.append(f"{type(node.value).__name__}:{node.value!r}")

    def _Name(self, node: ast.Name) -> None:
        self._note(node.id)
        chain = self._use((node.id,))
        # A function that asks for names by texts, called or handed on.
        if chain and len(chain) == 1 and chain[0] in DYNAMIC | BY_NAME:
            self.flags.add("whole")
        scope = self._scope_of(node.id)
        if chain and scope is not None and node.id in scope.imports:
            self.out.tokens.append(f"<{'.'.join(chain)}>")
        else:
            self.out.tokens.append(f"<{self._variable(node.id)}>")

    def _Attribute(self, node: ast.Attribute) -> None:
        self._note(node.attr)
        chain = dotted(node)
        if chain is None:
            self.emit(node.value)
            self.out.tokens.append(f".{node.attr}")
            return
        for part in chain:
            self._note(part)
        if chain[:2] == ("sys", "modules"):
            self.flags.add("everything")
        scope = self._scope_of(chain[0])
        used = self._use(chain)
        local_import = scope is not None and chain[0] in scope.imports
        if not isinstance(node.ctx, ast.Load) and used:
            self.flags.add("changes")
        parts = used if used and local_import else (self._variable(chain[0]), *chain[1:])
        self.out.tokens.append(f"<{'.'.join(parts)}>")

    def _note(self, name: str) -> None:
        if name in DOCUMENTED:
            self.flags.add("documented")
        if name in EVERYTHING:
            self.flags.add("everything")
        if name in BESIDE:
            self.flags.add("beside")

    def _Subscript(self, node: ast.Subscript) -> None:
        root = dotted(node.value)
        if not isinstance(node.ctx, ast.Load) and root and self._scope_of(root[0]) is None:
            self.flags.add("changes")
        self._fields(node)

    def _Call(self, node: ast.Call) -> None:
        chain = dotted(node.func) or ("", node.func.attr if isinstance(node.func, ast.Attribute) else "")
        scope, name = self._scope_of(chain[0]), chain[-1]
        if scope is None and len(chain) > 1 and chain[0] and name in CHANGING:
            self.flags.add("changes")
        if name in ("import_module", "__import__", "find_spec", "run_path", "run_module"):
            if node.args and isinstance(node.args[0], ast.Constant):
                module = str(node.args[0].value)
                self.imports[module] = None
                self.out.uses[(f"@{module}",)] = None
            else:
                self.flags.add("whole")
        elif name == "files" and "resources" in " ".join((*chain, *(scope.imports.get(chain[0], ()) if scope else ()))):
            self.flags.add("beside")
        if name not in BY_NAME or scope is not None:
            self._fields(node)
            return
        self._attribute_by_name(node)
        self.out.tokens.append(f"(Call <{'.'.join(chain)}>")
        self.emit(node.args)
        self.emit(node.keywords)
        self.out.tokens.append(")")

    def _attribute_by_name(self, node: ast.Call) -> None:
        """`getattr` and its like: of an object whose class counts whole anyway, or of anything."""
        name = node.args[1] if len(node.args) > 1 else node.args[0] if node.args else None
        if isinstance(name, ast.Constant):
            self._note(str(name.value))
            owner = dotted(node.args[0]) if len(node.args) > 1 else None
            if owner:
                self._use((*owner, *str(name.value).split(".")))
            return
        owner = dotted(node.args[0]) if node.args else None
        if owner is None or not (owner in (("self",), ("cls",)) or self._is_foreign(owner)):
            self.flags.add("whole")

    def _is_foreign(self, chain: Chain) -> bool:
        """Whether a dotted name begins with an import of another package."""
        scope = self._scope_of(chain[0])
        target = scope.imports.get(chain[0]) if scope else self.bound.get(chain[0])
        return target is not None and target[0].partition(".")[0] != f"@{self.module.partition('.')[0]}"

    # Functions and classes

    def _FunctionDef(self, node: Function) -> None:
        self.out.tokens.append(f"({type(node).__name__} {node.name}")
        self.emit(node.decorator_list)
        kept = any(_decorator(one) not in HARMLESS for one in node.decorator_list)
        scope = _Scope("function", kept=_parameters(node.args))
        self._arguments(node.args, annotated=kept)
        if node.returns is not None:
            self._annotation(node.returns, kept)
        self._declare(scope, node.body)
        self.scopes.append(scope)
        self._body(node)
        self.scopes.pop()
        self.out.tokens.append(")")

    _AsyncFunctionDef = _FunctionDef

    def _Lambda(self, node: ast.Lambda) -> None:
        self.out.tokens.append("(Lambda")
        self._arguments(node.args, annotated=False)
        scope = _Scope("function", kept=_parameters(node.args))
        scope.local = dict.fromkeys(_bound_by([ast.Expr(node.body)]))
        self.scopes.append(scope)
        self.emit(node.body)
        self.scopes.pop()
        self.out.tokens.append(")")

    def _arguments(self, arguments: ast.arguments, annotated: bool) -> None:
        self.out.tokens.append("(arguments")
        for name, value in ast.iter_fields(arguments):
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, ast.arg):
                    self.out.tokens.append(f"{name}={item.arg}")
                    if item.annotation is not None:
                        self._annotation(item.annotation, annotated, item.arg)
                elif item is not None:
                    self.out.tokens.append(name)
                    self.emit(item)
                elif name == "kw_defaults":
                    self.out.tokens.append("none")
        self.out.tokens.append(")")

    def _annotation(self, node: ast.expr, kept: bool, of: str = "return") -> None:
        with self._apart(self.out if kept else self.annotations) as out:
            out.tokens.append(of)
            self._type(node)

    def _type(self, node: ast.AST) -> None:
        """An annotation; texts in it name types, too."""
        self.emit(node)
        for inner in ast.walk(node):
            if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                try:
                    quoted = ast.parse(inner.value, mode="eval")
                except SyntaxError:
                    continue
                for one in ast.walk(quoted):
                    if (chain := dotted(one)) is not None:
                        self._use(chain)

    def _declare(self, scope: _Scope, body: list[ast.stmt]) -> None:
        """Find the names of a function."""
        freed: set[str] = set()
        nodes = list(_inside(body))
        for node in nodes:
            if isinstance(node, ast.Global):
                scope.outer.update(node.names)
            elif isinstance(node, ast.Nonlocal):
                freed.update(node.names)
        for name in _bound(nodes):
            if name not in scope.outer and name not in freed and name not in scope.kept:
                scope.local[name] = None
        for node in nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                # Its name is seen from outside, as `__name__`.
                scope.kept.add(node.name)
                scope.local.pop(node.name, None)
            elif isinstance(node, ast.Import | ast.ImportFrom):
                for target, local, _ in imported(node, self.module, self.package):
                    if local in scope.local:
                        scope.imports[local] = target
                        del scope.local[local]

    def _body(self, node: Any) -> None:
        text = _docstring(node)
        if text is not None:
            self.docs.append(text)
        self.emit(node.body[1:] if text is not None else node.body)

    def _ClassDef(self, node: ast.ClassDef) -> None:
        self.out.tokens.append(f"(ClassDef {node.name}")
        self.emit(node.bases)
        self.emit(node.keywords)
        self.emit(node.decorator_list)
        self.scopes.append(_Scope("class", kept=set(_bound_by(node.body))))
        self._body(node)
        self.scopes.pop()
        self.out.tokens.append(")")

    def _AnnAssign(self, node: ast.AnnAssign) -> None:
        if self.scopes and self.scopes[-1].kind != "class":
            if node.value is not None:
                self.out.tokens.append("(Assign")
                self.emit([node.target])
                self.emit(node.value)
                self.out.tokens.append(")")
            return
        self.out.tokens.append("(AnnAssign")
        self.emit(node.target)
        # The fields of a dataclass or a pydantic model are what their annotations say.
        if self.scopes:
            self._type(node.annotation)
        else:
            self._annotation(node.annotation, False)
        if node.value is not None:
            self.emit(node.value)
        self.out.tokens.append(")")

    def _Assign(self, node: ast.Assign) -> None:
        self.out.tokens.append("(Assign")
        self.emit(node.targets)
        self.emit(node.value)
        self.out.tokens.append(")")

    def _comprehension(self, node: Any, results: Sequence[ast.expr]) -> None:
        self.out.tokens.append(f"({type(node).__name__}")
        # The first iterable belongs to the outside.
        self.emit(node.generators[0].iter)
        scope = _Scope("comprehension")
        for generator in node.generators:
            scope.local.update(dict.fromkeys(_targets(generator.target)))
        self.scopes.append(scope)
        for place, generator in enumerate(node.generators):
            self.out.tokens.append("async" if generator.is_async else "for")
            self.emit(generator.target)
            if place:
                self.emit(generator.iter)
            self.emit(generator.ifs)
        for result in results:
            self.emit(result)
        self.scopes.pop()
        self.out.tokens.append(")")

    def _ListComp(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> None:
        self._comprehension(node, [node.elt])

    _SetComp = _GeneratorExp = _ListComp

    def _DictComp(self, node: ast.DictComp) -> None:
        self._comprehension(node, [node.key, node.value])

    # Statements

    def _Import(self, node: ast.Import | ast.ImportFrom) -> None:
        for target, local, modules in imported(node, self.module, self.package):
            self.imports.update(dict.fromkeys(modules))
            if local == "*":
                self.flags.add("whole")
                self.out.uses[target] = None
            scope = self._scope_of(local)
            shown = "" if scope is not None and (local in scope.imports or local in scope.local) else local
            self.out.tokens.append(f"(import {'.'.join(target)} {shown})")

    _ImportFrom = _Import

    def _Global(self, node: ast.Global) -> None:
        self.out.tokens.append(f"(global {' '.join(node.names)})")
        self.flags.add("changes")
        for name in node.names:
            self.out.uses[(name,)] = None

    def _Nonlocal(self, node: ast.Nonlocal) -> None:
        """Which variable is meant follows from the number that it is hashed by."""

    def _MatchAs(self, node: ast.MatchAs) -> None:
        self.out.tokens.append(f"(MatchAs {self._variable(node.name) if node.name else ''}")
        if node.pattern is not None:
            self.emit(node.pattern)
        self.out.tokens.append(")")

    def _MatchStar(self, node: ast.MatchStar) -> None:
        self.out.tokens.append(f"(MatchStar {self._variable(node.name) if node.name else ''})")

    def _MatchMapping(self, node: ast.MatchMapping) -> None:
        self._fields(node, skip=["rest"])
        if node.rest:
            self.out.tokens.append(self._variable(node.rest))

    # Errors

    def _Expr(self, node: ast.Expr) -> None:
        if not _says_only(node):
            self._fields(node)

    def _Assert(self, node: ast.Assert) -> None:
        self.out.tokens.append("(Assert")
        self.emit(node.test)
        self.out.tokens.append(")")

    def _Raise(self, node: ast.Raise) -> None:
        self.out.tokens.append("(Raise")
        error = dotted(node.exc.func) if isinstance(node.exc, ast.Call) else None
        if error is None or not isinstance(node.exc, ast.Call):
            self._fields(node)
        else:
            resolved = self._use(error)
            self.emit(node.exc.func)
            for place, argument in enumerate(node.exc.args):
                self._text(resolved, str(place), argument)
            for keyword in node.exc.keywords:
                self.out.tokens.append(str(keyword.arg))
                self._text(resolved, str(keyword.arg), keyword.value)
            if node.cause is not None:
                self.emit(node.cause)
        self.out.tokens.append(")")

    def _text(self, error: Chain | None, slot: str, node: ast.expr) -> None:
        if error is None or not _is_text(node):
            self.emit(node)
            return
        self.out.tokens.append("(text)")
        # Variables are met in the order of what counts; a text must not change their numbers.
        numbers, variables = [dict(scope.local) for scope in self.scopes], self.variables
        docs, texts, handlers, flags = len(self.docs), len(self.texts), len(self.handlers), set(self.flags)
        with self._apart(_Out()) as out:
            self.emit(node)
        for scope, before in zip(self.scopes, numbers, strict=True):
            scope.local = before
        self.variables = variables
        self.flags = flags
        del self.docs[docs:], self.texts[texts:], self.handlers[handlers:]
        self.texts.append(Text(error, slot, out.said()))

    def _ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self._handler(node, node.name)
        self.out.tokens.append("(except")
        if node.type is not None:
            self.emit(node.type)
        if node.name:
            self.out.tokens.append(self._variable(node.name))
        self.emit(node.body)
        self.out.tokens.append(")")

    def _handler(self, node: ast.ExceptHandler, name: str) -> None:
        raises = [one for one in _inside(node.body) if isinstance(one, ast.Raise) and one.exc is not None]
        leaving = ast.Return | ast.Continue | ast.Break | ast.Yield | ast.YieldFrom
        leaves = any(isinstance(one, leaving) for one in _inside(node.body))
        only_raises = isinstance(node.body[-1], ast.Raise) and not leaves
        # Variables that are made of the error's words, and of which.
        made: dict[str, set[str]] = {}
        passed: set[int] = set()
        for one in _inside(node.body) if only_raises else ():
            if isinstance(one, ast.Assign) and len(one.targets) == 1 and isinstance(one.targets[0], ast.Name):
                words = {word for known, of in made.items() for _ in _read_of(one.value, known) for word in of}
                words |= set(_read_of(one.value, name))
                if words:
                    made.setdefault(one.targets[0].id, set()).update(words)
                    passed.update(id(inner) for inner in ast.walk(one.value))
        read: set[str] = set()
        into: dict[tuple[Chain, str, str], None] | None = {}
        inside: set[int] = set()
        for one in raises:
            inside.update(id(inner) for inner in ast.walk(one))
            error = dotted(one.exc.func) if isinstance(one.exc, ast.Call) else None
            for slot, argument in _arguments_of(one.exc):
                words = set(_read_of(argument, name))
                words |= {word for known, of in made.items() for _ in _read_of(argument, known) for word in of}
                read |= words
                if words and error is None:
                    into = None
                elif into is not None and error is not None:
                    into.update({(self._absolute(error), slot, word): None for word in sorted(words)})
        outside = {word for tree in node.body for word in _read_of(tree, name, but=inside | passed)}
        read |= outside
        if outside and only_raises and into is not None:
            # Its words go to other errors by ways that are not followed.
            for one in raises:
                error = dotted(one.exc.func) if isinstance(one.exc, ast.Call) else None
                if error is None or into is None:
                    into = None
                else:
                    into.update({(self._absolute(error), "*", word): None for word in sorted(outside)})
        elif outside:
            into = None
        if not read:
            return
        kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type] if node.type else []
        chains = [dotted(kind) for kind in kinds]
        caught = None if any(chain is None for chain in chains) else tuple(self._absolute(c) for c in chains if c)
        self.handlers.append(Handler(caught, tuple(sorted(read)), None if into is None else tuple(into)))

    def _absolute(self, chain: Chain) -> Chain:
        scope = self._scope_of(chain[0])
        if scope is not None and chain[0] in scope.imports:
            return (*scope.imports[chain[0]], *chain[1:])
        return chain


_OF_TYPE = frozenset({"type", "isinstance"})


def _arguments_of(node: ast.expr | None) -> Iterator[tuple[str, ast.expr]]:
    """The arguments of a call by slot; a value that is no call is one argument."""
    if isinstance(node, ast.Call):
        yield from ((str(place), argument) for place, argument in enumerate(node.args))
        yield from ((str(keyword.arg), keyword.value) for keyword in node.keywords)
    elif node is not None:
        yield "*", node


def _read_of(tree: ast.AST, name: str, but: Collection[int] = ()) -> Iterator[str]:
    """The attributes of a variable that a tree reads, `*` for the whole; what asks for its type reads no word."""
    if isinstance(tree, ast.Name) and tree.id == name:
        yield "*"
    for parent in ast.walk(tree):
        if isinstance(parent, ast.Call) and isinstance(parent.func, ast.Name) and parent.func.id in _OF_TYPE:
            continue
        for child in ast.iter_child_nodes(parent):
            if isinstance(child, ast.Name) and child.id == name and id(child) not in but:
                yield parent.attr if isinstance(parent, ast.Attribute) else "*"


def _says_only(node: ast.AST) -> bool:
    """A text or another constant that stands by itself, as below a constant that it describes."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_text(node: ast.expr) -> bool:
    if isinstance(node, ast.JoinedStr):
        return True
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
        return _is_text(node.left) or _is_text(node.right)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        # "; ".join(...), "...".format(...), f"...".rstrip()
        return _is_text(node.func.value)
    return isinstance(node, ast.IfExp) and (_is_text(node.body) or _is_text(node.orelse))


def _decorator(node: ast.expr) -> str:
    chain = dotted(node.func if isinstance(node, ast.Call) else node)
    return chain[-1] if chain else "?"


def _parameters(arguments: ast.arguments) -> set[str]:
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    return {one.arg for one in every if one is not None}


def _targets(node: ast.AST) -> Iterator[str]:
    return (one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store))


_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def _inside(body: Sequence[ast.AST]) -> Iterator[ast.AST]:
    """The nodes of a body without those of inner functions and classes, whose heads are given."""
    todo = list(reversed(body))
    while todo:
        node = todo.pop()
        yield node
        if isinstance(node, _SCOPES):
            outside = [*getattr(node, "decorator_list", []), *getattr(node, "bases", [])]
            if not isinstance(node, ast.ClassDef):
                outside += [one for one in [*node.args.defaults, *node.args.kw_defaults] if one is not None]
            todo += reversed(outside)
        else:
            todo += reversed(list(ast.iter_child_nodes(node)))


def _bound_by(body: Sequence[ast.AST]) -> list[str]:
    """The names that a body binds in its own scope."""
    return _bound(list(_inside(body)))


def _bound(nodes: Sequence[ast.AST]) -> list[str]:
    """The names that some nodes of one scope bind."""
    found: dict[str, None] = {}
    own = {
        id(one)
        for node in nodes
        if isinstance(node, _COMPREHENSIONS)
        for g in node.generators
        for one in ast.walk(g.target)
    }
    for node in nodes:
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            if id(node) not in own:
                found[node.id] = None
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found[node.name] = None
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                found[alias.asname or alias.name.partition(".")[0]] = None
        elif (isinstance(node, ast.ExceptHandler) and node.name) or (
            isinstance(node, ast.MatchAs | ast.MatchStar) and node.name
        ):
            found[node.name] = None
        elif isinstance(node, ast.MatchMapping) and node.rest:
            found[node.rest] = None
    return list(found)


def _kind(statement: ast.stmt) -> str:
    """What a statement at the top of a module is; whatever may do more than bind names is an effect."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        harmless = all(_decorator(one) in HARMLESS for one in statement.decorator_list)
        return ("class" if isinstance(statement, ast.ClassDef) else "def") if harmless else "effect"
    if isinstance(statement, ast.Assign):
        plain = all(isinstance(one, ast.Name | ast.Tuple | ast.List) for one in statement.targets) and not any(
            isinstance(inner, ast.Attribute | ast.Subscript) for one in statement.targets for inner in ast.walk(one)
        )
        return "assign" if plain else "effect"
    if isinstance(statement, ast.AnnAssign):
        return "assign" if isinstance(statement.target, ast.Name) else "effect"
    if isinstance(statement, ast.If | ast.Try):
        # An import that may fail, or depends on the machine.
        bodies = [statement.body, statement.orelse, getattr(statement, "finalbody", [])]
        bodies += [handler.body for handler in getattr(statement, "handlers", [])]
        inner = [one for body in bodies for one in body]
        if all(isinstance(one, ast.Import | ast.ImportFrom | ast.Pass) or _kind(one) != "effect" for one in inner):
            return "assign"
    return "effect"
