"""Commands of Snakemake, DVC and this project in forks of a process that has imported what they import.

A new Python imports Snakemake for a second before such a command begins, DVC for a third of one, and the tests of the
workflow run hundreds of them. Only other packages are imported ahead: the library of a project is a copy of its own,
and each fork imports it anew. Jobs are started by their run, as always.
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import select
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

MODULES = (
    "dvc.cli",
    "dvc.cli.parser",
    "dvc.ignore",
    "dvc.logger",
    "dvc.repo",
    "dvc.repo.experiments",
    "dvc.repo.fetch",
    "dvc.repo.plots",
    "dvc.scm",
    "dvc.stage.cache",
    "dvc_render.image",
    "networkx",
    "networkx.readwrite",
    "numpy",
    "pandas",
    "pydantic",
    "snakemake.api",
    "snakemake.cli",
    "snakemake.dag",
    "snakemake.persistence.file",
    "snakemake.scheduling.greedy",
    "snakemake.scheduling.milp",
    "snakemake.script",
    "snakemake.workflow",
    "yaml",
)
SECONDS = 900


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> tuple[int, str]:
    """Run `snakemake`, `dvc` or `taskneurons` in a folder; gives its status and what it printed, errors last."""
    server = _server()
    assert server.stdin and server.stdout
    with tempfile.TemporaryDirectory() as printed:
        asked = {
            "command": list(command),
            "folder": str(folder),
            "environment": dict(environment),
            "printed": [f"{printed}/out", f"{printed}/errors"],
        }
        server.stdin.write(json.dumps(asked).encode() + b"\n")
        server.stdin.flush()
        ready, _, _ = select.select([server.stdout], [], [], SECONDS)
        assert ready, f"{command} did not end in {SECONDS} s"
        status = int(server.stdout.readline())
        return status, "".join(Path(path).read_text() for path in asked["printed"])


@cache
def _server() -> "subprocess.Popen[bytes]":
    """The process that forks; one for each process of tests."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    process = subprocess.Popen(
        [sys.executable, "-P", __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    )
    assert process.stdin
    atexit.register(lambda end: (end(), process.wait()), process.stdin.close)
    return process


def _serve() -> dict:
    """Fork for each request; this returns in forks alone, with the request."""
    for text in sys.stdin.buffer:
        child = os.fork()
        if child == 0:
            return json.loads(text)
        _, status = os.waitpid(child, 0)
        sys.stdout.buffer.write(f"{os.waitstatus_to_exitcode(status)}\n".encode())
        sys.stdout.buffer.flush()
    sys.exit()


def _become(command: list[str], folder: str, environment: dict[str, str], printed: list[str]) -> None:
    """Do what a new Python would have done with the command."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number, path in enumerate([os.devnull, *printed]):
        file = os.open(path, os.O_RDWR | os.O_CREAT)
        os.dup2(file, number)
        os.close(file)
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", 1, closefd=False)
    sys.path[:0] = [*([folder] if command[0] != "taskneurons" else []), *environment["PYTHONPATH"].split(os.pathsep)]
    importlib.invalidate_caches()
    sys.argv = [str(Path(sys.executable).with_name(command[0])), *command[1:]]
    if command[0] in ("snakemake", "dvc"):
        runpy.run_module(command[0], run_name="__main__", alter_sys=True)
    else:
        from taskneurons.cli import main

        sys.exit(main())


if __name__ == "__main__":
    for name in MODULES:
        # A version without this module: commands import what they need.
        with suppress(ImportError):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()
    _become(**_serve())
