"""After a kill: clear what the dead run holds, never what a live one does."""

import json
from pathlib import Path

from taskneurons.errors import InputError
from taskneurons.lineage import active

DVC_LOCK = Path(".dvc/tmp/rwlock")


def recover() -> int:
    """Clear the locks and half-written files of a killed run in the current folder.

    A run does the same when it starts; this does it without starting one. DVC's lock names the dead process and is
    taken over by DVC itself, but is unreadable when DVC was killed while it wrote it.

    Returns:
        0; 1 when a run is active or jobs of a killed run still work, which is said with their process ids.
    """
    try:
        cleared = active.claim()
    except InputError as error:
        print(error)
        return 1
    try:
        if DVC_LOCK.is_file():
            try:
                json.loads(DVC_LOCK.read_text(encoding="utf-8"))
            except json.JSONDecodeError:
                DVC_LOCK.unlink()
                cleared.append("DVC's lock was half written; it is removed.")
    finally:
        active.release()
    print("\n".join([*cleared, "Run `snakemake --cores all` or `dvc repro`: only unfinished jobs will run."]))
    return 0
