"""The records as they were: at one commit, and at every commit of git's history, against those that lie here.

A forger who changes an artifact together with its record, and lets `dvc repro` certify both, leaves nothing here that
disagrees. What was committed before does: one job on one machine makes the same bytes from the same inputs.
"""

import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from taskneurons.errors import InputError
from taskneurons.lineage.findings import Finding
from taskneurons.lineage.record import RECORDS, VERSION, Line, lines_of_text, read_records
from taskneurons.lineage.root import REPORT

Lines = Mapping[str, Line]
_SAME = "inputs, parameters and code are the same"


def records_at(commit: str) -> dict[str, Line]:
    """The lines of all records at a commit, by artifact.

    Raises:
        InputError: there is no git here or no such commit, or a record of it cannot be read.
    """
    if commit.startswith("-"):
        raise InputError(f"{commit!r} is no commit")
    with tempfile.TemporaryDirectory() as folder:
        for name in _git(commit, "ls-tree", "--name-only", commit, f"{RECORDS}/").splitlines():
            if name.endswith(".jsonl"):
                (Path(folder) / Path(name).name).write_text(
                    _git(commit, "show", f"{commit}:./{name}"), encoding="utf-8"
                )
        return read_records(lambda text: None, Path(folder))


def first_records() -> dict[tuple[str, Any], tuple[str, Line]]:
    """For each artifact and each way of making it the first line that was ever committed, with its commit.

    Raises:
        InputError: there is no git here, or nothing was committed.
    """
    found: dict[tuple[str, Any], tuple[str, Line]] = {}
    # Each line that a commit added to a record; merges are compared with each parent.
    command = ("log", "--reverse", "-m", "--unified=0", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames")
    commit, seen = "", set[str]()
    for text in _git(str(RECORDS), *command, "--format=commit %h", "-p", "--", f"{RECORDS}/").splitlines():
        if text.startswith("commit "):
            commit = text.removeprefix("commit ")
        elif text.startswith("+{") and text not in seen:
            seen.add(text)
            made = None
            for line in _of_this_version(text[1:]):
                # The outputs of one job share how it was made.
                made = made or made_of(line)
                found.setdefault((line.output, made), (commit, line))
    return found


def _of_this_version(text: str) -> Iterator[Line]:
    """The lines of a text of a record; what is none, or of another version, says nothing."""
    try:
        job = json.loads(text)
        if isinstance(job, dict) and job.pop("version", 0) == VERSION:
            yield from lines_of_text(job)
    except (ValueError, TypeError, KeyError, InputError):
        return


def made_of(line: Line) -> Any:
    """All that decides the bytes of an artifact but the machine: inputs, parameters, code, wiring, versions."""
    return line.inputs, line.params, tuple(sorted(line.software.items()))


def against_findings(lines: Lines, before: Lines, commit: str) -> Iterator[Finding]:
    """Records against those of a commit: what became other bytes, or another story, although nothing says why."""
    forged: list[str] = []
    edited: list[str] = []
    anew: list[str] = []
    for output, line in sorted(lines.items()):
        old = before.get(output)
        if old is None or old == line:
            continue
        same = (old.inputs, old.params) == (line.inputs, line.params)
        if old.sha256 != line.sha256 and same:
            forged.append(output)
        elif old.ended == line.ended:
            edited.append(output)
        else:
            anew.append(output)
    if forged:
        text = f"other bytes than at {commit}, although {_SAME}; `taskneurons compare` says how they differ"
        yield Finding("error", "against", tuple(forged), text)
    if edited:
        text = f"the record differs from that at {commit}, although no job ran since: it was edited"
        yield Finding("error", "against", tuple(edited), text)
    if anew:
        yield Finding("note", "against", tuple(anew), f"made anew since {commit}")
    if gone := sorted(before.keys() - lines.keys()):
        yield Finding("note", "against", tuple(gone), f"recorded at {commit}, and no more")
    if new := sorted(lines.keys() - before.keys()):
        yield Finding("note", "against", tuple(new), f"not recorded at {commit}")


def history_findings(lines: Lines) -> Iterator[Finding]:
    """Artifacts of which git's history knows other bytes, made by the same job of the same inputs.

    The first record that was committed counts, so that putting an honest one back ends the finding. On another machine
    or on a GPU an honest job may round otherwise: then it is a note. The report prints the digest of all records, which
    may change although no input of it does.
    """
    try:
        first = first_records()
    except InputError as error:
        text = f"are not compared with those of earlier commits: {error.message}"
        yield Finding("note", "history", (str(RECORDS),), text)
        return
    wrong: dict[tuple[str, bool], list[str]] = {}
    for output, line in sorted(lines.items()):
        commit, old = first.get((output, made_of(line)), ("", line))
        if output != REPORT and old.sha256 != line.sha256:
            same_machine = (old.machine, old.device) == (line.machine, line.device) and line.device == "cpu"
            wrong.setdefault((commit, same_machine), []).append(output)
    for (commit, same_machine), outputs in sorted(wrong.items()):
        if same_machine:
            text = (
                f"other bytes than those that commit {commit} recorded, although {_SAME}, and so are versions and "
                "machine: one of the two was not made by its job. `git checkout` and `dvc checkout` of that commit "
                "bring back what was recorded first; nothing else may"
            )
            yield Finding("error", "history", tuple(outputs), text)
        else:
            text = f"other bytes than those that commit {commit} recorded, where they were made on another machine"
            yield Finding("note", "history", tuple(outputs), f"{text}, although {_SAME}")


def _git(where: str, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise InputError("git is not installed", where=where) from None
    if done.returncode:
        reason = done.stderr.strip().splitlines()[0].removeprefix("fatal: ") if done.stderr.strip() else "unknown"
        raise InputError(f"git cannot read it ({reason})", where=where, remedy="Name a commit of this repository")
    return done.stdout
