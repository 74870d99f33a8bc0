"""After a kill: clear what the dead run holds, never what a live one does; and what is kept of earlier results."""

import json
from datetime import UTC, datetime
from pathlib import Path

from taskneurons.errors import InputError
from taskneurons.lineage import active, kept
from taskneurons.lineage.graph import GRAPH
from taskneurons.lineage.record import read_records, write_records
from taskneurons.lineage.workflow import left_graph

DVC_LOCK = Path(".dvc/tmp/rwlock")


def recover(*, restore: bool = False, forget: bool = False) -> int:
    """Clear the locks and half-written files of a killed run in the current folder, and say what is kept.

    A run does the same when it starts; this does it without starting one. DVC's lock names the dead process and is
    taken over by DVC itself, but is unreadable when DVC was killed while it wrote it.

    Args:
        restore: bring back what was pruned or put aside.
        forget: delete it.

    Returns:
        0; 1 when a run is active or jobs of a killed run still work, which is said with their process ids.

    Raises:
        InputError: the graph or a record that lies here cannot be read.
    """
    try:
        said = active.claim()
    except InputError as error:
        print(error)
        return 1
    try:
        if DVC_LOCK.is_file():
            try:
                json.loads(DVC_LOCK.read_text(encoding="utf-8"))
            except json.JSONDecodeError:
                DVC_LOCK.unlink()
                said.append("DVC's lock was half written; it is removed.")
        if GRAPH.is_file() and (back := kept.put_back(left_graph())):
            said.append(f"{len(back)} earlier artifacts, whose jobs did not finish, are back in their places.")
        if restore:
            said += _restore()
        if forget:
            said.append(f"{_size(kept.forget())} of earlier results are deleted.")
        else:
            said += _kept()
    finally:
        active.release()
    print("\n".join([*said, "Run `snakemake --cores all` or `dvc repro`: only unfinished jobs will run."]))
    return 0


def _restore() -> list[str]:
    back, left, lines = kept.restore()
    if lines:
        if not GRAPH.is_file():
            raise InputError("the workflow was not read here yet", remedy="Run `snakemake -n`, then this again")
        write_records({**lines, **read_records()}.values(), left_graph())
    said = [f"{len(back)} artifacts are brought back with their records."] if back else ["There is nothing to restore."]
    if left:
        said.append(f"{len(left)} are still kept, because other files lie in their places, such as {left[0]}.")
    if back:
        said.append("The next run moves away again what the parameters do not ask for.")
    return said


def _kept() -> list[str]:
    """What is kept, with its size and its age."""
    now = datetime.now(UTC)
    said = []
    for shelf in kept.shelves():
        age = now - shelf.since
        hours = age.days * 24 + age.seconds // 3600
        old = f"{hours // 24} days" if hours >= 48 else f"{hours} hours" if hours else f"{age.seconds // 60} minutes"
        said.append(f"{shelf.folder}: {len(shelf.files)} files ({shelf.why}), {_size(shelf.size)}, {old} old")
    if said:
        said.append("`taskneurons recover --restore` brings them back, `--forget` deletes them.")
    return said


def _size(number: int) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if number < 1000 or unit == "GB":
            return f"{number:.0f} {unit}" if unit == "bytes" else f"{number:.1f} {unit}"
        number /= 1000  # type: ignore[assignment]
    raise AssertionError
