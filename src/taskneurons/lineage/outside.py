"""Folders from outside that parameters name: a user's tasks and models. What is read of them enters the lineage."""

import os
import re
import stat
from collections.abc import Collection, Iterator
from pathlib import Path

from taskneurons.errors import InputError

# What runs write; a folder in there is no origin.
OURS = ("results", ".taskneurons", ".snakemake", ".dvc", "lineage", "logs")
# Files of a model folder that are never read: pickles, and what only people or git read.
NEVER_READ = frozenset({".bin", ".ckpt", ".h5", ".msgpack", ".pickle", ".pkl", ".pt", ".pth"})
# Caches that name files by their content: those of the Hugging Face hub and of DVC.
_BY_CONTENT = re.compile(r"/(blobs/[0-9a-f]{40,64}|files/md5/[0-9a-f]{2}/[0-9a-f]{30})$")


def outside_folder(path: str, where: str) -> Path:
    """A folder from outside, once it is clear that it is one.

    Args:
        path: as the parameters name it.
        where: the parameter.

    Raises:
        InputError: it cannot be meant: it holds `~`, variables or braces, lies in what runs write, is absent, is no
            folder or cannot be read; or something below it is no regular file.
    """
    folder = Path(path)
    if path.startswith("~") or "$" in path:
        raise InputError(
            f"{path!r} is taken as it stands, `~` and variables are not expanded",
            where=where,
            remedy="Write the path out, or name a link to it in the project's folder",
        )
    if "{" in path or "}" in path:
        raise InputError(f"{path!r} holds braces, which the workflow takes for wildcards", where=where)
    place = folder.resolve()
    for name in OURS:
        if place.is_relative_to(Path(name).resolve()):
            raise InputError(
                f"{path} lies in {name}/, which the workflow writes",
                where=where,
                remedy="Copy it to another folder, where no run changes it",
            )
    for _ in outside_files(folder, where):
        pass
    return folder


def outside_files(folder: Path, where: str, but: Collection[str] = ()) -> Iterator[Path]:
    """The regular files below a folder, sorted; hidden ones are passed over.

    Args:
        folder: a folder from outside.
        where: the parameter that names it.
        but: endings of files that are never read.

    Raises:
        InputError: the folder is absent or cannot be read, or something below it is no regular file of its own.
    """
    if not folder.is_dir():
        absent = "is no folder" if os.path.lexists(folder) else "is absent"
        raise InputError(f"{folder} {absent}", where=where, remedy="Name a folder of regular files")
    # Links to folders above would go round for ever.
    home = folder.resolve()
    for path in _sorted(folder, where):
        if path.name.startswith(".") or path.suffix in but:
            continue
        _refuse_links_elsewhere(path, home, where)
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            if path.is_symlink():
                raise InputError(f"{path} is a link to a folder", where=where, remedy="Copy the folder there")
            yield from outside_files(path, where, but)
        elif stat.S_ISREG(mode):
            yield path
        else:
            raise InputError(f"{path} is no regular file", where=where, remedy="Remove it from the folder")


def _sorted(folder: Path, where: str) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise InputError(f"{folder} cannot be read ({error.strerror})", where=where) from None


def _refuse_links_elsewhere(path: Path, home: Path, where: str) -> None:
    if not path.is_symlink():
        return
    target = path.resolve()
    if not target.exists():
        raise InputError(f"{path} is a link to nothing", where=where, remedy="Mend or remove it")
    inside = target.is_relative_to(home) or target.is_relative_to(Path.cwd())
    if not inside and not _BY_CONTENT.search(target.as_posix()):
        raise InputError(
            f"{path} is a link to a file elsewhere",
            where=where,
            remedy="Copy the file there, or name the folder that it lies in",
        )
