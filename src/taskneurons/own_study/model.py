"""The model of a new study: a folder, a GGUF file, one inside a package, or a repository of the hub."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from taskneurons.errors import InputError
from taskneurons.files import sha256
from taskneurons.models import looking
from taskneurons.models.importing import packaged
from taskneurons.models.looking import Look
from taskneurons.params.folders import regular_files
from taskneurons.params.section import SLUG_LENGTH

MODEL_LINK = "model"
_HUB = re.compile(r"(?P<repository>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?:@(?P<revision>[\w.-]+))?")
# Neither a web address nor a path that begins with a drive.
_PACKAGED = re.compile(r"(?P<package>[A-Za-z_]\w*):(?P<path>[^/\\][^\\]*\.gguf)")
_ADDRESS = re.compile(r"https?://[^/]+/(?P<repository>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?:/.*)?")
_MODELS = "Name a folder with config.json, a GGUF file, package:file.gguf, or owner/name"


@dataclass(frozen=True)
class Model:
    """A model that was looked at.

    Attributes:
        name: below `models`.
        look: what was seen.
        entry: its keys below `models`, but for the context, the type and the form of prompts.
        link: the folder or file that `model` in the new folder leads to; None where there is none.
    """

    name: str
    look: Look
    entry: Mapping[str, Any]
    link: Path | None = None


def find_model(text: str) -> Model:
    """The model that a text names.

    Raises:
        InputError: there is none, or it cannot be studied.
    """
    if not text.strip():
        raise InputError("no model is named", where="--model", remedy=_MODELS)
    path = Path(text)
    if path.is_dir():
        # Links that lead out of it would be refused by the workflow later.
        regular_files(path, below=True)
        look = looking.look_at_folder(path)
        return Model(_slug(path.resolve().name), look, {"source": "folder", "path": MODEL_LINK}, path.resolve())
    if path.is_file():
        link = f"{MODEL_LINK}.gguf"
        look = looking.look_at_gguf(path)
        entry = {"source": "gguf", "package": None, "path": link, "sha256": sha256(path)}
        return Model(_slug(path.stem), look, entry, path.resolve())
    if match := _PACKAGED.fullmatch(text):
        file = packaged(match["package"], match["path"])
        if not file.is_file():
            raise InputError(f"the package {match['package']} has no such file", where=match["path"])
        entry = {"source": "gguf", **match.groupdict(), "sha256": sha256(file)}
        return Model(_slug(file.stem), looking.look_at_gguf(file), entry)
    if match := _HUB.fullmatch(text):
        try:
            look, revision = looking.look_at_hub(match["repository"], match["revision"])
        except InputError as error:
            if error.where == match["repository"]:
                error.where = f"{text}, which is no folder here"
            raise
        entry = {"source": "hub", "repository": match["repository"], "revision": revision}
        return Model(_slug(match["repository"].partition("/")[2]), look, entry)
    if match := _ADDRESS.fullmatch(text):
        raise InputError("a web address", where=text, remedy=f"A model of the hub is named {match['repository']}")
    raise InputError("no such folder or file, and no repository of the hub", where=text, remedy=_MODELS)


def _slug(name: str) -> str:
    """A name that the parameters take for a model."""
    slug = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return (slug if slug[:1].isalpha() else f"model_{slug}")[:SLUG_LENGTH].rstrip("_")
