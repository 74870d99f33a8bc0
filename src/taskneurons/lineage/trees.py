"""Questions about syntax trees: which names a statement binds, where a name is read, what an import brings."""

import ast
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from taskneurons.lineage.definitions import Chain

# Decorators that neither keep what they decorate nor read its annotations; any other one may.
HARMLESS = frozenset(
    {"abstractmethod", "cache", "cached_property", "classmethod", "computed_field", "contextmanager", "dataclass"}
    | {"deleter", "field_serializer", "field_validator", "final", "inference_mode", "lru_cache", "model_serializer"}
    | {"model_validator", "no_grad", "overload", "override", "property", "setter", "staticmethod", "total_ordering"}
    | {"wraps"}
)
_OF_TYPE = frozenset({"type", "isinstance"})


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


def for_type_checkers(statement: ast.stmt) -> bool:
    """Whether a statement is `if TYPE_CHECKING`."""
    if not isinstance(statement, ast.If):
        return False
    test = statement.test
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def for_the_main_program(statement: ast.stmt) -> bool:
    """Whether a statement runs only where its module is the program."""
    return isinstance(statement, ast.If) and ast.unparse(statement.test) == "__name__ == '__main__'"


def imports_of(statement: ast.stmt) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports that run when the module does: those of functions do not."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        yield statement
    elif not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        for child in ast.iter_child_nodes(statement):
            for inner in [child] if isinstance(child, ast.stmt) else bodies(child):
                if not for_type_checkers(inner):
                    yield from imports_of(inner)


def bodies(node: ast.AST) -> list[ast.stmt]:
    """The statements of an `except` or a `case`."""
    return node.body if isinstance(node, ast.ExceptHandler | ast.match_case) else []


def docstring(node: Any) -> str | None:
    """The docstring of a module, a class or a function."""
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


def arguments_of(node: ast.expr | None) -> Iterator[tuple[str, ast.expr]]:
    """The arguments of a call by slot; a value that is no call is one argument."""
    if isinstance(node, ast.Call):
        yield from ((str(place), argument) for place, argument in enumerate(node.args))
        yield from ((str(keyword.arg), keyword.value) for keyword in node.keywords)
    elif node is not None:
        yield "*", node


def read_of(tree: ast.AST, name: str, but: Collection[int] = ()) -> Iterator[str]:
    """The attributes of a variable that a tree reads, `*` for the whole; what asks for its type reads no word."""
    if isinstance(tree, ast.Name) and tree.id == name:
        yield "*"
    for parent in ast.walk(tree):
        if isinstance(parent, ast.Call) and isinstance(parent.func, ast.Name) and parent.func.id in _OF_TYPE:
            continue
        for child in ast.iter_child_nodes(parent):
            if isinstance(child, ast.Name) and child.id == name and id(child) not in but:
                yield parent.attr if isinstance(parent, ast.Attribute) else "*"


def says_only(node: ast.AST) -> bool:
    """A text or another constant that stands by itself, as below a constant that it describes."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def is_text(node: ast.expr) -> bool:
    """Whether an expression is a text, also one that is put together."""
    if isinstance(node, ast.JoinedStr):
        return True
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
        return is_text(node.left) or is_text(node.right)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        # "; ".join(...), "...".format(...), f"...".rstrip()
        return is_text(node.func.value)
    return isinstance(node, ast.IfExp) and (is_text(node.body) or is_text(node.orelse))


def decorator(node: ast.expr) -> str:
    """The last name of a decorator; `?` where it has none."""
    chain = dotted(node.func if isinstance(node, ast.Call) else node)
    return chain[-1] if chain else "?"


def parameters(arguments: ast.arguments) -> set[str]:
    """The names of all parameters."""
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    return {one.arg for one in every if one is not None}


def targets(node: ast.AST) -> Iterator[str]:
    """The names that an expression on the left of an assignment binds."""
    return (one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store))


_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def inside(body: Sequence[ast.AST]) -> Iterator[ast.AST]:
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


def bound_by(body: Sequence[ast.AST]) -> list[str]:
    """The names that a body binds in its own scope."""
    return bound(list(inside(body)))


def bound(nodes: Sequence[ast.AST]) -> list[str]:
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


def kind(statement: ast.stmt) -> str:
    """What a statement at the top of a module is; whatever may do more than bind names is an effect."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        harmless = all(decorator(one) in HARMLESS for one in statement.decorator_list)
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
        if all(isinstance(one, ast.Import | ast.ImportFrom | ast.Pass) or kind(one) != "effect" for one in inner):
            return "assign"
    return "effect"
