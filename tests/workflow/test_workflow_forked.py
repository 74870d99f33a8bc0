"""A job that a fork does is the job that an ordinary process does."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from projects import ROOT, Project

from taskneurons.workflow import amounts, forked, preloaded

MODEL = {"mem_mb": 8000, "gpu": 0}
SCRIPT = """
import json, os, sys, time
sys.path.insert(0, {library!r})
from taskneurons.workflow.forked import run_in_fork
run_in_fork({resources!r})
said = {{
    "forked": "marker" in sys.modules, "folder": os.getcwd(), "arguments": sys.argv,
    "main": sys.modules["__main__"].__file__,
    "environment": {{k: v for k, v in os.environ.items() if k not in ("_", "PWD", "OLDPWD", "SHLVL")}},
    "read": sys.stdin.read(), "umask": os.umask(0o22),
    "project": sorted(name for name in sys.modules if name.startswith("taskneurons")),
    "variable": os.environ.get({variable!r}),
}}
import marker
said["marker"] = marker.VALUE
print(json.dumps(said))
print("warned", file=sys.stderr)
{body}
"""


@dataclass
class Runs:
    """A folder of a run, whose forks are made by a process that imported one small module in place of torch."""

    folder: Path

    def start(self, body: str = "", resources=MODEL, run: int | None = None, **environment: str) -> subprocess.Popen:
        script = self.folder / "job.py"
        library = str(self.folder / "library")
        script.write_text(SCRIPT.format(library=library, resources=resources, variable=forked.VARIABLE, body=body))
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TASKNEURONS")}
        kept |= {"PYTHONPATH": str(self.folder / "site-packages")} | environment
        if run is not None:
            kept[forked.VARIABLE] = str(run)
        return subprocess.Popen(
            [sys.executable, "job.py", "one"],
            cwd=self.folder,
            env=kept,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments, status: int = 0, **named) -> tuple[dict, str]:
        process = self.start(*arguments, **named)
        out, error = process.communicate("typed", timeout=60)
        assert process.returncode == status, error
        return json.loads(out.splitlines()[0]), error

    def forking(self) -> list[int]:
        """Processes that fork for this folder, or are forks."""
        own = str(self.folder / "library" / "taskneurons" / "workflow" / "preloaded.py")
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if own in path.read_text().split("\0"):
                    found.append(int(path.parent.name))
            except OSError:
                continue
        return sorted(found)

    def wait_for(self, name: str) -> str:
        path = self.folder / name
        end = time.monotonic() + 60
        while not (path.is_file() and path.read_text()):
            assert time.monotonic() < end
            time.sleep(0.02)
        return path.read_text()


def ask(run: int, text: bytes, files: list[int]) -> tuple[dict, socket.socket]:
    """Ask the process that forks for a run in other words than a job; its first answer, and the connection."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(60)
    connection.connect(f"\0taskneurons-{os.getuid()}-{run}-{os.environ.get('OMP_NUM_THREADS', '')}")
    socket.send_fds(connection, [text + b"\n"], files)
    said, handles, _, _ = socket.recv_fds(connection, 4096, 1)
    for handle in handles:
        os.close(handle)
    return json.loads(said.splitlines()[0]), connection


def until(condition) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    own = tmp_path / "library" / "taskneurons" / "workflow"
    own.mkdir(parents=True)
    (tmp_path / ".taskneurons").mkdir()
    for package in (own, own.parent):
        (package / "__init__.py").touch()
    for module in (amounts, forked, preloaded):
        text = Path(module.__file__).read_text()
        (own / Path(module.__file__).name).write_text(
            re.sub(r"(?s)\nMODULES = \(.*?\n\)", '\nMODULES = ("marker",)', text)
        )
    (tmp_path / "site-packages").mkdir()
    (tmp_path / "site-packages" / "marker.py").write_text("VALUE = 1\n")
    return Runs(tmp_path)


@pytest.fixture
def leader():
    """The process that leads the run; its end ends the run."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process
    process.kill()
    process.wait()


def test_a_fork_is_as_the_process_that_asked(runs: Runs, leader):
    ordinary, said = runs.run("sys.exit(3)", status=3)
    fork, same = runs.run("sys.exit(3)", status=3, run=leader.pid)
    assert (ordinary.pop("forked"), fork.pop("forked")) == (False, True)
    # The fork has not imported what its process needed to ask for it; it imports the code that lies there by itself.
    assert fork == ordinary and same == said
    assert fork["read"] == "typed" and fork["variable"] is None


def test_each_fork_is_new_and_the_end_of_the_run_ends_the_process_that_makes_them(runs: Runs, leader):
    assert [runs.run(run=leader.pid)[0]["forked"] for _ in range(2)] == [True, True]
    assert len(runs.forking()) == 1
    leader.kill()
    leader.wait()
    until(lambda: not runs.forking())


@pytest.mark.parametrize(
    "others", [{"resources": {"mem_mb": 8000, "gpu": 1}}, {"resources": {"mem_mb": 1000}}, {"resources": {}}]
)
def test_jobs_on_a_gpu_and_jobs_that_run_no_model_are_not_handed_over(runs: Runs, leader, others):
    assert not runs.run(run=leader.pid, **others)[0]["forked"]
    assert not runs.forking()


def test_another_environment_is_not_handed_over(runs: Runs, leader):
    assert runs.run(run=leader.pid)[0]["forked"]
    said, _ = runs.run(run=leader.pid, MKL_CBWR="COMPATIBLE")
    assert not said["forked"] and said["environment"]["MKL_CBWR"] == "COMPATIBLE"


def test_a_changed_installation_is_imported_anew(runs: Runs, leader):
    assert runs.run(run=leader.pid)[0]["marker"] == 1
    (runs.folder / "site-packages" / "marker.py").write_text("VALUE = 22\n")
    said = [runs.run(run=leader.pid)[0] for _ in range(2)]
    assert [one["marker"] for one in said] == [22, 22]
    assert said[1]["forked"]
    # The process that took over has kept what the one before said.
    assert "what was imported has changed" in (runs.folder / forked.LOG).read_text()


def test_the_log_is_that_of_one_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(forked.VARIABLE, "")
    forked.FOLDER.mkdir()
    forked.LOG.write_text("more than one thread\n")
    forked.offer(local=True)
    assert not forked.LOG.exists()
    forked.offer(local=True)


@pytest.mark.parametrize(
    "asked",
    [
        b"no JSON",
        b"[" * 100_000,
        b"[]",
        b"{}",
        b'{"environment": [], "arguments": ["a"], "path": [], "umask": 2}',
        b'{"environment": {"A": 1}, "arguments": ["a"], "path": [], "umask": 2}',
        b'{"environment": {}, "arguments": [], "path": [], "umask": 2}',
        b'{"environment": {}, "arguments": ["a"], "path": [], "umask": "2"}',
    ],
    ids=lambda asked: asked[:70].decode(),
)
def test_who_asks_for_no_job_is_told_so_and_jobs_are_done_as_before(runs: Runs, leader, asked):
    runs.run(run=leader.pid)
    before = runs.forking()
    said, connection = ask(leader.pid, asked, [0, 1, 2, 0])
    connection.close()
    assert said.keys() == {"refused"}
    assert runs.run(run=leader.pid)[0]["forked"]
    assert runs.forking() == before and len(before) == 1


def test_a_fork_that_cannot_become_its_job_ends(runs: Runs, leader):
    said, _ = runs.run(run=leader.pid)
    before = runs.forking()
    asked = {"environment": said["environment"], "arguments": ["job.py"], "path": [], "umask": 2}
    # The last file is the folder of the job, and this one is none.
    with (runs.folder / "job.py").open() as no_folder, (runs.folder / "said").open("w") as out:
        files = [no_folder.fileno(), out.fileno(), out.fileno(), no_folder.fileno()]
        answer, connection = ask(leader.pid, json.dumps(asked).encode(), files)
    assert answer["pid"] not in before
    with connection:
        assert json.loads(connection.recv(4096)) == {"status": 1}
    assert "NotADirectoryError" in (runs.folder / "said").read_text()
    assert runs.forking() == before and len(before) == 1


BUSY = "open('pids', 'a').write(str(os.getpid()) + ' '); time.sleep({seconds}); open('done', 'w').write('done')"


def test_a_kill_of_the_job_kills_the_fork(runs: Runs, leader):
    process = runs.start(BUSY.format(seconds=60), run=leader.pid)
    process.stdin.close()
    fork = int(runs.wait_for("pids"))
    assert fork != process.pid
    process.kill()
    process.wait()
    until(lambda: fork not in runs.forking())


def test_a_signal_reaches_the_fork_once_and_its_status_comes_back(runs: Runs, leader):
    body = "import signal; signal.signal(15, lambda *_: open('heard', 'a').write('x') and None)\n"
    body += "open('pids', 'w').write('ready'); time.sleep(1); time.sleep(1); os.kill(os.getpid(), 10)"
    process = runs.start(body, run=leader.pid)
    process.stdin.close()
    runs.wait_for("pids")
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == -signal.SIGUSR1
    assert runs.wait_for("heard") == "x"


def test_where_the_process_that_forks_dies_the_job_is_done_by_its_own(runs: Runs, leader):
    process = runs.start(BUSY.format(seconds=1), run=leader.pid)
    process.stdin.close()
    fork = int(runs.wait_for("pids"))
    (server,) = set(runs.forking()) - {fork}
    os.kill(server, signal.SIGKILL)
    assert process.wait(timeout=60) == 0
    assert (runs.folder / "pids").read_text().split() == [str(fork), str(process.pid)]
    assert not runs.forking()


def test_records_are_the_same_whoever_does_the_job(made_toy: Project, fresh_toy: Project):
    assert made_toy.path(".taskneurons/forks.log").read_text() == "", "a job was refused"
    fresh_toy.edit("Snakefile", "forked.offer(local=workflow.local_exec and not containers.asked(workflow))", "pass")
    fresh_toy.snakemake("neurons")
    assert not list(fresh_toy.path(".taskneurons").glob("forks*"))
    measured = {"started", "ended", "memory", "cpu_seconds"}
    made, ordinary = (
        {name: {key: line[key] for key in line.keys() - measured} for name, line in project.lines().items()}
        for project in (made_toy, fresh_toy)
    )
    assert {name: made[name] for name in ordinary} == ordinary and ordinary


def test_what_jobs_import_is_imported_before():
    # A version of a library may move its modules; then each job would import them again, in its own time.
    code = (
        "import importlib, sys, time\n"
        f"for name in {preloaded.MODULES!r}: importlib.import_module(name)\n"
        "before = set(sys.modules)\n"
        "import taskneurons.studies.layers.measure, taskneurons.studies.continual.measure\n"
        "print(sorted(name for name in set(sys.modules) - before if not name.startswith('taskneurons')))"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    said = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
