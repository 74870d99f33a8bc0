"""What a job depends on besides its input files, as two strings: the parameters it reads and the code it runs.

Both are Snakemake params of the rule, so that a change of either makes the job run again, and nothing else does: not
the order of keys in a parameter file, not a comment, not a docstring.
"""

import ast
import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from taskneurons.errors import InputError
from taskneurons.files import read_json, write_json

PACKAGE = "taskneurons"


def settings(**values: Any) -> str:
    """The values that a job reads as one canonical JSON text: sorted keys, no spaces, no NaN.

    Values are JSON values, tuples, paths, and pydantic models (dumped with all their fields). It is one text because
    Snakemake compares the params of a rule as an unordered set: two that swap their values would not be seen.

    Raises:
        TypeError: a value has no JSON form.
        ValueError: a number is NaN or infinite.
    """
    return json.dumps(
        values, default=_plain, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")
    )


def _plain(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Path):
        return value.as_posix()
    raise TypeError(f"settings of a job are JSON values or pydantic models, not {type(value).__name__}")


def syntax_digest(source: str) -> str:
    """SHA-256 of a Python source's syntax tree without docstrings; comments and layout are not part of a tree.

    The form is our own and not `ast.dump`, whose text differs between versions of Python for the same source.
    """
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and _documented(node):
            node.body = node.body[1:]
    return hashlib.sha256("".join(_tokens(tree)).encode()).hexdigest()


def _documented(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    first = node.body[0] if node.body else None
    return isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)


def _tokens(value: Any) -> Iterator[str]:
    if isinstance(value, ast.AST):
        yield f"({type(value).__name__}"
        for name, field in ast.iter_fields(value):
            # Fields that newer versions of Python add are empty for older sources.
            if field is not None and field != []:
                yield f" {name}="
                yield from _tokens(field)
        yield ")"
    elif isinstance(value, list):
        yield "["
        for item in value:
            yield from _tokens(item)
            yield ","
        yield "]"
    else:
        yield repr(value)


def imported_modules(source: str, modules: frozenset[str]) -> set[str]:
    """The modules among `modules` that a script imports, wherever in it the import stands."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found & modules


class CodeFingerprints:
    """Fingerprints of scripts: their own syntax tree and those of all modules of the package that they reach.

    The trees and the import graph are cached; the cache holds as long as no file of the package changes its size or
    modification time, so that reading a workflow costs one `stat` a module.

    Args:
        scripts: folder of the scripts.
        package: folder of the package that they import.
        cache: JSON file to keep what was computed.
    """

    def __init__(self, scripts: Path, package: Path, cache: Path) -> None:
        self.scripts = scripts
        sources = sorted(package.rglob("*.py"))
        state = {
            path.relative_to(package).as_posix(): [path.stat().st_mtime_ns, path.stat().st_size] for path in sources
        }
        known: dict[str, Any] = {}
        if cache.is_file():
            try:
                known = read_json(cache)
            except InputError:
                known = {}
        if known.get("state") != state or known.get("package") != str(package):
            known = {"package": str(package), "state": state, **_read_package(package, sources)}
            write_json(cache, known)
        self._digests: dict[str, str] = known["digests"]
        self._imports: dict[str, list[str]] = known["imports"]

    def reached(self, script: str) -> tuple[str, ...]:
        """The modules that a script reaches through imports, with the packages that hold them; sorted."""
        source = self._source(script)
        todo = [*imported_modules(source, frozenset(self._digests)), *_with(script)]
        seen: set[str] = set()
        while todo:
            module = todo.pop()
            if module in seen:
                continue
            seen.add(module)
            todo.extend(self._imports.get(module, ()))
            if "." in module:
                todo.append(module.rpartition(".")[0])
        return tuple(sorted(seen))

    def of(self, script: str, *modules: str) -> str:
        """SHA-256 over the trees of `<script>.py` and of every module that it reaches.

        Args:
            script: its name, or `<study>.<module>:<function>`.
            modules: of the package, that the function imports by names which stand in its settings.

        Raises:
            InputError: there is no such script, or no such module.
        """
        if unknown := sorted(set(modules) - set(self._digests)):
            raise InputError(f"there is no module {', '.join(unknown)}", where=f"code({script!r})")
        script = "+".join([script, *modules])
        parts = [syntax_digest(self._source(script))]
        parts += [f"{module}:{self._digests[module]}" for module in self.reached(script)]
        entry = f"{script} " if ":" in script else ""
        return entry + hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def _source(self, script: str) -> str:
        path = self.scripts / f"{script}.py"
        if ":" in script:
            module = script.partition(":")[0].replace(".", "/")
            path = self.scripts.parents[1] / "src" / "taskneurons" / "studies" / f"{module}.py"
        if not path.is_file():
            raise InputError("no such script", where=str(path), remedy="A rule names its script in code(...)")
        return path.read_text(encoding="utf-8")


def _with(script: str) -> list[str]:
    """The modules that a function imports by name."""
    return script.split("+")[1:]


def _read_package(package: Path, sources: list[Path]) -> dict[str, Any]:
    import grimp

    # Imports for type checkers only cannot change a result. grimp finds the package where Python would import it from.
    graph = grimp.build_graph(PACKAGE, cache_dir=None, exclude_type_checking_imports=True)
    digests: dict[str, str] = {}
    for path in sources:
        parts = [package.name, *path.relative_to(package).with_suffix("").parts]
        module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        digests[module] = syntax_digest(path.read_text(encoding="utf-8"))
    imports = {module: sorted(graph.find_modules_directly_imported_by(module)) for module in sorted(graph.modules)}
    return {"digests": digests, "imports": imports}
