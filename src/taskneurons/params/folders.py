"""Folders of the user that parameters name: what a path may be, and what may lie in the folder."""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from taskneurons.errors import InputError

WRITTEN = ("results", ".taskneurons", ".snakemake", ".dvc", "lineage", "logs")
"""The folders that the workflow writes; nothing in them is an origin."""
_VARIABLE = re.compile(r"\$(\w+|\{)")
# Caches that name files by their content: those of the Hugging Face hub and of DVC.
_BY_CONTENT = re.compile(r"/(blobs/[0-9a-f]{40,64}|files/md5/[0-9a-f]{2}/[0-9a-f]{30})$")


def _folder(value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise PydanticCustomError("folder", "not a usable path: {shown}", {"shown": repr(value[:60])})
    if value.startswith("~") or _VARIABLE.search(value):
        # Expanded, the same parameters would mean another folder for another user.
        expanded = os.path.expandvars(os.path.expanduser(value))  # noqa: PTH111
        raise PydanticCustomError(
            "folder",
            "not a usable path: {shown}, where `~` and variables are not expanded. Write {expanded}",
            {
                "shown": repr(value[:60]),
                "expanded": "the path itself" if "$" in expanded or expanded.startswith("~") else expanded,
            },
        )
    if "{" in value or "}" in value:
        raise PydanticCustomError(
            "folder",
            "not a usable path: {shown} holds braces, which the workflow takes for wildcards",
            {"shown": repr(value[:60])},
        )
    for name in WRITTEN:
        # Also where a link leads inside.
        if Path(os.path.realpath(value)).is_relative_to(os.path.realpath(name)):
            raise PydanticCustomError(
                "folder",
                "not a usable path: {shown} lies inside {name}/, where the workflow writes. Copy the folder elsewhere",
                {"shown": repr(value[:60]), "name": name},
            )
    return value


FolderPath = Annotated[str, AfterValidator(_folder)]


def regular_files(folder: str | Path, *, below: bool = False) -> list[Path]:
    """The files of a user's folder, sorted by name.

    Args:
        folder: the folder, or a link to it.
        below: also those of the folders inside it, which are left alone otherwise. Links to folders are not followed.

    Returns:
        Their paths, which begin with that of the folder.

    Raises:
        InputError: the folder is absent or cannot be read, or holds a link that leads nowhere or out of it, but for a
            cache that names files by their content; or a pipe, a socket or a device. To read these could wait for
            ever, or call a file of the folder what is none.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError("is not a folder" if folder.exists() else "no such folder", where=str(folder))
    return list(_regular_files(folder, Path(os.path.realpath(folder)), below))


def _regular_files(folder: Path, root: Path, below: bool) -> Iterator[Path]:
    try:
        entries = sorted(folder.iterdir())
    except PermissionError:
        raise InputError("this folder cannot be read", where=str(folder), remedy="Allow reading it") from None
    for entry in entries:
        if _is_regular(entry, root):
            yield entry
        # A link to a folder above would go round for ever.
        elif below and not entry.is_symlink():
            yield from _regular_files(entry, root, below)


def _is_regular(entry: Path, root: Path) -> bool:
    """Whether an entry of a folder is a file; False for a folder.

    Raises:
        InputError: it is neither, or its target lies outside of the root.
    """
    target = Path(os.path.realpath(entry))
    try:
        mode = target.stat().st_mode
    except OSError:
        raise InputError("this link leads nowhere", where=str(entry), remedy="Remove it") from None
    if stat.S_ISDIR(mode):
        return False
    if not stat.S_ISREG(mode):
        raise InputError("neither a file nor a folder, but a pipe, a socket or a device", where=str(entry))
    if not target.is_relative_to(root) and not (entry.is_symlink() and _BY_CONTENT.search(target.as_posix())):
        raise InputError(
            f"this link leads out of the folder, to {target}",
            where=str(entry),
            remedy="Put a copy of the file there (`cp -rL` copies a folder so)",
        )
    return True
