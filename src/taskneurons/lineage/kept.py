"""What would be lost is kept until something better is there: outputs that are made again, and what is pruned.

Snakemake deletes the outputs of a job before it starts. So before a run starts, the good ones among them are linked to
a folder of `.taskneurons/kept`, which costs no space until the new ones are written. Where a job does not finish, its
old outputs are put back; where it does, they are dropped. What no parameter asks for any more is moved there and waits
for `taskneurons recover --restore` or `--forget`.
"""

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from taskneurons.errors import InputError
from taskneurons.files import sha256, write_text
from taskneurons.lineage.active import STATE
from taskneurons.lineage.graph import Graph
from taskneurons.lineage.hashes import HashCache
from taskneurons.lineage.note import note_of
from taskneurons.lineage.record import (
    Beliefs,
    Line,
    Metadata,
    Warn,
    is_regular,
    line_texts,
    read_line_texts,
    read_records,
    write_records,
)

KEPT = STATE / "kept"
REMADE, PRUNED, REPLACED = "remade", "pruned", "replaced"


@dataclass(frozen=True)
class Shelf:
    """A folder of things that are kept.

    Attributes:
        folder: its path; `files/` in it holds what was kept by path, `records.jsonl` the records.
        why: `remade`, `pruned` or `replaced` (what lay in the place of an output and was none).
        since: when it was made.
    """

    folder: Path
    why: str
    since: datetime

    @property
    def files(self) -> dict[str, Path]:
        """What is kept, by the path that it had."""
        root = self.folder / "files"
        return {path.relative_to(root).as_posix(): path for path in _leaves(root)}

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(path.lstat().st_size for path in self.files.values())

    def lines(self) -> dict[str, Line]:
        """The records of what is kept, by artifact."""
        path = self.folder / "records.jsonl"
        return read_line_texts(path) if path.is_file() else {}

    def drop(self) -> None:
        """Delete it."""
        shutil.rmtree(self.folder)


def _leaves(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        linked = [name for name in folders if Path(folder, name).is_symlink()]
        yield from (Path(folder, name) for name in sorted([*files, *linked]))


def shelves(why: str | None = None) -> list[Shelf]:
    """What is kept in this folder, the oldest first; with `why` only what is kept for that."""
    found = []
    for path in sorted(KEPT.glob("*-*-*")):
        time, _, rest = path.name.partition("-")
        kind = rest.partition("-")[0]
        try:
            since = datetime.strptime(time, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
        except ValueError:
            continue
        if kind in (REMADE, PRUNED, REPLACED) and why in (None, kind):
            found.append(Shelf(path, kind, since))
    return found


def _new(why: str) -> Path:
    return KEPT / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{why}-{uuid4().hex[:8]}"


def keep_outputs(jobs: Iterable[Iterable[str]], graph: Graph, warn: Warn = print) -> None:
    """Keep what the jobs of a run will delete; to be called when the run has decided on them and none has started.

    Args:
        jobs: the outputs of each job.
        graph: what the workflow can make.
        warn: called with a sentence where something in the place of an output is moved away.
    """
    shelf, odd = _new(REMADE), _new(REPLACED)
    beliefs = Beliefs(graph, read_records(lambda text: None))
    lines: list[Line] = []
    for outputs in jobs:
        for output in outputs:
            path = Path(output)
            if not os.path.lexists(path):
                continue
            if not is_regular(path):
                _move(path, odd / "files" / output)
                warn(f"{output} was no regular file; it lies in {odd / 'files' / output} now")
            elif output in graph.rules and (line := beliefs.of(output)) is not None and not path.is_symlink():
                _link(path, shelf / "files" / output)
                lines.append(line)
                note = note_of(output)
                if note.is_file():
                    _link(note, shelf / "notes" / note.name)
    beliefs.hashes.save()
    if lines:
        write_text(shelf / "records.jsonl", line_texts(lines))


def put_back(graph: Graph) -> list[str]:
    """Put back the outputs of jobs that did not finish, and drop what was kept of the others.

    Args:
        graph: what the workflow can make.

    Returns:
        What was put back.
    """
    if not (kept_for_jobs := shelves(REMADE)):
        return []
    beliefs = Beliefs(graph, read_records(lambda text: None))
    back: list[str] = []
    for shelf in kept_for_jobs:
        for output, kept in sorted(shelf.files.items()):
            path = Path(output)
            if output not in graph.rules or (path.is_dir() and not path.is_symlink()):
                continue
            if os.path.lexists(path) and (path.samefile(kept) or beliefs.of(output) is not None):
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            kept.replace(path)
            beliefs.metadata.complete(output)
            back.append(output)
        for note in sorted((shelf.folder / "notes").glob("*.json")):
            place = note_of(json.loads(note.read_text(encoding="utf-8"))["outputs"][0][0])
            if not place.is_file():
                note.replace(place)
        shelf.drop()
    beliefs.hashes.save()
    return back


def keep_pruned(lines: Iterable[Line]) -> Path:
    """Move artifacts that nothing asks for any more away, with their records.

    Returns:
        Where they lie.
    """
    shelf = _new(PRUNED)
    lines = list(lines)
    write_text(shelf / "records.jsonl", line_texts(lines))
    for line in lines:
        _move(Path(line.output), shelf / "files" / line.output)
    return shelf


def prune(graph: Graph, warn: Warn = print) -> None:
    """Move the artifacts away that have a record but are no longer in the graph, and their records with them.

    A file that nobody recorded is left alone, and so is one that was edited since it was recorded.
    """
    lines, metadata, hashes = read_records(), Metadata(), HashCache(STATE / "hashes.json")
    gone = [line for output, line in lines.items() if output not in graph.rules]
    moved = []
    for line in gone:
        path = Path(line.output)
        if is_regular(path) and hashes.of(line.output) == line.sha256:
            moved.append(line)
        elif os.path.lexists(path):
            warn(f"{path} belongs to nothing any more but was edited: left alone")
        metadata.forget(line.output)
        del lines[line.output]
    if moved:
        folder = keep_pruned(moved)
        warn(
            f"{len(moved)} artifacts that no parameter asks for any more are moved to {folder}; "
            "`taskneurons recover --restore` brings them back, `--forget` deletes them"
        )
    if gone:
        write_records(lines.values(), graph)


def restore() -> tuple[list[str], list[str], dict[str, Line]]:
    """Bring back everything that was pruned or put aside, where nothing lies in its place.

    Returns:
        What was brought back, what was not because something lies there, and the records of what was brought back.
    """
    back: list[str] = []
    left: list[str] = []
    lines: dict[str, Line] = {}
    # The newest first: where a path was kept twice, the later one is the better.
    for shelf in reversed([*shelves(REMADE), *shelves(PRUNED)]):
        known = shelf.lines()
        for output, kept in sorted(shelf.files.items()):
            path = Path(output)
            if os.path.lexists(path):
                if not (path.is_file() and sha256(path) == sha256(kept)):
                    left.append(output)
                    continue
            else:
                _move(kept, path)
                back.append(output)
            if output in known:
                lines[output] = known[output]
        if not shelf.files or not set(shelf.files) & set(left):
            shelf.drop()
    return sorted(back), sorted(set(left)), lines


def forget() -> int:
    """Delete everything that is kept; how many bytes that were."""
    every = shelves()
    size = sum(shelf.size for shelf in every)
    for shelf in every:
        shelf.drop()
    return size


def _link(path: Path, target: Path) -> None:
    """Another name for a file; a copy where the file system has no links."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path, target)
    except FileExistsError:
        return
    except OSError:
        try:
            shutil.copy2(path, target)
        except OSError as error:
            raise InputError(
                f"what is made again cannot be kept until it is there ({error.strerror})",
                where=str(target),
                remedy="Make room, or delete what is to be made again yourself",
            ) from None


def _move(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.rename(target)
    except OSError:
        shutil.move(path, target)
    for folder in path.parents:
        if folder == Path("results") or folder == Path() or not folder.is_dir() or any(folder.iterdir()):
            break
        folder.rmdir()
