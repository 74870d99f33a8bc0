"""Runs on a cluster, as users start them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import pytest
from daemons import Cluster, wait_for
from projects import Project

MODEL = "results/models/mine/small/seed1/model.txt"
TRAIN = "train_model_mine_small"
PROFILE = "profiles/slurm"
SNAKEMAKE = ("snakemake", "--workflow-profile", PROFILE)


# On a busy machine a job takes a minute, of which it works for a second.
LONG = 600.0
_runs: "list[Run]" = []


class Run:
    """A run on a cluster, as a user starts it.

    Args:
        project: its folder.
        arguments: of the program.
        program: a module and what it is always given.
        environment: what is added to that of the project.
    """

    def __init__(
        self, project: Project, *arguments: str, program: tuple[str, ...] = SNAKEMAKE, **environment: str
    ) -> None:
        # A cluster of one machine answers at once.
        profile = project.path(f"{PROFILE}/config.yaml")
        profile.write_text(profile.read_text().replace("status-checks: 20", "status-checks: 1"))
        self.project, self.log = project, project.path("run.log")
        with self.log.open("w") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *program, *arguments],
                cwd=project.folder,
                env=on_cluster(project) | environment,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        _runs.append(self)

    def said(self) -> str:
        """What it printed so far."""
        return self.log.read_text()

    def ends(self, *, ok: bool, seconds: float = LONG) -> str:
        """Wait for its end; what it printed."""
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            pytest.fail(f"the run did not end in {seconds} s:\n{self.said()[-4000:]}")
        assert (status == 0) == ok, self.said()[-6000:]
        return self.said()

    def kill(self) -> None:
        """Kill the controller and what it started here; jobs on the cluster live on."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def on_cluster(project: Project) -> dict[str, str]:
    """The environment of a project, with the executor plugin wherever it is installed."""
    spec = find_spec("snakemake_executor_plugin_slurm")
    assert spec and spec.origin
    paths = [project.environment["PYTHONPATH"], str(Path(spec.origin).parents[1])]
    return project.environment | {"PYTHONPATH": os.pathsep.join(paths)}


@contextmanager
def drained(cluster: Cluster) -> Iterator[None]:
    """Within the block no node takes a job."""
    cluster.drain()
    try:
        yield
    finally:
        cluster.resume()


def lone(project: Project) -> Project:
    """One model alone is to be made."""
    project.path(MODEL).unlink()
    return project


def cancelled(cluster: Cluster, project: Project, *arguments: str) -> str:
    """What a run says whose only job somebody cancels."""
    run = Run(lone(project), "--retries", "0", *arguments, MODEL, TOY_SLEEPS="1")
    wait_for(lambda: "RUNNING" in cluster.jobs().values(), "the job", LONG)
    cluster.ask("scancel", *cluster.jobs())
    return run.ends(ok=False)


def end_runs() -> None:
    """Kill every run that was started and what it started here."""
    while _runs:
        run = _runs.pop()
        run.kill()
        # `taskneurons results` starts Snakemake in a session of its own.
        for place in Path("/proc").glob("[0-9]*/cwd"):
            with suppress(OSError):
                if place.readlink() == run.project.folder:
                    os.kill(int(place.parent.name), signal.SIGKILL)
