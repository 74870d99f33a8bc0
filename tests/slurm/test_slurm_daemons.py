"""A cluster with real daemons: failed, cancelled, waiting and stopped jobs, and a controller that dies.

The toy workflow stands for the real one where only the machinery is asked for; the training that is stopped is real.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

import pytest
from daemons import ACCOUNT, MEMORY, Cluster, wait_for
from projects import Project, lay

pytestmark = pytest.mark.slurm

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


@pytest.fixture(autouse=True)
def nothing_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """No run and no job of one test meets the next."""
    yield
    while _runs:
        run = _runs.pop()
        run.kill()
        # `taskneurons results` starts Snakemake in a session of its own.
        for place in Path("/proc").glob("[0-9]*/cwd"):
            with suppress(OSError):
                if place.readlink() == run.project.folder:
                    os.kill(int(place.parent.name), signal.SIGKILL)
    for name in ("plain", "accounted"):
        if name in request.fixturenames:
            request.getfixturevalue(name).clear()


def lone(project: Project) -> Project:
    """One model alone is to be made."""
    project.path(MODEL).unlink()
    return project


def results(project: Project) -> dict[str, bytes]:
    return {
        str(path.relative_to(project.folder)): path.read_bytes()
        for path in sorted(project.path("results").rglob("*"))
        if path.is_file() and path.name != ".gitignore"
    }


def test_a_run_on_a_cluster_has_the_bytes_of_a_local_one_and_true_records(plain: Cluster, made, toy) -> None:
    for folder in ("models/mine/small/seed1", "neurons/mine/small/seed1", "tables", "figures"):
        shutil.rmtree(toy.path(f"results/{folder}"))
    again = {output for output in made.lines() if not toy.path(output).exists()}
    said = Run(toy, program=("taskneurons.cli", "results", "--profile", PROFILE)).ends(ok=True)
    assert "Made 5 jobs" in said
    (log,) = toy.path("logs").glob("results-*.log")
    assert log.read_text().count("has been submitted with SLURM jobid") == 1 + 2, "tables and figures are made here"
    assert results(toy) == results(made)
    assert toy.planned() == {}
    here, there = made.lines(), toy.lines()
    assert here.keys() == there.keys()
    for output, line in there.items():
        assert datetime.fromisoformat(line["started"]) <= datetime.fromisoformat(line["ended"])
        on_node = output in again and output.startswith(("results/models", "results/neurons"))
        assert line.get("node") == ("n1" if on_node else None), output
        assert line["software"] == here[output]["software"]
    assert toy.taskneurons("audit", ok=None) == made.taskneurons("audit", ok=None)


def test_a_job_that_fails_is_submitted_once_more(plain: Cluster, toy: Project) -> None:
    lone(toy).path("fails").touch()
    said = Run(toy, MODEL, TOY_FAILS_ONCE=str(toy.path("fails"))).ends(ok=True)
    assert "the toy fails once" in said
    assert said.count("has been submitted with SLURM jobid") == 2


def cancelled(cluster: Cluster, project: Project, *arguments: str) -> str:
    """What a run says whose only job somebody cancels."""
    run = Run(lone(project), "--retries", "0", *arguments, MODEL, TOY_SLEEPS="1")
    wait_for(lambda: "RUNNING" in cluster.jobs().values(), "the job", LONG)
    cluster.ask("scancel", *cluster.jobs())
    return run.ends(ok=False)


def test_a_cancelled_job_is_seen(plain: Cluster, toy: Project) -> None:
    assert "SLURM status is: 'CANCELLED'" in cancelled(plain, toy)
    assert Run(toy, MODEL).ends(ok=True)


def test_a_controller_that_dies_leaves_its_pending_jobs_known(plain: Cluster, toy: Project) -> None:
    """And a drained node is waited for; what the job made after the death of its run is believed or made again."""
    run = Run(lone(toy), MODEL)
    with drained(plain):
        wait_for(lambda: "PENDING" in plain.jobs().values(), "the waiting job", LONG)
        run.kill()
        (job,) = plain.jobs()
        sentence = f"has ended, and jobs of it still wait or work under SLURM: {job} (PENDING)"
        locks = list(toy.path(".snakemake/locks").iterdir())
        for said in (
            toy.snakemake(MODEL, ok=False),
            toy.snakemake("-n", MODEL, ok=False),
            toy.taskneurons("recover", ok=False),
        ):
            assert sentence in said
            assert "scancel --name" in said
        assert list(toy.path(".snakemake/locks").iterdir()) == locks, "nothing was cleared"
    wait_for(lambda: not plain.jobs(), "the end of the job", LONG)
    assert toy.path(MODEL).read_bytes()
    said = Run(toy).ends(ok=True)
    assert f"process {run.process.pid} was killed" in said
    assert toy.planned() == {}


def test_a_controller_that_cannot_ask_clears_nothing(plain: Cluster, toy: Project) -> None:
    run = Run(lone(toy), MODEL)
    with drained(plain):
        wait_for(lambda: "PENDING" in plain.jobs().values(), "the waiting job", LONG)
        run.kill()
        asked = toy.snakemake("-n", MODEL, ok=False, SLURM_CONF="/nowhere")
    assert "SLURM does not say whether jobs of it still wait or work" in asked
    plain.clear()
    assert toy.planned(MODEL) == {TRAIN: 1}


def test_a_job_that_no_node_can_hold_is_refused_before_any_is_submitted(plain: Cluster, toy: Project) -> None:
    shutil.rmtree(toy.path("results/data"))
    said = Run(toy, "--set-resources", f"{TRAIN}:mem_mb={MEMORY + 1}").ends(ok=False)
    assert f"{MEMORY + 1:,} MB of memory, and there are {MEMORY:,}" in said
    assert "submitted" not in said
    assert not toy.path("results/data/mine/vocabulary.txt").exists()


BASE = "results/models/mine/small/seed0/base/model.safetensors"


def trained(folder: Path, steps: int) -> tuple[Project, Project]:
    """A project whose base is trained here, and one where it is still to be trained, half a second a step."""
    project = lay(folder / "here", seeds=[0], tasks_per_job="all")
    project.edit("params.yaml", "steps: 3\n", f"steps: {steps}\n")
    project.snakemake("results/models/mine/small/tokenizer/tokenizer.json")
    slow = project.copy(folder / "slow")
    project.snakemake(BASE)
    step = "bar.update(); time.sleep(0.5); print(end='.', file=open('steps', 'a'))"
    slow.edit("src/taskneurons/engine/training.py", "bar.update()", step)
    return project, slow


def test_a_training_that_reaches_its_limit_goes_on_with_the_same_bits(plain: Cluster, tmp_path: Path) -> None:
    # Four minutes of training, so that four minutes with the start of the job are not enough.
    here, slow = trained(tmp_path, steps=480)
    limit = ("--set-resources", "pretrain_model:runtime=4")
    assert "SLURM status is: 'FAILED'" in Run(slow, *limit, "--retries", "0", BASE).ends(ok=False)
    assert list(slow.path(".taskneurons/resume").rglob("*.safetensors")), "it wrote what it had done"
    assert not slow.path(BASE).exists()
    assert slow.planned(BASE) == {"pretrain_model": 1}
    Run(slow, *limit, "--retries", "4", BASE).ends(ok=True)
    assert slow.path(BASE).read_bytes() == here.path(BASE).read_bytes()
    assert len(slow.path("steps").read_text()) == 480, "no step was done twice"
    assert not list(slow.path(".taskneurons/resume").rglob("*.safetensors"))


def test_a_training_that_is_preempted_goes_on_with_the_same_bits(plain: Cluster, tmp_path: Path) -> None:
    """SLURM puts it back by itself; its run sees one job."""
    here, slow = trained(tmp_path, steps=60)
    run = Run(slow, BASE)
    wait_for(slow.path("steps").exists, "the training", LONG)
    (job,) = plain.jobs()
    plain.ask("scontrol", "requeue", job)
    resume = slow.path(".taskneurons/resume")
    wait_for(lambda: list(resume.rglob("*.safetensors")), "the resume file", 60)
    assert run.ends(ok=True).count("has been submitted with SLURM jobid") == 1
    assert slow.path(BASE).read_bytes() == here.path(BASE).read_bytes()
    assert len(slow.path("steps").read_text()) == 60, "no step was done twice"


def test_a_cancelled_job_is_seen_where_accounts_are_kept(accounted: Cluster, toy: Project) -> None:
    """By default the plugin asks sacct there, which says `CANCELLED by 0`: this run would never end."""
    assert "SLURM status is: 'CANCELLED'" in cancelled(accounted, toy)


def test_an_account_that_does_not_exist_is_refused_with_those_that_do(accounted: Cluster, toy: Project) -> None:
    run = Run(lone(toy), "--default-resources", "slurm_account=nobody", "--", MODEL)
    said = run.ends(ok=False)
    assert f"you have no account nobody on this cluster. Name one of yours: {ACCOUNT}" in said
    assert "submitted" not in said
    assert Run(toy, "--default-resources", f"slurm_account={ACCOUNT}", "--", MODEL).ends(ok=True)
