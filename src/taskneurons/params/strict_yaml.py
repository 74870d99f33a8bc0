"""YAML read strictly: no duplicate keys, no alias bombs, no scalar that two YAML readers understand differently.

Snakemake, DVC and editors read the same file with YAML 1.1 or YAML 1.2 rules. `1e-4`, `no`, `010` and `1:30` mean
different things there, so that they are refused with the way to write them.
"""

import math
import re
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml
from yaml.composer import Composer

from taskneurons.errors import InputError

MAX_BYTES = 256 * 1024
MAX_ALIASES = 50
MAX_NODES = 20_000
MAX_DEPTH = 20
# Of a whole number of 64 bits, with its sign.
MAX_DIGITS = 20

Path = tuple[str | int, ...]

_BOOLEAN = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NULL = {"", "~", "null", "Null", "NULL"}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"[-+]?[0-9]+\.[0-9]*([eE][-+][0-9]+)?")
# What looks like a number to one of the two YAML versions, or to a person.
_NUMBER_LIKE = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_IMPLICIT = {
    "tag:yaml.org,2002:bool": "is a truth value to some YAML readers and text to others. Write true, false or quotes",
    "tag:yaml.org,2002:int": "is a different number to different YAML readers. Write it in plain digits",
    "tag:yaml.org,2002:float": "is a different number to different YAML readers. Write it like 0.5 or 1.0e-4",
    "tag:yaml.org,2002:timestamp": "is a date to YAML. Quote it",
    "tag:yaml.org,2002:merge": "merges mappings to some YAML readers only. Write the keys out",
    "tag:yaml.org,2002:value": "has a meaning of its own in YAML. Quote it",
}


class Place(NamedTuple):
    """Where something stands: a file and a line, from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Problem(NamedTuple):
    """One thing that is wrong: where it stands, its key path, what it is, what to do."""

    place: Place
    path: Path
    message: str
    remedy: str | None = None


@dataclass(frozen=True)
class Document:
    """A parsed file: its name, its value, the place of every key path, and what was refused on the way."""

    name: str
    value: Any
    places: dict[Path, Place] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


class _Refused(Exception):
    """The file cannot be read any further: a line and the reason."""

    def __init__(self, line: int, message: str, remedy: str) -> None:
        super().__init__(message)
        self.line, self.message, self.remedy = line, message, remedy


class _Differs(Exception):
    """The file has what libyaml reads otherwise than PyYAML's own parser."""


# libyaml takes tabs, other ends of lines, directives, marks of documents and comments beside | and > otherwise.
_DIFFERS = re.compile("[\t\r\x85\u2028\u2029\ufeff]|^(?:%|---|[.]{3})|[|>][-+0-9]*#", re.MULTILINE)
_LIBYAML: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Capped(Composer):  # type: ignore[misc]  # PyYAML has no types.
    """Compose nodes under caps, while the file is being read and not after it has been expanded."""

    aliases = depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            self.aliases += 1
            if self.aliases > MAX_ALIASES:
                raise _Refused(line, f"more than {MAX_ALIASES} aliases", "Write the values out")
        elif getattr(event, "tag", None) is not None:
            raise _Refused(line, f"the tag {event.tag} is not read", "Remove it")
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _Refused(line, f"nested more than {MAX_DEPTH} deep", "Parameters are four levels deep")
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


class _Loader(_Capped, yaml.SafeLoader):  # type: ignore[misc]
    """PyYAML's own parser, whose messages people read."""


class _FastLoader(_Capped, _LIBYAML):  # type: ignore[misc]
    """libyaml, which parses seven times as fast and says less of what is wrong."""

    def __init__(self, stream: str) -> None:
        if _DIFFERS.search(stream):
            raise _Differs
        _LIBYAML.__init__(self, stream)
        Composer.__init__(self)

    def compose_scalar_node(self, anchor: str | None) -> yaml.ScalarNode:
        event = self.peek_event()
        # In a list in brackets a question mark ends a word for PyYAML's own parser.
        if not event.style and "?" in event.value:
            raise _Differs
        return super().compose_scalar_node(anchor)


class _Reader:
    """Turn nodes into values, remembering lines and collecting problems."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.places: dict[Path, Place] = {}
        self.problems: list[Problem] = []
        self.nodes = 0
        self.open: set[int] = set()

    def refuse(self, line: int, path: Path, message: str, remedy: str | None = None) -> None:
        """Note a problem and go on."""
        self.problems.append(Problem(Place(self.name, line), path, message, remedy))

    def value(self, node: yaml.Node, path: Path) -> Any:
        line = node.start_mark.line + 1
        # The line of a mapping's value is that of its key, which `mapping` has noted.
        self.places.setdefault(path, Place(self.name, line))
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise _Refused(line, f"more than {MAX_NODES} values once the aliases are expanded", "Write the values out")
        if id(node) in self.open:
            raise _Refused(line, "an alias stands inside the value that it names", "Write the values out")
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node, path)
        self.open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return [self.value(child, (*path, index)) for index, child in enumerate(node.value)]
            return self.mapping(node, path)
        finally:
            self.open.discard(id(node))

    def mapping(self, node: yaml.Node, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        first: dict[Hashable, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self.refuse(line, path, "a list or a mapping as a key", "Keys are plain text")
                continue
            before = len(self.problems)
            key = self.scalar(key_node, path)
            if len(self.problems) > before:
                continue
            if not isinstance(key, str):
                self.refuse(line, path, f"the key {key_node.value!r} is not text", "Quote it")
                continue
            here = (*path, key)
            if key in first:
                self.refuse(line, here, f"this key already stands in line {first[key]}", "Remove one of them")
                continue
            first[key] = line
            self.places[here] = Place(self.name, line)
            result[key] = self.value(value_node, here)
        return result

    # One line for each form of a scalar, in the order in which they are tried.
    def scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        text, line = node.value, node.start_mark.line + 1
        if any("\ud800" <= character <= "\udfff" for character in text):
            # From an escape such as "\ud800": it cannot be written to any file later.
            self.refuse(line, path, "half a character", "Write the character itself")
            return None
        if node.style:
            return text
        if text in _NULL:
            return None
        if text in _BOOLEAN:
            return _BOOLEAN[text]
        if _INTEGER.fullmatch(text):
            if len(text) <= MAX_DIGITS:
                return int(text)
            self.refuse(line, path, f"a whole number of {len(text):,} digits is too large")
            return None
        if _INFINITE.fullmatch(text):
            self.refuse(line, path, f"{text} is not a number that can be computed with")
            return None
        if _DECIMAL.fullmatch(text):
            number = float(text)
            if math.isfinite(number):
                return number
            self.refuse(line, path, f"{text} is too large")
            return None
        if node.tag in _IMPLICIT:
            message, remedy = _IMPLICIT[node.tag].split(". ", 1)
            self.refuse(line, path, f"{text} {message}", remedy)
            return None
        if _NUMBER_LIKE.fullmatch(text):
            remedy = f"Write {_plain(text)}, or quote it if it is text"
            self.refuse(line, path, f"{text} is a number to some YAML readers and text to others", remedy)
            return None
        return text


def _plain(text: str) -> str:
    """The same number in the form that all YAML readers take as a number: 1e-4 -> 1.0e-4, 6.74e9 -> 6.74e+9."""
    mantissa, mark, exponent = text.lower().partition("e")
    if "." not in mantissa:
        mantissa += ".0"
    if mantissa.lstrip("+-").startswith("."):
        mantissa = mantissa.replace(".", "0.", 1)
    return f"{mantissa}e{exponent if exponent[0] in '+-' else '+' + exponent}" if mark else mantissa


def parse_yaml(text: str, name: str) -> Document:
    """Parse YAML text strictly.

    Args:
        text: the content of the file.
        name: the file's name, for errors.

    Returns:
        The document. Keys and scalars that were refused are in `problems`; the rest of the document is still there,
        so that a caller can report everything at once.

    Raises:
        InputError: the text is no YAML, or is larger, deeper or more aliased than any parameter file.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise InputError(f"larger than {MAX_BYTES // 1024} KiB", where=name, remedy="This is not a parameter file")
    try:
        return _read(_FastLoader, text, name)
    except (yaml.YAMLError, UnicodeError, _Refused, _Differs):
        # Read again by the parser that says in full what is wrong.
        pass
    try:
        # The reader of PyYAML refuses unprintable characters when it is constructed.
        return _read(_Loader, text, name)
    except _Refused as refused:
        raise InputError(refused.message, where=f"{name}:{refused.line}", remedy=refused.remedy) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise InputError("a character that YAML does not allow", where=f"{name}:{line}", remedy="Remove it") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = name if mark is None else f"{name}:{mark.line + 1}"
        tabs = "'\\t'" in str(error.problem)
        remedy = "Indent with spaces, never with tabs" if tabs else None
        what = ", ".join(part for part in (error.context, error.problem) if part)
        raise InputError(f"not YAML ({what})", where=where, remedy=remedy) from None


def _read(loader: type[_Capped], text: str, name: str) -> Document:
    """The document as a parser gives it."""
    reader = _Reader(name)
    node = loader(text).get_single_node()
    value = None if node is None else reader.value(node, ())
    return Document(name, value, reader.places, tuple(reader.problems))
