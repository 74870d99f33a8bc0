"""What DVC says: its lock against the disk, and its cache, of which every object is hashed anew.

DVC checks out a corrupt object of its cache without a word, and takes a file for unchanged by its date; so nothing that
it remembers of a digest is believed here.
"""

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from taskneurons.errors import InputError
from taskneurons.files import read_text
from taskneurons.lineage.findings import Finding
from taskneurons.lineage.graph import is_artifact

LOCK = Path("dvc.lock")
PIPELINE = Path("dvc.yaml")
_OBJECT = re.compile(r"[0-9a-f]{30}(\.dir)?")
_BLOCK = 1 << 20
# The parser in C where PyYAML was built with it: it reads the same, ten times as fast.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Cache:
    """The objects of DVC's cache in this folder.

    Args:
        objects: for each object by its name (an MD5, with `.dir` for the list of a folder) the SHA-256 of its bytes.
        corrupt: paths of objects whose bytes are not those of their name.
        tracked: for each artifact that `dvc.lock` holds the name of its object, as far as lists of folders are here.
    """

    objects: Mapping[str, str]
    corrupt: Mapping[str, str]
    tracked: Mapping[str, str]


def dvc(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of DVC under the Python that runs now."""
    return subprocess.run([sys.executable, "-m", "dvc", *arguments], capture_output=True, text=True, check=False)


def read_cache() -> Cache:
    """Hash every object of the cache that the configuration of DVC names; without DVC there is none."""
    done = dvc("cache", "dir")
    root = Path(done.stdout.strip()) / "files" / "md5"
    objects: dict[str, str] = {}
    corrupt: dict[str, str] = {}
    if done.returncode == 0 and root.is_dir():
        for path in sorted(root.glob("[0-9a-f][0-9a-f]/*")):
            if not _OBJECT.fullmatch(path.name):
                continue
            name = path.parent.name + path.name
            md5, objects[name] = _digests(path)
            if md5 != name.removesuffix(".dir"):
                corrupt[name] = _shown(path)
    tracked = dict(_tracked(root, corrupt)) if LOCK.is_file() else {}
    return Cache(objects=objects, corrupt=corrupt, tracked=tracked)


def _digests(path: Path) -> tuple[str, str]:
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            md5.update(block)
            sha256.update(block)
    return md5.hexdigest(), sha256.hexdigest()


def _shown(path: Path) -> str:
    """A path without the folders of its user, where it lies in the project."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _tracked(root: Path, corrupt: Collection[str]) -> Iterator[tuple[str, str]]:
    for stage in _stages().values():
        for out in stage.get("outs", []):
            name = out["md5"]
            listing = root / name[:2] / name[2:]
            if not name.endswith(".dir"):
                yield out["path"], name
            elif listing.is_file() and name not in corrupt:
                yield from (
                    (f"{out['path']}/{entry['relpath']}", entry["md5"]) for entry in json.loads(read_text(listing))
                )


def _stages() -> dict[str, Any]:
    """What the lock certifies, by stage.

    Raises:
        InputError: the lock is no YAML, as in a merge conflict.
    """
    try:
        stages: dict[str, Any] = yaml.load(read_text(LOCK), Loader=_LOADER)["stages"]
    except (yaml.YAMLError, KeyError, TypeError):
        raise InputError(
            "is no lock", where=str(LOCK), remedy="Take either side of a merge, then `dvc repro`"
        ) from None
    return stages


def _asked() -> set[str]:
    """The stages of `dvc.yaml`; one that it leaves out may stand in the lock from before."""
    return set(yaml.load(read_text(PIPELINE), Loader=_LOADER)["stages"]) if PIPELINE.is_file() else set()


def read_status() -> subprocess.CompletedProcess[str] | None:
    """What `dvc status --json` says; None where nothing is certified."""
    return dvc("status", "--json") if LOCK.is_file() else None


def lock_findings(stale: Mapping[str, int], status: subprocess.CompletedProcess[str] | None) -> list[Finding]:
    """Compare `dvc.lock` with the disk, as `dvc status` does.

    Args:
        status: what `read_status` gave.
        stale: for each study how many of its artifacts were made by other code or parameters than the present ones.

    Returns:
        A warning for each stage of which something that it depends on changed since it was certified; an error for
        each whose results changed and nothing else, and for each that DVC calls up to date although the workflow would
        make artifacts of it again: `dvc repro` did not write that.
    """
    if status is None:
        return [Finding("note", "lock", (str(LOCK),), "absent: nothing is certified; `dvc repro` does that")]
    if status.returncode:
        reason = (status.stderr.strip() or status.stdout.strip()).removeprefix("ERROR: ")
        return [Finding("note", "lock", (str(LOCK),), f"could not be compared: {reason}")]
    changed = json.loads(status.stdout or "{}")
    findings = []
    for stage, entries in changed.items():
        parts = list(_changes(entries))
        if parts and not any(_changes(entries, of=("changed deps", "changed command"))):
            text = (
                f"stage {stage} has other results than it certifies ({'; '.join(parts)}), although nothing that they "
                "depend on changed: results, and maybe their records, were edited or made elsewhere. "
                "`git checkout` and `dvc checkout` restore what was certified; nothing else may"
            )
            findings.append(Finding("error", "lock", (str(LOCK),), text))
        elif parts:
            text = f"stage {stage} is not what lies here ({'; '.join(parts)}); `dvc repro` certifies it anew"
            findings.append(Finding("warning", "lock", (str(LOCK),), text))
    certified = _stages().keys() & _asked()
    for study, number in stale.items():
        if study in certified and not any(_changes(changed.get(study, []), of=("changed deps", "changed command"))):
            text = (
                f"says that stage {study} is up to date, but {number} of its artifacts were made by other code or "
                "parameters: it was not written by `dvc repro`"
            )
            findings.append(Finding("error", "lock", (str(LOCK),), text))
    return findings


def _changes(
    entries: list[Any], of: tuple[str, ...] = ("changed deps", "changed outs", "changed command")
) -> Iterator[str]:
    """What changed, in words, without artifacts that are merely not here or not in the cache."""
    for entry in entries:
        if isinstance(entry, str):
            if entry in of:
                yield entry
            continue
        for kind in of:
            for path, how in entry.get(kind, {}).items():
                # Parameters stand under their file, by key.
                if isinstance(how, dict):
                    yield f"{path}: {', '.join(how)}"
                elif not (is_artifact(path) and how in ("deleted", "not in cache")):
                    yield f"{path} {how}"
