"""What every section of the parameters is made of: a strict frozen model, described fields, names safe as paths."""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Any, NamedTuple, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, model_validator
from pydantic_core import PydanticCustomError

SLUG = r"^[a-z][a-z0-9_]*$"
SLUG_LENGTH = 40
UNPINNED = "pin-me"
"""Stands for a revision that is still to be looked up; a job that needs it is refused."""
REVISION = rf"[0-9a-f]{{40}}|{UNPINNED}"


class Inconsistency(NamedTuple):
    """Values that are fine one by one and wrong together: the key path below the section, what is wrong, what to do."""

    path: tuple[str | int, ...]
    message: str
    remedy: str | None = None


class Section(BaseModel):
    """A frozen section: no unknown keys, no conversions between types, no infinities."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """Yield what is wrong between the values of this section; each section overrides it with its own rules."""
        return iter(())

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        found = list(self.inconsistencies())
        if found:
            text = "; ".join(one.message for one in found)
            raise PydanticCustomError("inconsistent", "{text}", {"text": text, "found": found})
        return self


def described(description: str, unit: str, **constraints: Any) -> Any:
    """A pydantic field that says what it means and in which unit it is given ("-" for names and switches)."""
    return Field(description=description, json_schema_extra={"unit": unit}, **constraints)


def _slug(value: str) -> str:
    if len(value) > SLUG_LENGTH or not re.fullmatch(SLUG, value):
        # Names become folders, rule names and parts of shell commands, so nothing else may pass.
        raise PydanticCustomError(
            "slug",
            "not a usable name: {shown}. Use at most {length} lower-case letters, digits and _, a letter first",
            {"shown": repr(value[:60]), "length": SLUG_LENGTH},
        )
    return value


def _line(value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise PydanticCustomError("line", "not a line of text: {shown}", {"shown": repr(value[:60])})
    return value


def _revision(value: str) -> str:
    if not re.fullmatch(REVISION, value):
        raise PydanticCustomError(
            "revision",
            "not a revision: {shown}. Give the 40 hexadecimal digits of a commit, or write pin-me and run "
            "`taskneurons pin`",
            {"shown": repr(value[:60])},
        )
    return value


Slug = Annotated[str, AfterValidator(_slug), Field(json_schema_extra={"pattern": SLUG, "maxLength": SLUG_LENGTH})]
Line = Annotated[str, AfterValidator(_line)]
Revision = Annotated[str, AfterValidator(_revision), Field(json_schema_extra={"pattern": f"^({REVISION})$"})]

Value = TypeVar("Value")
# A read-only view, because a frozen model would still hand out a dict that can be changed.
Named = Annotated[Mapping[Slug, Value], AfterValidator(MappingProxyType), PlainSerializer(dict)]


def repeated(values: tuple[Any, ...], key: str) -> Iterator[Inconsistency]:
    """Yield one inconsistency for every value of the list `key` that stands there a second time."""
    seen: dict[Any, int] = {}
    for index, value in enumerate(values):
        if value in seen:
            yield Inconsistency((key, index), f"{value!r} stands here twice", "Remove one of them")
        seen.setdefault(value, index)
