"""Commands of Snakemake, DVC and this project in forks of a process that has imported what they import.

A new Python imports Snakemake for a second before such a command begins, DVC for a third of one, torch for four, and
the tests of the workflow run hundreds of them. Only other packages are imported ahead: the library of a project is a
copy of its own, and each fork imports it anew. What commands start in their turn, stages and jobs, is forked as well:
in place of Python and of `taskneurons` they find programs that ask for a fork.

Forks of one process order sets alike: a test of equal bytes lets new processes make one of the two sides.
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
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
    "jaxtyping",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_svg",
    "matplotlib.layout_engine",
    "networkx",
    "networkx.readwrite",
    "numpy",
    "pandas",
    "psutil",
    "pydantic",
    "rouge_score.rouge_scorer",
    "scipy.special",
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
# What programs import that run models, beside what processes that fork jobs import.
OF_MODELS = ("pytest", "torch.distributed.launcher.api", "torch.distributed.tensor")
SECONDS = 900
JOBS = "PYTHON_OF_JOBS"
"""The variable that names what stands in the place of Python for the jobs of a run."""
# What stands in the place of Python and of `taskneurons`. It ends as the fork ended, and its end ends the fork.
STAND_IN = """#!{python} -IS
import json, os, socket, sys

files = [0, 1, 2, os.open(".", os.O_RDONLY)]
if sys.argv[1:2] == ["-P"]:
    # The number of a socket that the program is to listen to.
    files.append(int(sys.argv[3]))
with socket.socket(socket.AF_UNIX) as server:
    server.connect({place!r})
    asked = {{"command": [os.path.basename(sys.argv[0]), *sys.argv[1:]], "environment": dict(os.environ)}}
    socket.send_fds(server, [b"+"], files)
    server.sendall(json.dumps(asked).encode() + b"\\n")
    sys.exit(int(server.recv(100)))
"""


def run(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], prefix: tuple[str, ...] = ()
) -> tuple[int, str]:
    """Run `snakemake`, `dvc` or `taskneurons` in a folder; gives its status and what it printed, errors last.

    Args:
        command: with its arguments.
        folder: where it runs.
        environment: all its variables.
        prefix: what starts it with fewer rights, such as `setpriv` with options.
    """
    with tempfile.TemporaryDirectory() as printed, ExitStack() as open_files, socket.socket(socket.AF_UNIX) as server:
        paths = [Path(printed, "out"), Path(printed, "errors")]
        files = [open_files.enter_context(open(path, "w+b")) for path in [os.devnull, *paths]]  # noqa: PTH123
        where = os.open(folder, os.O_RDONLY)
        open_files.callback(os.close, where)
        server.settimeout(SECONDS)
        server.connect(_place(_server(MODULES, prefix)))
        socket.send_fds(server, [b"+"], [*(file.fileno() for file in files), where])
        asked = {"command": list(command), "environment": dict(environment)}
        server.sendall(json.dumps(asked).encode() + b"\n")
        status = int(server.recv(100))
        return status, "".join(path.read_text() for path in paths)


def python() -> str:
    """A program that stands in the place of Python for `python -m COMMAND`, with commands as above."""
    return f"{_server(MODULES)}/python"


def python_of_models() -> str:
    """A program that stands in the place of Python for scripts and modules that run models."""
    # Not above: what the library imports is no concern of a process that forks.
    from taskneurons.workflow.preloaded import MODULES as OF_JOBS

    return f"{_server((*OF_JOBS, *OF_MODELS))}/python"


@cache
def _server(modules: tuple[str, ...], prefix: tuple[str, ...] = ()) -> str:
    """The folder of the process that has imported some modules, and forks.

    There is one for each process of tests.

    Args:
        modules: which it imports when the first fork is asked for.
        prefix: what starts it.
    """
    folder = tempfile.mkdtemp(prefix="warm-")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    process = subprocess.Popen(
        [*prefix, sys.executable, "-P", __file__, folder, *modules],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment | {"OMP_NUM_THREADS": "1"},
    )
    assert process.stdin and process.stdout
    process.stdout.readline()
    atexit.register(lambda end: (end(), process.wait(), shutil.rmtree(folder)), process.stdin.close)
    return folder


def _place(folder: str) -> str:
    return f"{folder}/asked"


def _serve(folder: str, modules: Sequence[str]) -> tuple[dict, list[int]]:
    """Fork for each request; this returns in forks alone, with the request and its open files."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(_place(folder))
    listening.listen(64)
    for name in ("python", "taskneurons"):
        stand_in = Path(folder, name)
        stand_in.write_text(STAND_IN.format(python=sys.executable, place=_place(folder)))
        stand_in.chmod(0o755)
    print("listens", flush=True)
    select.select([sys.stdin, listening], [], [])
    for name in modules:
        # A version without this module: commands import what they need.
        with suppress(ImportError):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()
    children: dict[int, tuple[int, socket.socket]] = {}
    while True:
        clients = {client: child for child, client in children.values()}
        ready, _, _ = select.select([sys.stdin, listening, *children, *clients], [], [])
        if sys.stdin in ready:
            sys.exit()
        for client in set(ready) & set(clients):
            # Who asked said all at the start, so that more is the end of who asked.
            os.kill(clients[client], signal.SIGKILL)
        for handle in {one for one, (_, client) in children.items() if one in ready or client in ready}:
            child, client = children.pop(handle)
            _, status = os.waitpid(child, 0)
            os.close(handle)
            with suppress(OSError), client:
                client.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
        if listening in ready:
            client, _ = listening.accept()
            asked, files = _heard(client)
            if asked and (child := os.fork()):
                children[os.pidfd_open(child)] = child, client
            elif asked:
                for other in (listening, client, *clients):
                    other.close()
                return asked, files
            for file in files:
                os.close(file)


def _heard(client: socket.socket) -> tuple[dict, list[int]]:
    """What is asked for, and its open files; nothing where who asks has died meanwhile."""
    try:
        _, files, _, _ = socket.recv_fds(client, 1, 5)
        text = client.makefile().readline()
    except OSError:
        return {}, []
    return json.loads(text) if text.endswith("\n") else {}, list(files)


def _become(stand_ins: str, command: list[str], environment: dict[str, str], files: list[int]) -> None:
    """Do what a new Python would have done with the command."""
    os.fchdir(files[3])
    os.environ.clear()
    os.environ.update(environment)
    for number, file in enumerate(files[:3]):
        os.dup2(file, number)
    for file in files[:4]:
        os.close(file)
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", 1, closefd=False)
    name, *arguments = command
    own = [] if name == "taskneurons" else [str(Path.cwd())]
    if name == "python" and arguments[0] == "-m":
        name, *arguments = arguments[1:]
    elif name == "python" and arguments[0] == "-P":
        name, _, *arguments = arguments[1:]
        own, arguments = [], [str(files[4]), *arguments]
    elif name == "python":
        name, *arguments = arguments[arguments[0] == "-u" :]
        own = [str(Path(name).parent)]
    sys.path[:0] = [*own, *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    importlib.invalidate_caches()
    sys.argv = [name if name.endswith(".py") else str(Path(sys.executable).with_name(name)), *arguments]
    if name == "dvc":
        # For the commands of stages.
        os.environ["PATH"] = f"{stand_ins}{os.pathsep}{environment['PATH']}"
    if name in ("dvc", "snakemake", "taskneurons", "taskneurons.cli"):
        sys.executable = environment.get(JOBS, f"{stand_ins}/python") if name == "snakemake" else f"{stand_ins}/python"
    if name.endswith(".py"):
        runpy.run_path(name, run_name="__main__")
    elif name in ("taskneurons", "taskneurons.cli"):
        from taskneurons.cli import main

        sys.exit(main())
    else:
        runpy.run_module(name, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    asked, files = _serve(sys.argv[1], sys.argv[2:])
    _become(sys.argv[1], **asked, files=files)
