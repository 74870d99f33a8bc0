"""A process that has imported what every job imports that runs a model, and forks a child for each such job.

Importing torch and transformers takes 4 to 5 CPU-seconds, a fork takes some milliseconds. This file is run by its path
(`forked.py` starts it) and imports nothing of the project: a child imports the code that lies there when its job
starts. Children do what the script of their job says, with its environment, folder and open files.

It ends when Snakemake ends and the last child has ended. It forks only while it has one thread, and no more after a
file that it imported has changed. Its log, `.taskneurons/forks.log`, says whom it refused, and why.
"""

import ctypes
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import struct
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

# What is not here is imported by each job that needs it, in its own time.
MODULES = (
    "accelerate",
    "jaxtyping",
    "peft",
    "psutil",
    "pydantic",
    "rouge_score.rouge_scorer",
    "safetensors.torch",
    "scipy.optimize",
    "scipy.special",
    "snakemake.iocontainers",
    "snakemake.logging",
    "tokenizers.models",
    "torch",
    "torch._dynamo",
    "tqdm.auto",
    "transformers.modeling_utils",
    "transformers.models.auto.modeling_auto",
    "transformers.models.auto.tokenization_auto",
    "transformers.models.bloom.modeling_bloom",
    "transformers.models.llama.modeling_llama",
    "transformers.tokenization_utils_tokenizers",
)
# A shell sets these anew for each process; all other variables must be those with which this process started.
OF_THE_SHELL = ("_", "SHLVL", "PWD", "OLDPWD")
MOST_BYTES = 4_000_000
# The end of a run ends this process, not a signal: a job that may still save its work would die with it.
HELD_OFF = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_DIES_WITH_PARENT = 1  # PR_SET_PDEATHSIG of Linux


@dataclass(eq=False)
class Child:
    """A job that runs.

    Attributes:
        pid: its process.
        handle: a file that is readable when the process has ended.
        client: the connection of the process that waits for it.
    """

    pid: int
    handle: int
    client: socket.socket


@dataclass
class Server:
    """Answers those who ask for a child.

    Attributes:
        listening: where they connect.
        environment: the variables with which this process started.
        files: the date and the size of each file that was imported.
        handlers: what a job does at the signals that this process holds off.
        children: the jobs that run.
        closed: whether there will be no more of them.
    """

    listening: socket.socket
    environment: Mapping[str, str]
    files: Mapping[str, tuple[int, int] | None]
    handlers: Mapping[int, Any]
    children: list[Child] = field(default_factory=list)
    closed: bool = False

    def serve(self, run: int) -> Mapping[str, Any]:
        """Answer until the run has ended. This returns in children alone, with what they were asked to do.

        Args:
            run: a file that is readable when the run has ended.
        """
        selector = selectors.DefaultSelector()
        selector.register(run, selectors.EVENT_READ)
        selector.register(self.listening, selectors.EVENT_READ)
        while not self.closed or self.children:
            for key, _ in selector.select():
                if key.data is not None:
                    self._end(key.data, key.fileobj, selector)
                elif key.fileobj == run:
                    selector.unregister(run)
                    self._close(selector)
                elif not self.closed and (asked := self._answer(selector)) is not None:
                    selector.close()
                    os.close(run)
                    return asked
        os._exit(0)

    def _close(self, selector: selectors.BaseSelector) -> None:
        """Fork no more; whoever connects from now on is refused, and starts a process like this one anew."""
        if not self.closed:
            selector.unregister(self.listening)
            self.listening.close()
            self.closed = True

    def _answer(self, selector: selectors.BaseSelector) -> Mapping[str, Any] | None:
        """Fork for the next one who asks; what was asked is returned in the child alone."""
        client, _ = self.listening.accept()
        files: list[int] = []
        try:
            client.settimeout(10)
            _, user, _ = struct.unpack("3i", client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
            if user != os.getuid():
                raise ValueError("another user")
            asked, files = receive(client)
            if changed(self.files):
                self._close(selector)
            if reason := self._why_not(client, asked):
                print(reason, file=sys.stderr)
                client.sendall(_line(refused=reason))
                client.close()
                return None
            parent = os.getpid()
            pid = os.fork()
            if pid == 0:
                try:
                    self._become_child(parent, client, files)
                except BaseException as error:
                    # It must not go on as a second process that forks.
                    print(repr(error), file=sys.stderr)
                    os._exit(1)
                return asked
            child = Child(pid, os.pidfd_open(pid), client)
            self.children.append(child)
            selector.register(child.handle, selectors.EVENT_READ, child)
            selector.register(client, selectors.EVENT_READ, child)
            socket.send_fds(client, [_line(pid=pid)], [child.handle])
        except (OSError, ValueError, RecursionError) as error:
            print(repr(error), file=sys.stderr)
            # Who asked is gone, or asks for what cannot be done. If there is a child, the closed connection ends it.
            if all(child.client is not client for child in self.children):
                with suppress(OSError):
                    client.sendall(_line(refused=repr(error)))
                client.close()
        finally:
            for file in files:
                with suppress(OSError):
                    os.close(file)
        return None

    def _why_not(self, client: socket.socket, asked: Mapping[str, Any]) -> str:
        if self.closed:
            return "what was imported has changed"
        if _lasting(asked["environment"]) != _lasting(self.environment):
            return "another environment"
        if len(os.listdir("/proc/self/task")) != 1:  # noqa: PTH208 - names alone are counted
            return "more than one thread"
        if any(name.partition(".")[0] == "taskneurons" for name in sys.modules):
            return "code of the project was imported"
        # It may have lost patience while this process imported.
        client.setblocking(False)
        with suppress(BlockingIOError):
            return "more than one request" if client.recv(1) else "gone"
        client.setblocking(True)
        return ""

    def _become_child(self, parent: int, client: socket.socket, files: list[int]) -> None:
        # The job must not outlive this process: nobody would know how it ended.
        ctypes.CDLL(None).prctl(_DIES_WITH_PARENT, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        # A group of its own: a signal reaches it once, through the process that waits for it.
        os.setpgid(0, 0)
        for number, handler in self.handlers.items():
            signal.signal(number, handler)
        self.listening.close()
        client.close()
        for child in self.children:
            child.client.close()
            os.close(child.handle)
        for number, file in enumerate(files[:3]):
            os.dup2(file, number)
        os.fchdir(files[3])

    def _end(self, child: Child, what: Any, selector: selectors.BaseSelector) -> None:
        """A child has ended, or nobody waits for it any more."""
        if child not in self.children:
            return
        if what is child.client:
            # It said all at the start, so that more from it is its end.
            with suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGKILL)
        _, status = os.waitpid(child.pid, 0)
        self.children.remove(child)
        selector.unregister(child.handle)
        selector.unregister(child.client)
        os.close(child.handle)
        with suppress(OSError):
            child.client.sendall(_line(status=os.waitstatus_to_exitcode(status)))
        child.client.close()


def receive(client: socket.socket) -> tuple[Mapping[str, Any], list[int]]:
    """What a process asks for: a line of JSON, and its input, output, error output and folder as open files.

    Raises:
        ValueError: it says something else.
        RecursionError: its JSON is nested too deeply.
    """
    text, files, _, _ = socket.recv_fds(client, 65_536, 4)
    try:
        while not text.endswith(b"\n"):
            more = client.recv(65_536)
            if not more or len(text) > MOST_BYTES:
                raise ValueError("not a whole request")
            text += more
        asked = json.loads(text)
        if len(files) != 4:
            raise ValueError("not four files")
        if not _is_request(asked):
            raise ValueError("not what a job asks for")
    except BaseException:
        for file in files:
            os.close(file)
        raise
    return asked, list(files)


def _is_request(asked: Any) -> bool:
    """Whether it has all that `become` reads, each of its type."""
    if not isinstance(asked, dict) or not isinstance(asked.get("environment"), dict):
        return False
    lists = [asked.get("arguments"), asked.get("path"), list(asked["environment"].values())]
    texts = all(isinstance(one, list) and all(isinstance(text, str) for text in one) for one in lists)
    return texts and bool(asked["arguments"]) and type(asked.get("umask")) is int


def imported_files() -> dict[str, tuple[int, int] | None]:
    """The date and the size of each imported file and of each folder where packages are installed."""
    paths = {str(found) for module in list(sys.modules.values()) if (found := getattr(module, "__file__", None))}
    paths |= {path for path in sys.path if path.endswith("-packages")}
    return {path: _state(path) for path in paths}


def changed(files: Mapping[str, tuple[int, int] | None]) -> bool:
    """Whether a file has another date or size than before."""
    return any(_state(path) != state for path, state in files.items())


def _state(path: str) -> tuple[int, int] | None:
    try:
        stat = os.stat(path)  # noqa: PTH116 - thousands of them before each fork
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size


def _lasting(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name not in OF_THE_SHELL}


def _line(**content: Any) -> bytes:
    return json.dumps(content).encode() + b"\n"


def main() -> None:
    """Import, then fork for whoever asks; in a child, do what the script says.

    Arguments of the command are the number of the open socket and the process whose end ends the run.
    """
    listening, run = socket.socket(fileno=int(sys.argv[1])), os.pidfd_open(int(sys.argv[2]))
    environment = dict(os.environ)
    handlers: dict[int, Any] = {number: signal.signal(number, signal.SIG_IGN) for number in HELD_OFF}
    for name in MODULES:
        # A version without this module, or a package that is not installed: jobs import what they need.
        with suppress(ImportError):
            importlib.import_module(name)
    gc.collect()
    # Children share these objects, which none of them will ever free.
    gc.freeze()
    sys.stdout.flush()
    become(Server(listening, environment, imported_files(), handlers).serve(run))


def become(asked: Mapping[str, Any]) -> None:
    """Run the script of a job as Python would have run it in the process that asked."""
    for name in OF_THE_SHELL:
        os.environ.pop(name, None)
    os.environ.update({name: asked["environment"][name] for name in OF_THE_SHELL if name in asked["environment"]})
    os.umask(asked["umask"])
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.argv, sys.path = list(asked["arguments"]), list(asked["path"])
    importlib.invalidate_caches()
    path = Path(sys.argv[0]).absolute()
    script = ModuleType("__main__")
    script.__dict__["__file__"] = str(path)
    sys.modules["__main__"] = script
    exec(compile(path.read_bytes(), str(path), "exec"), script.__dict__)


if __name__ == "__main__":
    main()
