"""`base: FILE` and what differs: one document of a parameter file and the files that it builds on.

| in the file | in the whole |
|---|---|
| keys with values | are merged with those of the base, key by key |
| a list, a number, a word, null | stands in place of what the base has |
| keys with another `source`, `kind` or `method` than in the base | stand in place of what the base has |
| `benchmarks` of a stream, `revisions` of a suite | stand in place of what the base has, as lists do |

Nothing has to be taken out: suites and models that no run names are left out of the parameters.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from taskneurons.errors import InputError
from taskneurons.files import read_text
from taskneurons.params.strict_yaml import MAX_BYTES, Document, Place, parse_yaml
from taskneurons.params.strict_yaml import Path as KeyPath

BASE = "base"
# They say what sort of thing the keys beside them describe: those of another sort do not go with them.
SORTS = ("source", "kind", "method")
# Keys are names here that belong together: an order that a file does not name is not among its orders.
WHOLE = (("streams", "benchmarks"), ("suites", "revisions"))


class Change(NamedTuple):
    """A difference: its key path, and the value before and after, in a list that is empty where there is none."""

    path: KeyPath
    before: list[Any]
    after: list[Any]


def read_with_bases(path: str | Path) -> list[Document]:
    """Read a parameter file and its bases.

    Returns:
        The file, its base, the base of that, and so on; `merged` makes one document of them.

    Raises:
        InputError: a file is absent or is not YAML, or a chain of bases comes back to a file in it.
    """
    return with_bases(_read(Path(path), str(path)), Path(path))


def with_bases(document: Document, path: Path) -> list[Document]:
    """Read the bases of a document that stands at a path; see `read_with_bases`."""
    documents, paths = [document], [path.resolve()]
    while (base := _base_of(documents[-1], paths[-1])) is not None:
        if base in paths:
            chain = " -> ".join(_shown(one) for one in [*paths[paths.index(base) :], base])
            raise InputError(
                f"these bases come back to where they began: {chain}",
                where=str(documents[-1].places[(BASE,)]),
                remedy="Let one of the files have no base",
            )
        documents.append(_read(base, _shown(base)))
        paths.append(base)
        if not isinstance(documents[-1].value, dict):
            raise InputError("expected keys with values", where=_shown(base), remedy="See docs/parameters.md")
    return documents


def merged(documents: Sequence[Document]) -> Document:
    """One document of a file and its bases, in which every value has the place in the file where it stands.

    Args:
        documents: the file, its base, the base of that, and so on.
    """
    *above, whole = documents
    for own in reversed(above):
        places = dict(whole.places)
        value = _merge((), whole.value, own.value, own.places, places)
        whole = Document(own.name, value, places, (*own.problems, *whole.problems))
    if isinstance(whole.value, dict) and BASE in whole.value:
        value = {key: one for key, one in whole.value.items() if key != BASE}
        return Document(whole.name, value, whole.places, whole.problems)
    return whole


def changes(before: Any, after: Any, path: KeyPath = ()) -> Iterator[Change]:
    """Yield what differs between two values that YAML holds, in the order of the second."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        # True is 1 to Python.
        if before != after or isinstance(before, bool) != isinstance(after, bool):
            yield Change(path, [before], [after])
        return
    for key in [*after, *(key for key in before if key not in after)]:
        if key in before and key in after:
            yield from changes(before[key], after[key], (*path, key))
        else:
            absent_or_not = ([side[key]] if key in side else [] for side in (before, after))
            yield Change((*path, key), *absent_or_not)


def _read(path: Path, name: str) -> Document:
    if path.is_file() and path.stat().st_size > MAX_BYTES:
        raise InputError(f"larger than {MAX_BYTES // 1024} KiB", where=name, remedy="This is not a parameter file")
    return parse_yaml(read_text(path), name)


def _base_of(document: Document, path: Path) -> Path | None:
    """The file that a document names as its base."""
    if not isinstance(document.value, dict) or BASE not in document.value:
        return None
    # What YAML refused is among the problems of the document already.
    if any(problem.path == (BASE,) for problem in document.problems):
        return None
    name, where = document.value[BASE], str(document.places[(BASE,)])
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        raise InputError(
            "`base` names no parameter file", where=where, remedy="Write a path relative to this file, or take it out"
        )
    base = path.parent / name
    if not base.is_file():
        raise InputError(
            f"`base` names {name}, which is no file" if base.exists() else f"`base` names {name}, which does not exist",
            where=where,
            remedy="The path is relative to the file in which it stands; a copy for another folder is written by "
            "`taskneurons params show FILE --out COPY`",
        )
    return base.resolve()


def _merge(
    path: KeyPath, below: Any, above: Any, above_places: Mapping[KeyPath, Place], places: dict[KeyPath, Place]
) -> Any:
    """What stands at a key path of the whole.

    Args:
        path: the key path.
        below: what the base has there.
        above: what the file has there.
        above_places: the places of the file.
        places: those of the base; below the path they become those of the whole.
    """
    if not isinstance(below, dict) or not isinstance(above, dict) or _replaces(path, below, above):
        for one in [one for one in places if one[: len(path)] == path]:
            del places[one]
        places |= {one: place for one, place in above_places.items() if one[: len(path)] == path}
        return above
    places[path] = above_places[path]
    added = {key: _merge((*path, key), below.get(key), one, above_places, places) for key, one in above.items()}
    return below | added


def _replaces(path: KeyPath, below: dict[str, Any], above: dict[str, Any]) -> bool:
    """Whether keys with values stand in place of those of the base, and are not merged with them."""
    if (path[:1] + path[2:]) in WHOLE:
        return True
    sorts = [(below[key], above[key]) for key in SORTS if key in below and key in above]
    return any(isinstance(one, str) and isinstance(other, str) and one != other for one, other in sorts)


def _shown(path: Path) -> str:
    """A path relative to the current folder where it lies inside, else as it is."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
