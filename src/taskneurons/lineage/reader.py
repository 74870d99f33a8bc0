"""Reading a module as its definitions, without what cannot change a result.

Left out are comments and layout, docstrings, annotations of functions, names of local variables, and the texts of
raised errors. What is left out is kept apart, for the few places where it is read as a value.
"""

import ast
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from taskneurons.lineage import trees
from taskneurons.lineage.definitions import Chain, Definition, Handler, Module, Said, Text

Function = ast.FunctionDef | ast.AsyncFunctionDef

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
    documented = trees.docstring(tree)
    statements: list[ast.stmt] = []
    for statement in tree.body[1 if documented is not None else 0 :]:
        if isinstance(statement, ast.If) and (
            trees.for_type_checkers(statement) or trees.for_the_main_program(statement)
        ):
            statements += statement.orelse
        else:
            statements.append(statement)
    # Imports first: a name may be used above the import that binds it, in a function.
    for statement in statements:
        for node in trees.imports_of(statement):
            for target, local, module in trees.imported(node, name, package):
                imports.update(dict.fromkeys(module))
                if local == "*":
                    stars.append(target[0][1:])
                else:
                    bound[local] = target
    places: dict[str, list[int]] = {}
    for statement in statements:
        if isinstance(statement, ast.Import | ast.ImportFrom | ast.Pass) or trees.says_only(statement):
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
        kind = trees.kind(statement)
        bases: tuple[Chain, ...] = ()
        init: tuple[str, ...] | None = None
        if isinstance(statement, ast.ClassDef):
            bases = tuple(found for base in statement.bases if (found := trees.dotted(base)))
            methods = {one.name: one for one in statement.body if isinstance(one, ast.FunctionDef)}
            if "__init__" in methods:
                arguments = methods["__init__"].args
                init = tuple(one.arg for one in [*arguments.posonlyargs, *arguments.args][1:])
        return Definition(
            names=tuple(trees.bound_by([statement])),
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
        chain = trees.dotted(node)
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
        root = trees.dotted(node.value)
        if not isinstance(node.ctx, ast.Load) and root and self._scope_of(root[0]) is None:
            self.flags.add("changes")
        self._fields(node)

    def _Call(self, node: ast.Call) -> None:
        chain = trees.dotted(node.func) or ("", node.func.attr if isinstance(node.func, ast.Attribute) else "")
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
            owner = trees.dotted(node.args[0]) if len(node.args) > 1 else None
            if owner:
                self._use((*owner, *str(name.value).split(".")))
            return
        owner = trees.dotted(node.args[0]) if node.args else None
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
        kept = any(trees.decorator(one) not in trees.HARMLESS for one in node.decorator_list)
        scope = _Scope("function", kept=trees.parameters(node.args))
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
        scope = _Scope("function", kept=trees.parameters(node.args))
        scope.local = dict.fromkeys(trees.bound_by([ast.Expr(node.body)]))
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
                    if (chain := trees.dotted(one)) is not None:
                        self._use(chain)

    def _declare(self, scope: _Scope, body: list[ast.stmt]) -> None:
        """Find the names of a function."""
        freed: set[str] = set()
        nodes = list(trees.inside(body))
        for node in nodes:
            if isinstance(node, ast.Global):
                scope.outer.update(node.names)
            elif isinstance(node, ast.Nonlocal):
                freed.update(node.names)
        for name in trees.bound(nodes):
            if name not in scope.outer and name not in freed and name not in scope.kept:
                scope.local[name] = None
        for node in nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                # Its name is seen from outside, as `__name__`.
                scope.kept.add(node.name)
                scope.local.pop(node.name, None)
            elif isinstance(node, ast.Import | ast.ImportFrom):
                for target, local, _ in trees.imported(node, self.module, self.package):
                    if local in scope.local:
                        scope.imports[local] = target
                        del scope.local[local]

    def _body(self, node: Any) -> None:
        text = trees.docstring(node)
        if text is not None:
            self.docs.append(text)
        self.emit(node.body[1:] if text is not None else node.body)

    def _ClassDef(self, node: ast.ClassDef) -> None:
        self.out.tokens.append(f"(ClassDef {node.name}")
        self.emit(node.bases)
        self.emit(node.keywords)
        self.emit(node.decorator_list)
        self.scopes.append(_Scope("class", kept=set(trees.bound_by(node.body))))
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
            scope.local.update(dict.fromkeys(trees.targets(generator.target)))
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
        for target, local, modules in trees.imported(node, self.module, self.package):
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
        if not trees.says_only(node):
            self._fields(node)

    def _Assert(self, node: ast.Assert) -> None:
        self.out.tokens.append("(Assert")
        self.emit(node.test)
        self.out.tokens.append(")")

    def _Raise(self, node: ast.Raise) -> None:
        self.out.tokens.append("(Raise")
        error = trees.dotted(node.exc.func) if isinstance(node.exc, ast.Call) else None
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
        if error is None or not trees.is_text(node):
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

    def _handler(self, node: ast.ExceptHandler, name: str) -> None:  # noqa: C901 one case a form of a handler
        raises = [one for one in trees.inside(node.body) if isinstance(one, ast.Raise) and one.exc is not None]
        leaving = ast.Return | ast.Continue | ast.Break | ast.Yield | ast.YieldFrom
        leaves = any(isinstance(one, leaving) for one in trees.inside(node.body))
        only_raises = isinstance(node.body[-1], ast.Raise) and not leaves
        # Variables that are made of the error's words, and of which.
        made: dict[str, set[str]] = {}
        passed: set[int] = set()
        for one in trees.inside(node.body) if only_raises else ():
            if isinstance(one, ast.Assign) and len(one.targets) == 1 and isinstance(one.targets[0], ast.Name):
                words = {word for known, of in made.items() for _ in trees.read_of(one.value, known) for word in of}
                words |= set(trees.read_of(one.value, name))
                if words:
                    made.setdefault(one.targets[0].id, set()).update(words)
                    passed.update(id(inner) for inner in ast.walk(one.value))
        read: set[str] = set()
        into: dict[tuple[Chain, str, str], None] | None = {}
        inside: set[int] = set()
        for one in raises:
            inside.update(id(inner) for inner in ast.walk(one))
            error = trees.dotted(one.exc.func) if isinstance(one.exc, ast.Call) else None
            for slot, argument in trees.arguments_of(one.exc):
                words = set(trees.read_of(argument, name))
                words |= {word for known, of in made.items() for _ in trees.read_of(argument, known) for word in of}
                read |= words
                if words and error is None:
                    into = None
                elif into is not None and error is not None:
                    into.update({(self._absolute(error), slot, word): None for word in sorted(words)})
        outside = {word for tree in node.body for word in trees.read_of(tree, name, but=inside | passed)}
        read |= outside
        if outside and only_raises and into is not None:
            # Its words go to other errors by ways that are not followed.
            for one in raises:
                error = trees.dotted(one.exc.func) if isinstance(one.exc, ast.Call) else None
                if error is None or into is None:
                    into = None
                else:
                    into.update({(self._absolute(error), "*", word): None for word in sorted(outside)})
        elif outside:
            into = None
        if not read:
            return
        kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type] if node.type else []
        chains = [trees.dotted(kind) for kind in kinds]
        caught = None if any(chain is None for chain in chains) else tuple(self._absolute(c) for c in chains if c)
        self.handlers.append(Handler(caught, tuple(sorted(read)), None if into is None else tuple(into)))

    def _absolute(self, chain: Chain) -> Chain:
        scope = self._scope_of(chain[0])
        if scope is not None and chain[0] in scope.imports:
            return (*scope.imports[chain[0]], *chain[1:])
        return chain
