"""A job that several processes do together: this process starts torchrun, which starts them, and waits.

They get the job as JSON, without a pickle, and do it as one process would (see `taskneurons.processes`). The
first one writes the outputs; the others write theirs below a folder that is removed in the end.

When one of them runs out of memory in a training, or where they share out weights, the others wait for it in the middle
of a layer, where nothing can be told to them. So all end, and start anew with half as many examples a pass, a training
from its resume file.
"""

import logging
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any

from taskneurons.errors import InputError, TooLittleMemory
from taskneurons.files import read_json, write_json
from taskneurons.lineage import machine
from taskneurons.lineage.active import STATE
from taskneurons.workflow.handing import job_of, settings_type

log = logging.getLogger(__name__)

FOLDER = STATE / "together"
JOB, VERDICT, FACTS = "job.json", "verdict.json", "facts{place}.json"
STOPPED = 128 + signal.SIGTERM


def do(snakemake: Any, digests: Mapping[Path, str], processes: int) -> dict[str, Any]:
    """Do a job of the workflow by several processes.

    Args:
        snakemake: the object that Snakemake gives to scripts.
        digests: the SHA-256 of each input.
        processes: their number.

    Returns:
        What they computed on, `device`, `machine` and `memory`, for the job's record.

    Raises:
        InputError: as the job; there are fewer GPUs than processes.
        SystemExit: they were told to stop, and have left their resume file.
    """
    folder = FOLDER / str(os.getpid())
    try:
        start_until_it_fits(["-m", __name__, str(folder)], described(snakemake, digests), processes, folder)
        return _together([read_json(folder / FACTS.format(place=place)) for place in range(processes)])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def start_until_it_fits(command: Sequence[str], description: Mapping[str, Any], processes: int, folder: Path) -> None:
    """Start processes that do a job; as often as one's memory does not hold a pass, all start anew with half of it.

    Args:
        command, processes, folder: as `start` takes them.
        description: of the job, which they find in the folder.

    Raises:
        InputError: as `start`; a single example does not fit.
        SystemExit: as `start`.
    """
    while True:
        shutil.rmtree(folder, ignore_errors=True)
        write_json(folder / JOB, description)
        try:
            return start(command, processes, folder)
        except TooLittleMemory as error:
            examples, name = error.examples, (error.where or "").rpartition(".")[2]
            # A batch whose size no resource says stays as it is.
            if examples == 1 or 0 < description["resources"].get(name, 0) <= examples // 2:
                raise
        log.warning("out of memory with %d examples at once: going on with %d", examples, examples // 2)
        resources = {**description["resources"], name: examples // 2}
        description = {**description, "resources": resources}


def start(command: Sequence[str], processes: int, folder: Path) -> None:
    """Start torchrun on this machine and wait for its end; signals that end a job go to the processes, not to it.

    torchrun gives its processes 30 seconds to end when it is told to stop, which is too short for a resume file.

    Args:
        command: a script, or `-m` and a module, with its arguments.
        processes: how many run it.
        folder: in which one of them may leave its verdict, see `said`.

    Raises:
        InputError: one of them said why it could not go on, or ended without a word.
        SystemExit: they were told to stop.
    """
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    # The signals that torchrun is to act on itself; processes that it starts inherit that it ignores the others.
    environment = os.environ | {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}
    with (
        subprocess.Popen(
            [*run, "--signals-to-handle", "SIGQUIT", *command], env=environment, preexec_fn=_ignore_stop
        ) as torchrun,
        _passing_on(torchrun.pid),
    ):
        status = torchrun.wait()
    verdict = read_json(folder / VERDICT) if (folder / VERDICT).exists() else {}
    if verdict.get("stopped"):
        raise SystemExit(STOPPED)
    if status:
        where, remedy = verdict.get("where", f"{processes} processes"), verdict.get("remedy")
        if "examples" in verdict:
            raise TooLittleMemory(verdict["examples"], where=where, remedy=remedy)
        silent = f"one of {processes} processes ended without a word, with status {status}"
        raise InputError(verdict.get("message", silent), where=where, remedy=remedy)


def described(snakemake: Any, digests: Mapping[Path, str]) -> dict[str, Any]:
    """A job as JSON knows it."""
    plain = (bool, int, float, str)
    return {
        "settings": snakemake.params.settings,
        "code": snakemake.params.code,
        "input": _named(snakemake.input),
        "output": _named(snakemake.output),
        "wildcards": dict(snakemake.wildcards.items()),
        "threads": snakemake.threads,
        "resources": {name: value for name, value in snakemake.resources.items() if isinstance(value, plain)},
        "digests": {str(path): digest for path, digest in digests.items()},
    }


def read(description: Mapping[str, Any]) -> Any:
    """A job that `described` wrote, as Snakemake gives it to scripts."""
    params = SimpleNamespace(settings=description["settings"], code=description["code"])
    rest = {name: description[name] for name in ("input", "output", "wildcards", "threads", "resources")}
    return SimpleNamespace(params=params, **rest)


@contextmanager
def said(folder: Path) -> Iterator[None]:
    """Leave the reason for which one of several processes cannot go on; torchrun ends the others."""
    try:
        yield
    except InputError as error:
        examples = error.examples if isinstance(error, TooLittleMemory) else None
        _leave(folder, {"message": error.message, "where": error.where, "remedy": error.remedy, "examples": examples})
        raise
    except SystemExit as end:
        if end.code == STOPPED:
            _leave(folder, {"stopped": True})
        raise
    except Exception as error:
        _leave(folder, {"message": f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"})
        raise


def _leave(folder: Path, verdict: Mapping[str, Any]) -> None:
    """The first word counts: when one process fails, the others fail for that reason."""
    if not (folder / VERDICT).exists():
        write_json(folder / VERDICT, {name: value for name, value in verdict.items() if value})


def main(folder: Path) -> None:
    """Do the job of a folder as one of the processes that torchrun started."""
    # Imported here: the process that waits needs no torch.
    from taskneurons import processes
    from taskneurons.models.device import granted_device
    from taskneurons.workflow.runner import named_function

    act_on_stop()
    description = read_json(folder / JOB)
    snakemake = read(description)
    with said(folder):
        function = named_function(snakemake.params.code.partition(" ")[0])
        processes.join(cpu=granted_device(snakemake.resources.get("gpu", 0)).type == "cpu")
        place = processes.place()
        aside = folder / str(place) if place else Path()
        digests = {Path(path): digest for path, digest in description["digests"].items()}
        with processes.in_step() if snakemake.resources.get("share_weights", 0) else nullcontext():
            function(job_of(snakemake, settings_type(function), digests, aside))
        write_json(folder / FACTS.format(place=place), machine.used())
        processes.leave()


def _together(facts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What all processes used: the host's memory adds up, that of a GPU is of the process that needed most."""
    memory = {"host": sum(one["memory"]["host"] for one in facts)}
    if gpu := [one["memory"]["gpu"] for one in facts if "gpu" in one["memory"]]:
        memory["gpu"] = max(gpu)
    return {"device": f"{len(facts)} x {facts[0]['device']}", "machine": facts[0]["machine"], "memory": memory}


def _named(files: Any) -> dict[str, str | list[str]]:
    return {name: found if isinstance(found, str) else list(found) for name, found in files.items()}


def _ignore_stop() -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def act_on_stop() -> None:
    """Act on the signals that torchrun ignores, which a process that it starts inherits."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def _passing_on(torchrun: int) -> Iterator[None]:
    """Hand SIGTERM, SIGINT and SIGHUP to the processes that torchrun started."""
    import psutil

    def pass_on(number: int, _: FrameType | None) -> None:
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(torchrun).children():
                child.send_signal(number)

    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = {number: signal.signal(number, pass_on) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
