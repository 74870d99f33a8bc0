"""The whole of a parameter file with what it takes from its bases, and what it changes of its base."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from taskneurons.errors import InputError
from taskneurons.params.bases import changes, merged, read_with_bases
from taskneurons.params.loading import dotted, validate_params
from taskneurons.params.root import Params

WIDTH = 120
# Text that no YAML reader takes for anything else; PyYAML quotes the words that are truth values and the like.
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]  # PyYAML has no types.
    """Quote all text that the strict reader could refuse, such as a commit of digits with one e."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None if _PLAIN.fullmatch(text) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def show(path: str | Path) -> str:
    """The whole of a parameter file, as YAML that gives equal parameters; comments are not kept.

    Raises:
        InputError: as `load_params`.
    """
    documents = read_with_bases(path)
    params = validate_params(merged(documents))
    names = " and ".join(document.name for document in documents)
    head = f"# The whole of {names}, as `taskneurons params show` writes it.\n"
    return head + written(params)


def written(params: Params) -> str:
    """Parameters as YAML, a block for each section that is not absent."""
    sections = params.model_dump(mode="json")
    return "\n".join(_yaml({name: one}) for name, one in sections.items() if one is not None)


def show_changes(path: str | Path) -> str:
    """What a parameter file changes of its base: a line for each value, with both.

    Raises:
        InputError: as `load_params`; or the file has no base.
    """
    documents = read_with_bases(path)
    whole = merged(documents)
    validate_params(whole)
    if len(documents) == 1:
        raise InputError("has no base", where=str(path), remedy="Show it whole, without --changes")
    base = merged(documents[1:])
    lines = [f"# {path} changes of {base.name}:"]
    for change in changes(base.value, whole.value):
        before, after = (_flow(*side) if side else "nothing" for side in (change.before, change.after))
        lines.append(f"{dotted(change.path)}: {before} -> {after}")
    return "\n".join(lines) + "\n"


def _yaml(value: Mapping[str, Any]) -> str:
    text: str = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH, default_flow_style=None
    )
    return text


def _flow(value: Any) -> str:
    """A value in one line."""
    # In a list, because YAML ends a scalar that stands alone with three dots.
    text: str = yaml.dump(
        [value], Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10**9, default_flow_style=True
    )
    return text.strip()[1:-1]
