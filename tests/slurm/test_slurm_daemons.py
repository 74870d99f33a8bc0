"""A cluster with real daemons: failed, cancelled, waiting and stopped jobs, and a controller that dies.

The toy workflow stands for the real one where only the machinery is asked for; the training that is stopped is real.
"""

import shutil
from datetime import datetime
from pathlib import Path

import pytest
from daemons import MEMORY, Cluster, wait_for
from projects import Project, lay
from runs import LONG, MODEL, PROFILE, TRAIN, Run, cancelled, drained, lone

pytestmark = pytest.mark.slurm


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
    assert "Made " in said
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
    fails = lone(toy).path("fails")
    fails.touch()
    said = Run(toy, MODEL, TOY_FAILS_ONCE=str(fails)).ends(ok=True)
    assert not fails.exists()
    assert said.count("has been submitted with SLURM jobid") == 2


def test_a_cancelled_job_is_seen(plain: Cluster, toy: Project) -> None:
    assert "SLURM status is: 'CANCELLED'" in cancelled(plain, toy)
    assert Run(toy, MODEL).ends(ok=True)


def test_a_controller_that_dies_leaves_its_pending_jobs_known(plain: Cluster, toy: Project) -> None:
    """And a drained node is waited for; what the job made after the death of its run is believed."""
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
    said = toy.snakemake("-n", MODEL)
    assert f"process {run.process.pid} was killed" in said
    assert "Nothing to be done" in said


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


def test_a_job_does_nothing_on_a_node_with_another_version(plain: Cluster, toy: Project) -> None:
    run = Run(lone(toy), "--retries", "0", MODEL)
    with drained(plain):
        wait_for(lambda: "PENDING" in plain.jobs().values(), "the waiting job", LONG)
        # What the node reads is not what the run was started with.
        toy.edit("src/taskneurons/studies/toy/models.py", '" ".join(made_of)', '"-".join(made_of)')
    assert "node n1: this node has another version of taskneurons" in run.ends(ok=False)
    assert not toy.path(MODEL).exists()


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


def resume_files(project: Project) -> list[Path]:
    """What stopped trainings left, whole."""
    found = project.path(".taskneurons/resume").rglob("*")
    return [path for path in found if path.is_file() and not path.name.endswith(".partial")]


def test_a_training_that_reaches_its_limit_goes_on_with_the_same_bits(plain: Cluster, tmp_path: Path) -> None:
    # The training takes longer than what is left of three minutes when SLURM tells it to stop.
    here, slow = trained(tmp_path, steps=300)
    limit = ("--set-resources", "pretrain_model:runtime=3")
    assert "it was told to stop" in Run(slow, *limit, "--retries", "0", BASE).ends(ok=False)
    assert resume_files(slow), "it wrote what it had done"
    assert not slow.path(BASE).exists()
    assert slow.planned(BASE) == {"pretrain_model": 1}
    Run(slow, *limit, "--retries", "4", BASE).ends(ok=True)
    assert slow.path(BASE).read_bytes() == here.path(BASE).read_bytes()
    assert len(slow.path("steps").read_text()) == 300, "no step was done twice"
    assert not resume_files(slow)


def test_a_training_that_is_preempted_goes_on_with_the_same_bits(plain: Cluster, tmp_path: Path) -> None:
    """SLURM puts it back by itself; its run sees one job."""
    here, slow = trained(tmp_path, steps=60)
    run = Run(slow, BASE)
    wait_for(slow.path("steps").exists, "the training", LONG)
    (job,) = plain.jobs()
    plain.ask("scontrol", "requeue", job)
    wait_for(lambda: resume_files(slow), "the resume file", 60)
    assert run.ends(ok=True).count("has been submitted with SLURM jobid") == 1
    assert slow.path(BASE).read_bytes() == here.path(BASE).read_bytes()
    assert len(slow.path("steps").read_text()) == 60, "no step was done twice"
