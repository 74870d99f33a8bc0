"""Does the job that a rule describes: builds the Job, calls the function that the rule names, leaves a note of it.

The code of the job is fingerprinted when the job starts and when it ends. Where it is not the code that was planned,
or changed in between, the job fails: what it wrote would be recorded under code that did not make it.
"""

import errno
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import taskneurons
from taskneurons.errors import InputError
from taskneurons.files import write_text
from taskneurons.job import Job
from taskneurons.lineage.active import CODE
from taskneurons.lineage.code import Code, Sources, functions_of, module_of
from taskneurons.lineage.note import Watch
from taskneurons.workflow import gpus, node, together
from taskneurons.workflow.handing import job_of, settings_type
from taskneurons.workflow.loading import LOADED

FULL = (errno.ENOSPC, errno.EDQUOT)
STOPPED = 128 + signal.SIGTERM
"""The status of a training that was told to stop and has left its resume file."""


def run(snakemake: Any) -> None:
    """Do one job of the workflow; what cannot be done ends the process with one sentence.

    Args:
        snakemake: the object that Snakemake gives to scripts. Its params are `settings`, one JSON text, `code`,
            `<study>.<module>:<function>` and the fingerprint of all that this function reaches, and `wiring`, the
            digest of the names and the order of inputs and outputs.
    """
    log = Path(snakemake.log[0])
    # What an earlier try said is over.
    log.unlink(missing_ok=True)
    try:
        run_job(snakemake)
    except InputError as error:
        _refuse(error, log)
    except Exception as error:
        if not is_full(error):
            raise
        _refuse(full(error), log)
    except SystemExit as end:
        if end.code == STOPPED:
            write_text(log, "it was told to stop, as before a time limit; the same command goes on from here\n")
        raise


def _refuse(error: InputError, log: Path) -> NoReturn:
    print(f"error: {error}", file=sys.stderr)
    # On a full disk the log has no room either.
    with suppress(OSError):
        write_text(log, f"error: {error}\n")
    sys.exit(1)


def is_full(error: Exception) -> bool:
    """Whether a disk had no room, or a quota was used up; safetensors says so in words alone."""
    if isinstance(error, OSError):
        return error.errno in FULL
    # A library may wrap what the system said.
    return any(f"(os error {number})" in str(error) for number in FULL)


def full(error: Exception) -> InputError:
    """What is said where a disk has no room."""
    return InputError(
        f"no room is left on a disk that this job writes to ({error})",
        where=str(Path.cwd()),
        remedy="Free some (`df -h` shows where), then run the same command again: what is finished stays",
    )


def run_job(snakemake: Any) -> None:
    """Do one job of the workflow.

    Raises:
        InputError: the job cannot be done, or its code or its inputs changed while it ran.
    """
    planned = snakemake.params.code
    entry = planned.partition(" ")[0]
    node.require_planned(planned, list(snakemake.output))
    processes = snakemake.resources.get("processes", 1)
    gpus.take(snakemake.resources.get("gpu", 0), processes)
    watch = Watch(_paths(snakemake.input), _paths(snakemake.output))
    watch.start()
    sources = Sources(Path(taskneurons.__file__).parent, CODE)
    _require_planned(planned, sources)
    if processes > 1:
        watch.done_by = together.do(snakemake, watch.digests, processes)
    else:
        function = named_function(entry)
        function(job_of(snakemake, settings_type(function), watch.digests))
    # What was loaded, also by imports in functions, and what lies there now.
    _require_planned(planned, sources.again(LOADED))
    _require_planned(planned, sources.again())
    watch.finish(snakemake.rule, snakemake.params.settings, planned, snakemake.params.wiring)


def _require_planned(planned: str, sources: Sources) -> None:
    entry = planned.partition(" ")[0]
    if Code(sources)(entry) != planned:
        raise InputError(
            "the code of this job is not the code that was planned: it was edited while the run was under way",
            where=entry,
            remedy="Run the same command again",
        )


def named_function(entry: str) -> Callable[[Job[Any]], None]:
    """The function that a rule names, such as `dial.measure:measure_models`.

    Raises:
        InputError: there is no such module or function.
    """
    try:
        found: Callable[[Job[Any]], None] = getattr(import_module(module_of(entry)), functions_of(entry)[0])
    except (ModuleNotFoundError, AttributeError) as error:
        raise InputError(f"there is no such function ({error})", where=f"code({entry!r})") from None
    return found


def _paths(files: Any) -> tuple[Path, ...]:
    return tuple(Path(path) for path in files)
