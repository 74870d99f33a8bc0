"""From a parameter file to validated parameters, or to one error that lists everything that is wrong with the file."""

import json
import types
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from taskneurons.errors import InputError
from taskneurons.params.bases import merged, read_with_bases, with_bases
from taskneurons.params.root import Params, nearest
from taskneurons.params.section import Inconsistency, Section
from taskneurons.params.strict_yaml import Document, Problem, parse_yaml

Whole = TypeVar("Whole", bound=Section)
_EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "text",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "keys with values",
    "mapping_type": "keys with values",
    "model_type": "keys with values",
    "model_attributes_type": "keys with values",
    "none_required": "null",
}


def load_params(path: str | Path) -> Params:
    """Read and validate a parameter file, whole with what it takes from its base.

    Args:
        path: a YAML file with the sections of `Params`, or with `base` and what differs.

    Returns:
        Frozen parameters without the suites and models that no run names; two files with the same values give equal
        parameters, whatever their comments, the order of their keys and what they take from bases.

    Raises:
        InputError: the file is absent or wrong; the message gives file, line, key path and remedy of every problem.
    """
    return validate_params(merged(read_with_bases(path)))


def parse_params(text: str, name: str = "params.yaml") -> Params:
    """Validate the text of a parameter file of that name; see `load_params`."""
    return validate_params(merged(with_bases(parse_yaml(text, name), Path(name))))


def validate_params(document: Document) -> Params:
    """Validate a document of parameters; see `load_params`."""
    return validated(Params, document, "docs/parameters.md").without_unused()


def validated(kind: type[Whole], document: Document, reference: str) -> Whole:
    """Validate a document that holds one section and all below it.

    Args:
        kind: the section.
        document: the document.
        reference: where its keys are described.

    Raises:
        InputError: as `load_params`.
    """
    if not isinstance(document.value, dict):
        raise InputError("expected keys with values", where=document.name, remedy=f"See {reference}")
    problems = list(document.problems)
    found = None
    try:
        # Validated as JSON, where strict mode takes a list for a tuple and still converts nothing else.
        found = kind.model_validate_json(json.dumps(document.value))
    except ValidationError as error:
        refused = [problem.path for problem in problems]
        problems += [
            problem
            for problem in _explain(error, document, kind, reference)
            # A value that YAML already refused was replaced by nothing, which is not the user's second mistake.
            if not any(problem.path[: len(path)] == path for path in refused if path)
        ]
    if found is None or problems:
        raise _report(problems, document.name)
    return found


def dotted(path: Sequence[str | int]) -> str:
    """A key path as people write it: `runs[0].seeds[1]`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _report(problems: list[Problem], name: str) -> InputError:
    """One error of all problems, those of the file itself first, each in the order of lines."""

    def order(one: Problem) -> tuple[bool, str, int, str]:
        return one.place.file != name, one.place.file, one.place.line, dotted(one.path)

    ordered = sorted(dict.fromkeys(problems), key=order)
    if len(ordered) == 1:
        one = ordered[0]
        what = f"{dotted(one.path)}: {one.message}" if one.path else one.message
        return InputError(what, where=str(one.place), remedy=one.remedy)
    lines = []
    for one in ordered:
        place = f"line {one.place.line}" if one.place.file == name else str(one.place)
        lines.append(f"  {place}: {InputError(one.message, where=dotted(one.path) or None, remedy=one.remedy)!s}")
    return InputError("\n".join([f"{len(ordered)} problems", *lines]), where=name)


def _explain(error: ValidationError, document: Document, root: type[Section], reference: str) -> list[Problem]:
    """Turn pydantic's errors into problems with the key path of the file, its line and a remedy."""
    expected: dict[tuple[str | int, ...], list[str]] = {}
    problems = []
    misspelled = set()
    for one in sorted(error.errors(include_url=False), key=lambda one: one["type"] == "missing"):
        if one["type"] == "inconsistent":
            base, _ = _follow(one["loc"], root)
            found: list[Inconsistency] = one["ctx"]["found"]
            problems += [_problem(document, (*base, *each.path), each.message, each.remedy) for each in found]
            continue
        path, kind = _follow(one["loc"], root)
        if one["type"] == "extra_forbidden":
            key = str(path[-1])
            keys = kind.model_fields if isinstance(kind, type) and issubclass(kind, BaseModel) else ()
            remedy = nearest(key, keys)
            misspelled.add((*path[:-1], remedy.removeprefix("Did you mean `").removesuffix("`?")))
            problems.append(_problem(document, path, "unknown key", remedy))
        elif one["type"] == "missing":
            if path in misspelled:
                continue
            text = f"is missing ({kind.description})" if isinstance(kind, FieldInfo) else "is missing"
            problems.append(_problem(document, path, text, f"Add it; {reference} describes it"))
        elif one["type"] in ("union_tag_not_found", "union_tag_invalid"):
            problems.append(_no_alternative(one["ctx"], document, path, kind))
        elif one["type"] == "literal_error":
            # Two alternatives of one value (a word or a number) are one problem, so they are gathered first.
            expected.setdefault(path, []).append(one["ctx"]["expected"].replace("'", "`"))
        elif one["type"] in _EXPECTED:
            expected.setdefault(path, []).append(_EXPECTED[one["type"]])
        else:
            message = one["msg"][0].lower() + one["msg"][1:]
            if one["type"] not in ("slug", "line", "folder", "revision"):
                message = message.replace("input should be", "expected") + f", got {_shown(one['input'])}"
            text, _, remedy = message.partition(". ")
            problems.append(_problem(document, path, text, remedy or None))
    return problems + [_unexpected(document, path, alternatives) for path, alternatives in expected.items()]


def _no_alternative(context: Mapping[str, Any], document: Document, path: tuple[str | int, ...], kind: Any) -> Problem:
    """No alternative of a section fits, because the key that chooses one is absent or has an unknown value."""
    key = context["discriminator"].strip("'")
    if "tag" not in context:
        return _problem(document, path, f"`{key}` is missing", f"Write one of {', '.join(_tags(kind))}")
    tags = context.get("expected_tags", "").replace("'", "").split(", ")
    tag = context["tag"]
    return _problem(document, (*path, key), f"there is no {key} `{tag}`", nearest(tag, tags))


def _unexpected(document: Document, path: tuple[str | int, ...], alternatives: Iterable[str]) -> Problem:
    """A value is none of the alternatives."""
    value = _at(document.value, path)
    options = " or ".join(dict.fromkeys(alternatives))
    words = [word.strip("`") for word in options.replace(" or ", ", ").split(", ") if word.startswith("`")]
    hint = nearest(value, words) if isinstance(value, str) and words else ""
    # The message already lists the words, so that only a near one is worth repeating.
    hint = hint if hint.startswith("Did") else ""
    return _problem(document, path, f"expected {options}, got {_shown(value)}", hint or None)


def _problem(document: Document, path: tuple[str | int, ...], message: str, remedy: str | None) -> Problem:
    """A problem at the place of its key, or of the nearest key above it."""
    above = path
    while above not in document.places:
        above = above[:-1]
    return Problem(document.places[above], path, message, remedy)


def _follow(location: Sequence[str | int], root: type[Section]) -> tuple[tuple[str | int, ...], Any]:
    """Walk a pydantic location along the models.

    Returns:
        The key path in the file (without the names that pydantic inserts for alternatives of a union) and the model
        class, field or annotation found there; for an unknown key, the model class that does not have it.
    """
    path: list[str | int] = []
    kind: Any = root
    for part in location:
        if part == "[key]":
            # The key itself is meant, which is in the path already.
            continue
        if isinstance(kind, FieldInfo):
            kind = kind.annotation if kind.discriminator is None else Annotated[kind.annotation, kind]
        kind = _bare(kind)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            path.append(part)
            kind = kind.model_fields.get(str(part), kind)
        elif get_origin(kind) in (Union, types.UnionType):
            # Not a key of the file: the alternative that pydantic tried.
            members = [_bare(member) for member in get_args(kind)]
            tagged = [member for member in members if isinstance(member, type) and issubclass(member, BaseModel)]
            lists = [member for member in members if get_origin(member) is tuple]
            kind = next((one for one in tagged if part in _tags(one)), lists[0] if lists and part == "tuple" else None)
            kind = kind or (lists[0] if lists else None)
        elif get_origin(kind) is tuple and isinstance(part, int):
            path.append(part)
            kind = get_args(kind)[0]
        elif get_origin(kind) is not None and issubclass(get_origin(kind), Mapping):
            path.append(part)
            kind = get_args(kind)[1]
    return tuple(path), kind


def _bare(kind: Any) -> Any:
    """An annotation without its metadata, and without the null beside the only thing that it may be."""
    if get_origin(kind) is Annotated:
        return _bare(get_args(kind)[0])
    if get_origin(kind) in (Union, types.UnionType):
        members = [member for member in get_args(kind) if member is not type(None)]
        return _bare(members[0]) if len(members) == 1 else kind
    return kind


def _tags(kind: Any) -> list[str]:
    """The values of `source`, `kind` or `method` that the models of a union (or one model) take."""
    if isinstance(kind, FieldInfo):
        kind = kind.annotation
    kind = _bare(kind)
    members = get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)
    tags = []
    for member in members:
        fields = getattr(member, "model_fields", {})
        for name in ("source", "kind", "method"):
            if name in fields and get_origin(fields[name].annotation) is Literal:
                tags += [str(tag) for tag in get_args(fields[name].annotation)]
    return tags


def _at(value: Any, path: Sequence[str | int]) -> Any:
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _shown(value: Any) -> str:
    """What stands in the file, shortened."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"the text {value[:60]!r}"
    if isinstance(value, dict):
        return "keys with values"
    return "a list" if isinstance(value, list) else repr(value)[:60]
