"""The records as they were at a commit."""

import subprocess
import tempfile
from pathlib import Path

from taskneurons.errors import InputError
from taskneurons.lineage.record import RECORDS, Line, read_records


def records_at(commit: str) -> dict[str, Line]:
    """The lines of all records at a commit, by artifact.

    Raises:
        InputError: there is no git here or no such commit, or a record of it cannot be read.
    """
    with tempfile.TemporaryDirectory() as folder:
        for name in _git(commit, "ls-tree", "--name-only", commit, f"{RECORDS}/").splitlines():
            if name.endswith(".jsonl"):
                (Path(folder) / Path(name).name).write_text(
                    _git(commit, "show", f"{commit}:./{name}"), encoding="utf-8"
                )
        return read_records(lambda text: None, Path(folder))


def _git(commit: str, *arguments: str) -> str:
    if commit.startswith("-"):
        raise InputError(f"{commit!r} is no commit")
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise InputError("git is not installed", where=commit) from None
    if done.returncode:
        reason = done.stderr.strip().splitlines()[0].removeprefix("fatal: ") if done.stderr.strip() else "unknown"
        raise InputError(f"git cannot read it ({reason})", where=commit, remedy="Name a commit of this repository")
    return done.stdout
