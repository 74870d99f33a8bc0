"""What the function of a job can reach in the package, and the fingerprint of it.

From its function a job reaches the definitions that are named in it, those that are named in these, and so on, through
imports; and the effects of every module that is imported on the way. Names are resolved as Python would resolve them,
but without running anything; where that cannot be done, the whole module counts. Other packages are not followed:
their versions stand in the records.
"""

import builtins
import hashlib
import json
import sys
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from taskneurons.errors import InputError
from taskneurons.files import read_json, write_text
from taskneurons.lineage.definitions import Chain, Definition, Handler, Module, Said, Text
from taskneurons.lineage.reader import read_module

PACKAGE = "taskneurons"
# What every job runs besides its own function: it makes the function's argument out of what the rule says.
FRAME = ("taskneurons.workflow.handing", ("job_of", "settings_type"))
# The rooms of the studies, and the report, which is no study.
STUDIES, REPORT = f"{PACKAGE}.studies", f"{PACKAGE}.report"
NOTHING = Said("", ())
# Of the cache; another number makes it be built anew.
VERSION = 2


def module_of(entry: str) -> str:
    """The module of an entry: `dial.measure:...` lies in the room of a study, `report.jobs:...` in the report."""
    module = entry.partition(":")[0]
    package, _, rest = module.partition(".")
    return f"{REPORT}.{rest}" if package == "report" else f"{STUDIES}.{module}"


def functions_of(entry: str) -> list[str]:
    """The function of an entry, and after it those that it calls by names which stand in its settings.

    `continual.measure:learn_streams+continual.seqft:make` gives `learn_streams` and `continual.seqft:make`. The module
    of a further function is named from the package on.
    """
    return entry.partition(":")[2].split("+")


class Sources:
    """The modules of the package below a folder, read once.

    Args:
        package: folder of the package.
        cache: a JSON file that keeps what modules say, by the digest of their bytes, and the fingerprints of the
            package as it is; without one all is read and computed anew.
        loaded: the bytes of modules as Python loaded them, which count instead of those of their files.
    """

    believe_cache = True
    """Whether caches are read, and filled; an audit believes none and keeps none."""

    def __init__(self, package: Path, cache: Path | None = None, loaded: Mapping[str, bytes] | None = None) -> None:
        self.package = package
        self.paths: dict[str, Path] = {}
        for path in sorted(package.rglob("*.py")):
            parts = [PACKAGE, *path.relative_to(package).with_suffix("").parts]
            self.paths[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
        # Each file counts with the bytes that it had when it was first asked for.
        self._bytes = {self.paths[name]: source for name, source in (loaded or {}).items() if name in self.paths}
        # What a dotted name stands for, and whether a constant changes something, is one and the same for all jobs.
        self.resolved: dict[tuple[str, Chain], list[Place | str]] = {}
        self.changing: dict[Place, bool] = {}
        self._modules: dict[str, Module] = {}
        self._known = _Known(cache if Sources.believe_cache else None)

    def __contains__(self, name: str) -> bool:
        return name in self.paths

    def bytes_of(self, name: str) -> bytes:
        """The source of a module."""
        return self.bytes_at(self.paths[name])

    def bytes_at(self, path: Path) -> bytes:
        """The content of a file of the package."""
        if path not in self._bytes:
            self._bytes[path] = path.read_bytes()
        return self._bytes[path]

    def module(self, name: str) -> Module:
        """What a module says.

        Raises:
            InputError: it is no Python.
        """
        if name not in self._modules:
            source = self.bytes_of(name)
            digest = hashlib.sha256(source).hexdigest()
            known = self._known.modules.get(name)
            if known and known["source"] == digest:
                self._modules[name] = _module(known["module"])
            else:
                self._modules[name] = self._read(name, source)
                if self._known.file:
                    self._known.modules[name] = {"source": digest, "module": _plain(self._modules[name])}
                    self._known.new = True
        return self._modules[name]

    def _read(self, name: str, source: bytes) -> Module:
        path = self.paths[name]
        try:
            return read_module(source.decode("utf-8"), name, path.name == "__init__.py")
        except (SyntaxError, ValueError) as error:
            line = f":{error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
            raise InputError("no Python that can be read", where=f"{path}{line}") from None

    @cached_property
    def _state(self) -> str:
        """SHA-256 over all that any fingerprint depends on: every file of the package, and the Python that reads it."""
        lines = [sys.version]
        for path in sorted(self.package.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                lines.append(f"{path.relative_to(self.package)} {hashlib.sha256(self.bytes_at(path)).hexdigest()}")
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def fingerprint(self, entry: str, compute: Callable[[], str]) -> str:
        """The fingerprint that is kept for an entry and the package as it is; else the one that is computed."""
        if not self._known.file:
            return compute()
        kept = self._known.fingerprints.setdefault(self._state, {})
        if entry not in kept:
            kept[entry] = compute()
            self._known.new = True
        return kept[entry]

    def save(self) -> None:
        """Write the cache where a module was read, or a fingerprint computed."""
        if self._known.new:
            self._known.save(self.paths, self._state)

    def again(self, loaded: Mapping[str, bytes] | None = None) -> "Sources":
        """The same package as its files, or what was loaded of them, say now."""
        other = Sources(self.package, loaded=loaded)
        other._known = self._known
        return other

    def beside(self, name: str) -> Iterator[Path]:
        """The files beside a module that are no modules, also in folders below its own."""
        for path in sorted(self.paths[name].parent.rglob("*")):
            if path.is_file() and path.suffix != ".py" and "__pycache__" not in path.parts:
                yield path


class _Known:
    """What a file keeps, read when it is first asked for.

    Attributes:
        file: None keeps nothing.
        new: whether there is more than in the file.
    """

    def __init__(self, file: Path | None) -> None:
        self.file, self.new = file, False

    @cached_property
    def modules(self) -> dict[str, dict[str, Any]]:
        """What modules say, and the digest of their bytes, by name."""
        modules: dict[str, dict[str, Any]] = self._content.get("modules", {})
        return modules

    @cached_property
    def fingerprints(self) -> dict[str, dict[str, str]]:
        """Fingerprints by entry, by the state of the package."""
        fingerprints: dict[str, dict[str, str]] = self._content.get("fingerprints", {})
        return fingerprints

    @cached_property
    def _content(self) -> dict[str, Any]:
        try:
            content = read_json(self.file) if self.file and self.file.is_file() else {}
        except InputError:
            return {}
        return content if _fits(content) else {}

    def save(self, modules: Container[str], state: str) -> None:
        """Write what is known of these modules and this state of the package."""
        if self.file:
            content = {
                "version": VERSION,
                "modules": {name: said for name, said in sorted(self.modules.items()) if name in modules},
                "fingerprints": {state: self.fingerprints.get(state, {})},
            }
            write_text(self.file, json.dumps(content, separators=(",", ":")))
            self.new = False


def _fits(content: Any) -> bool:
    """Whether a kept file is of this version, with modules and fingerprints where they belong."""
    if not isinstance(content, dict) or content.get("version") != VERSION:
        return False
    modules, fingerprints = content.get("modules"), content.get("fingerprints")
    return (
        isinstance(modules, dict)
        and all(isinstance(one, dict) and one.keys() == {"source", "module"} for one in modules.values())
        and isinstance(fingerprints, dict)
        and all(isinstance(one, dict) for one in fingerprints.values())
    )


@dataclass(frozen=True, order=True)
class Place:
    """One definition of a module."""

    module: str
    at: int


class Reach:
    """What a function reaches, step by step until nothing is new.

    Args:
        sources: the package.
        module: name of the function's module; with `name` None the whole module is reached.
        name: the function.

    Raises:
        InputError: there is no such module or function.
    """

    def __init__(self, sources: Sources, module: str, name: str | None) -> None:
        self.sources = sources
        self.modules: set[str] = set()
        self.whole: set[str] = set()
        self.places: dict[Place, None] = {}
        self.texts: dict[tuple[Place, int], Text] = {}
        self.documented = self.everything = False
        self._todo: list[Callable[[], None]] = []
        self._ancestors: dict[tuple[str, str], frozenset[object]] = {}
        self.entries: tuple[Place, ...] = ()
        if module not in sources:
            raise InputError(f"there is no module {module}", where=f"code of {module}:{name or ''}")
        self._enter(module)
        if name is None:
            self._take_whole(module)
        else:
            found = sources.module(module)
            if name not in found.names:
                raise InputError(f"there is no {name} in {module}", where=f"code({module}:{name})")
            self.entries = tuple(Place(module, at) for at in found.names[name])
            for place in self.entries:
                self._take(place)
                self._follow(module, self.definition(place).annotations.uses)
        self._run()
        # Which texts of errors are read depends on everything that was reached, and they may reach more.
        while self._take_texts():
            self._run()

    def definition(self, place: Place) -> Definition:
        """The definition at a place."""
        return self.sources.module(place.module).definitions[place.at]

    def _run(self) -> None:
        while self._todo:
            self._todo.pop()()

    def _enter(self, name: str) -> None:
        """A module is imported: with the packages that hold it, what it imports, and its effects."""
        if name in self.modules or name not in self.sources:
            return
        self.modules.add(name)
        self._todo.append(partial(self._import, name))
        if self.everything:
            self._take_whole(name)

    def _import(self, name: str) -> None:
        if "." in name:
            self._enter(name.rpartition(".")[0])
        module = self.sources.module(name)
        for other in (*module.imports, *module.stars):
            self._enter(other)
        for at, definition in enumerate(module.definitions):
            if definition.kind == "effect" or (
                definition.kind == "assign" and self._changes_something(Place(name, at))
            ):
                self._take(Place(name, at))

    def _changes_something(self, place: Place) -> bool:
        """Whether a constant is made by a function that changes an object of a module: it may enter it in a list."""
        if place not in self.sources.changing:
            self.sources.changing[place] = self._reaches_a_change(place)
        return self.sources.changing[place]

    def _reaches_a_change(self, place: Place) -> bool:
        seen: set[Place] = set()
        todo = [place]
        while todo:
            here = todo.pop()
            if here in seen:
                continue
            seen.add(here)
            definition = self.definition(here)
            if "changes" in definition.flags and here != place:
                return True
            for chain in definition.said.uses:
                for found in self._resolve(here.module, chain):
                    if isinstance(found, Place) and self.definition(found).kind in ("def", "class", "effect"):
                        todo.append(found)
        return False

    def _take(self, place: Place) -> None:
        if place in self.places:
            return
        self.places[place] = None
        definition = self.definition(place)
        self._enter(place.module)
        for name in definition.imports:
            self._enter(name)
        if "whole" in definition.flags:
            self._take_whole(place.module)
        if "everything" in definition.flags and not self.everything:
            self.everything = True
            for name in sorted(self.modules):
                self._take_whole(name)
        self.documented = self.documented or "documented" in definition.flags
        self._todo.append(partial(self._follow, place.module, definition.said.uses))

    def _take_whole(self, name: str) -> None:
        if name in self.whole:
            return
        self.whole.add(name)
        self._enter(name)
        module = self.sources.module(name)
        for at in range(len(module.definitions)):
            self._take(Place(name, at))
        for other in module.stars:
            if other in self.sources:
                self._take_whole(other)

    def _follow(self, module: str, uses: tuple[Chain, ...]) -> None:
        for chain in uses:
            for found in self._resolve(module, chain):
                if isinstance(found, Place):
                    self._take(found)
                else:
                    self._take_whole(found)

    def _resolve(self, module: str, chain: Chain, seen: frozenset[tuple[str, str]] = frozenset()) -> list[Place | str]:
        """What a dotted name stands for: definitions, or the name of a module that is meant whole; nothing outside."""
        if seen:
            return self._resolved(module, chain, seen)
        if (module, chain) not in self.sources.resolved:
            self.sources.resolved[module, chain] = self._resolved(module, chain, seen)
        return self.sources.resolved[module, chain]

    def _resolved(self, module: str, chain: Chain, seen: frozenset[tuple[str, str]]) -> list[Place | str]:
        root, *rest = chain
        if root.startswith("@"):
            return self._in_module(root[1:], tuple(rest), seen)
        if (module, root) in seen:
            return []
        seen |= {(module, root)}
        here = self.sources.module(module)
        found: list[Place | str] = [Place(module, at) for at in here.names.get(root, ())]
        if root in here.bound:
            found += self._resolve(module, (*here.bound[root], *rest), seen)
        elif not found:
            for other in here.stars:
                found += self._in_module(other, (root, *rest), seen) if other in self.sources else []
            if "__getattr__" in here.names:
                found.append(module)
        return found

    def _in_module(self, name: str, rest: Chain, seen: frozenset[tuple[str, str]]) -> list[Place | str]:
        if name not in self.sources:
            return []
        if not rest:
            return [name]
        inner = self.sources.module(name)
        if rest[0] in inner.names or rest[0] in inner.bound:
            return self._resolve(name, rest, seen)
        if f"{name}.{rest[0]}" in self.sources:
            return self._in_module(f"{name}.{rest[0]}", rest[1:], seen)
        if inner.stars:
            return self._resolve(name, rest, seen)
        # Something that cannot be seen from here, such as a name that another module puts there.
        return [name]

    # Errors

    def _take_texts(self) -> bool:
        """Add the texts of errors whose words are read; whether there were new ones."""
        handlers = [(place.module, one) for place in self.places for one in self.definition(place).handlers]
        readers = [(module, one) for module, one in handlers if one.into is None]
        first = len(self.texts)
        while True:
            before = len(self.texts), len(readers)
            for place in list(self.places):
                for number, text in enumerate(self.definition(place).texts):
                    if (place, number) not in self.texts and self._is_read(place.module, text, readers):
                        self.texts[place, number] = text
                        self._todo.append(partial(self._follow, place.module, text.said.uses))
            # An error whose words become those of an error that is read is read, too.
            for module, handler in handlers:
                for error, slot, attribute in handler.into or ():
                    reader = (module, Handler(handler.caught, (attribute,), None))
                    if reader not in readers and self._is_read(module, Text(error, slot, NOTHING), readers):
                        readers.append(reader)
            if (len(self.texts), len(readers)) == before:
                return len(self.texts) > first

    def _is_read(self, module: str, text: Text, readers: list[tuple[str, Handler]]) -> bool:
        kinds = self._kinds(module, text.error)
        if kinds is None:
            return True
        return any(
            (handler.caught is None or any(self._is_kind(kinds, where, caught) for caught in handler.caught))
            and (text.slot == "*" or self._reads(module, text, handler))
            for where, handler in readers
        )

    def _reads(self, module: str, text: Text, handler: Handler) -> bool:
        if "*" in handler.read or "args" in handler.read:
            return True
        slot = text.slot
        if slot.isdigit():
            names = next(
                (
                    found
                    for place in self._resolve(module, text.error)
                    if isinstance(place, Place) and (found := self.definition(place).init) is not None
                ),
                None,
            )
            if names is None or int(slot) >= len(names):
                return True
            slot = names[int(slot)]
        return slot in handler.read

    def _is_kind(self, kinds: frozenset[object], module: str, caught: Chain) -> bool:
        places = [found for found in self._resolve(module, caught) if isinstance(found, Place)]
        if places:
            return any(place in kinds for place in places)
        if len(caught) == 1 and isinstance(kind := getattr(builtins, caught[0], None), type):
            return kind in kinds
        # A name of this module for several classes, or a class of another package, which no error of ours is of.
        return False

    def _kinds(self, module: str, error: Chain) -> frozenset[object] | None:
        """The class of an error and those that it derives from; None where it is no class that we know."""
        places = [found for found in self._resolve(module, error) if isinstance(found, Place)]
        if not places:
            kind = getattr(builtins, error[0], None) if len(error) == 1 else None
            return frozenset(kind.__mro__) if isinstance(kind, type) else None
        found: set[object] = set()
        for place in places:
            definition = self.definition(place)
            if definition.kind != "class":
                return None
            found.add(place)
            for base in definition.bases:
                inner = self._kinds(place.module, base)
                if inner is None:
                    return None
                found |= inner
        return frozenset(found)

    # The result

    def lines(self) -> Iterator[str]:
        """One line for each thing that counts, sorted."""
        lines: list[str] = []
        for place in self.places:
            definition = self.definition(place)
            if definition.kind != "docstring":
                # Several statements may bind one name, or none: their order in the module counts.
                of = f"{place.module}:{','.join(definition.names)}"
                order = self._order(place)
                lines.append(f"{of} {order} {definition.said.digest}")
                if place in self.entries:
                    lines.append(f"{of} {order} annotations {definition.annotations.digest}")
                for number, text in enumerate(definition.texts):
                    if (place, number) in self.texts:
                        lines.append(f"{of} {order} text {number} {text.said.digest}")
            else:
                of, order = place.module, 0
            if self.documented and definition.docs:
                lines.append(f"{of} {order} docs {definition.docs}")
            if "beside" in definition.flags:
                for path in self.sources.beside(place.module):
                    digest = hashlib.sha256(self.sources.bytes_at(path)).hexdigest()
                    lines.append(f"{path.relative_to(self.sources.package).as_posix()} {digest}")
        return iter(sorted(set(lines)))

    def _order(self, place: Place) -> int:
        """The rank of a definition among those of its module with its names, effects among effects."""
        definition = self.definition(place)
        every = self.sources.module(place.module).definitions
        if definition.kind == "effect":
            alike = [at for at, one in enumerate(every) if one.kind == "effect"]
        else:
            alike = [at for at, one in enumerate(every) if one.names == definition.names]
        return alike.index(place.at)


class Code:
    """Fingerprints of the functions of jobs.

    Args:
        sources: the package.
    """

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self._texts: dict[str, str] = {}

    def __call__(self, entry: str, *named: str) -> str:
        """The text that a rule names as its code: the entry and the fingerprint of all that it reaches.

        Args:
            entry: `<study>.<module>:<function>`.
            named: functions of the package that it calls by names which stand in its settings, `<module>:<function>`.

        Raises:
            InputError: there is no such function.
        """
        entry = "+".join([entry, *named])
        if entry not in self._texts:
            self._texts[entry] = f"{entry} {self.fingerprint(entry)}"
        return self._texts[entry]

    def fingerprint(self, entry: str) -> str:
        """SHA-256 over all that a function and the frame of every job reach."""
        return self.sources.fingerprint(entry, lambda: self._computed(entry))

    def _computed(self, entry: str) -> str:
        lines = {line for reach in self._reaches(entry) for line in reach.lines()}
        return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()

    def modules(self, entry: str) -> tuple[str, ...]:
        """The modules of which something counts for an entry, sorted."""
        return tuple(sorted({place.module for reach in self._reaches(entry) for place in reach.places}))

    def _reaches(self, entry: str) -> list[Reach]:
        function, *named = functions_of(entry)
        reaches = [Reach(self.sources, module_of(entry), function)]
        for one in named:
            module, _, name = one.partition(":")
            reaches.append(Reach(self.sources, f"{PACKAGE}.{module}", name))
        return [*reaches, *self._frame]

    @cached_property
    def _frame(self) -> list[Reach]:
        module, names = FRAME
        return [Reach(self.sources, module, name) for name in names]


# Modules as JSON values, for the cache


def _plain(module: Module) -> dict[str, Any]:
    content = asdict(module)
    for one in content["definitions"]:
        one["flags"] = sorted(one["flags"])
    return content


def _chains(values: list[Any]) -> tuple[Chain, ...]:
    return tuple(tuple(chain) for chain in values)


def _said(content: dict[str, Any]) -> Said:
    return Said(content["digest"], _chains(content["uses"]))


def _module(content: dict[str, Any]) -> Module:
    return Module(
        imports=tuple(content["imports"]),
        bound={name: tuple(chain) for name, chain in content["bound"].items()},
        names={name: tuple(at) for name, at in content["names"].items()},
        definitions=tuple(map(_definition, content["definitions"])),
        stars=tuple(content["stars"]),
    )


def _definition(content: dict[str, Any]) -> Definition:
    return Definition(
        names=tuple(content["names"]),
        kind=content["kind"],
        said=_said(content["said"]),
        annotations=_said(content["annotations"]),
        docs=content["docs"],
        texts=tuple(Text(tuple(one["error"]), one["slot"], _said(one["said"])) for one in content["texts"]),
        handlers=tuple(
            Handler(
                caught=None if one["caught"] is None else _chains(one["caught"]),
                read=tuple(one["read"]),
                into=None if one["into"] is None else tuple((tuple(e), slot, a) for e, slot, a in one["into"]),
            )
            for one in content["handlers"]
        ),
        imports=tuple(content["imports"]),
        flags=frozenset(content["flags"]),
        bases=_chains(content["bases"]),
        init=None if content["init"] is None else tuple(content["init"]),
    )
