"""Kills, half-written files, second runs, edited results: nothing wrong is believed, nothing finished is redone."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from projects import Project

TRAIN = "train_model_mine_small"
SCORES = {"score_neurons_mine_small_colour": 2, "score_neurons_mine_small_echo": 2}
AFTER_ONE_MODEL = Counter({TRAIN: 1, **dict.fromkeys(SCORES, 1), "tabulate": 1, "draw": 1})


def model(seed):
    return f"results/models/mine/small/seed{seed}/model.txt"


def start(project, **environment):
    """Start a run in a session of its own, as a terminal would."""
    return subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--cores", "2"],
        cwd=project.folder,
        env=project.environment | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def wait_for(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < end, f"{what} did not come"
        time.sleep(0.05)


@contextmanager
def asleep(project: Project) -> Iterator[subprocess.Popen]:
    """A run of which one job, the model of seed 1, does not end, while the rest is made."""
    process = start(project, TOY_SLEEPS="1")
    scores = [project.path(f"results/neurons/mine/small/seed0/{task}.txt") for task in ("colour", "echo")]
    markers = project.path(".snakemake/incomplete")
    # The scores of seed 0 are the last things that can be made; their markers go when they are recorded.
    wait_for(
        lambda: process.poll() is None and all(p.exists() for p in scores) and len(list(markers.glob("*"))) == 1,
        "the scores of seed 0",
    )
    yield process
    for pid in [process.pid, *jobs_of(process.pid)]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.wait()


@pytest.fixture(scope="module")
def living(laid_toy, tmp_path_factory):
    """A run that lives and makes no more; tests may not break its folder."""
    project = laid_toy.copy(tmp_path_factory.mktemp("living") / "project")
    with asleep(project) as process:
        yield project, process


@pytest.fixture(scope="module")
def killed_once(laid_toy, tmp_path_factory):
    """What a killed run left, and its process id."""
    project = laid_toy.copy(tmp_path_factory.mktemp("killed") / "project")
    with asleep(project) as process:
        kill_all(process)
    return project, process.pid


@pytest.fixture
def killed(killed_once, tmp_path):
    """A copy of what a killed run left, and its process id."""
    return killed_once[0].copy(tmp_path / "project"), killed_once[1]


def jobs_of(session):
    """Living processes of a session."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def kill_all(process):
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pid in jobs_of(process.pid):
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not jobs_of(process.pid), "the end of the killed run")


def test_after_a_kill_only_the_unfinished_jobs_run(killed):
    project, _ = killed
    assert not list(project.path("lineage").glob("*.jsonl")), "the killed run could not write records"
    assert project.planned() == AFTER_ONE_MODEL
    project.snakemake()
    assert project.planned() == {}
    assert len(project.lines()) == 2 + 1 + 2 + 4 + 1 + 1


def test_a_dry_run_after_a_kill_records_what_was_finished(killed):
    project, pid = killed
    text = project.snakemake("-n")
    assert f"process {pid} was killed" in text
    assert model(0) in project.lines()
    assert model(1) not in project.lines()


def test_recover_unlocks_after_a_kill_and_says_so(killed):
    project, pid = killed
    half = project.path("results/neurons/mine/small/seed0/.colour.txt.abc.partial")
    half.write_text("hal")
    weights = project.path("results/models/mine/small/.weights.abc.partial")
    weights.mkdir()
    (weights / "model.safetensors").write_text("hal")
    project.path(".dvc/tmp").mkdir(exist_ok=True)
    project.path(".dvc/tmp/rwlock").write_text('{"write": {"x"')
    assert list(project.path(".snakemake/locks").iterdir())
    text = project.taskneurons("recover")
    assert f"process {pid} was killed" in text
    assert "half-written" in text
    assert not half.exists() and not weights.exists()
    assert not project.path(".dvc/tmp/rwlock").exists()
    assert not project.path(".snakemake/locks").exists()
    assert "Nothing" not in text
    assert "killed" not in project.taskneurons("recover")


def test_a_second_run_is_refused_by_the_name_of_the_first(living):
    project, process = living
    for text in [
        project.snakemake(ok=False),
        project.snakemake("-n", ok=False),
        project.snakemake("--unlock", ok=False),
        project.taskneurons("recover", ok=False),
        project.taskneurons("stage", "data", ok=False),
        project.taskneurons("results", ok=False),
    ]:
        assert f"a run is active in this folder: process {process.pid}" in text
        assert "cleanup-metadata" not in text
    assert list(project.path(".snakemake/locks").iterdir())


def test_a_job_that_a_cluster_starts_runs_beside_the_run_that_asked_for_it(living):
    """It reads the workflow, too, but neither claims the folder nor touches records."""
    project, _ = living
    made = project.path("results/data/mine/vocabulary.txt")
    before = made.stat().st_mtime_ns
    job = ["--target-jobs", "make_vocabulary_mine:", "--allowed-rules", "make_vocabulary_mine"]
    project.snakemake("--mode", "remote", "--nolock", "--no-hooks", "--force", *job)
    assert made.stat().st_mtime_ns > before
    assert not list(project.path("lineage").glob("*"))


def test_jobs_that_outlive_their_run_are_named(fresh_toy):
    with asleep(fresh_toy) as process:
        outlive(fresh_toy, process)


def outlive(project, process):
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    (job,) = [pid for pid in jobs_of(process.pid) if "run.py" in Path(f"/proc/{pid}/cmdline").read_text()]
    text = project.snakemake(ok=False)
    assert f"process {process.pid} was killed" in text
    assert str(job) in text
    for pid in jobs_of(process.pid):
        # The end of one may be that of another.
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not jobs_of(process.pid), "the end of the job")
    assert project.planned() == AFTER_ONE_MODEL


def test_a_failed_job_is_never_taken_for_finished(fresh_toy):
    """What it wrote is kept; without `--keep-incomplete` Snakemake deletes it (test_workflow_trust.py, row 10)."""
    text = fresh_toy.snakemake("--keep-incomplete", ok=False, TOY_FAILS="1")
    assert "the toy fails" in text
    assert fresh_toy.path(model(1)).exists()
    assert model(1) not in fresh_toy.lines()
    assert model(0) in fresh_toy.lines(), "what went well is recorded"
    assert fresh_toy.planned() == AFTER_ONE_MODEL
    fresh_toy.snakemake()
    assert fresh_toy.lines()[model(1)]["device"] == "cpu"


def test_a_failed_remake_leaves_the_old_record_and_is_made_again(toy):
    before = toy.lines()
    toy.path(model(1)).write_text("garbage")
    toy.snakemake("--keep-incomplete", ok=False, TOY_FAILS="1")
    assert toy.path(model(1)).read_text() == "half a mod"
    assert toy.lines()[model(1)] == before[model(1)]
    assert toy.planned() == AFTER_ONE_MODEL


def test_an_edited_result_is_made_again_whatever_its_date(toy):
    path = toy.path(model(0))
    stat = path.stat()
    path.write_text(path.read_text().swapcase())
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert toy.planned() == AFTER_ONE_MODEL


def test_an_edited_result_of_a_job_without_inputs_is_made_again(toy):
    toy.path("results/data/mine/vocabulary.txt").write_text("z\n")
    planned = toy.planned()
    assert planned["make_vocabulary_mine"] == 1
    assert planned[TRAIN] == 2


def test_a_file_that_nobody_recorded_is_no_result(fresh_toy):
    path = fresh_toy.path(model(0))
    path.parent.mkdir(parents=True)
    path.write_text("from elsewhere")
    planned = fresh_toy.planned()
    assert planned[TRAIN] == 2
    assert path.read_text() == "from elsewhere", "a dry run changes no content"


def test_a_corrupt_object_of_the_dvc_cache_is_refused(broken):
    good = broken.path(model(0)).read_bytes()
    (cached,) = [p for p in broken.path(".dvc/cache/files").rglob("*") if p.is_file() and p.read_bytes() == good]
    cached.chmod(0o644)
    cached.write_text("rotten")
    shutil.rmtree(broken.path("results/models"))
    shutil.rmtree(broken.path(".dvc/tmp"))
    broken.dvc("checkout", "results/models")
    assert broken.path(model(0)).read_text() == "rotten", "DVC checks it out"
    text = " ".join(broken.taskneurons("audit", ok=False).split())
    assert f"{model(0)}: its bytes are not the recorded ones" in text
    assert f"object of DVC's cache is corrupt; {model(0)} would be checked out from it" in text
    assert broken.planned() == AFTER_ONE_MODEL


def test_touching_results_up_to_date_is_refused(toy):
    toy.edit("params.yaml", "dpi: 60", "dpi: 61")
    assert "--touch" in toy.snakemake("--touch", ok=False)
    assert toy.planned() == {"draw": 1}


def test_dropping_the_metadata_convinces_nobody(toy):
    toy.edit("params.yaml", "dpi: 60", "dpi: 61")
    toy.snakemake("--cleanup-metadata", "results/figures/deactivation/drops.svg")
    assert toy.planned() == {"draw": 1}


def test_parameters_on_the_command_line_are_refused(toy):
    text = toy.snakemake("-n", "--config", "token=abc", ok=False)
    assert "parameters are not given on the command line: token" in text
    assert "params.yaml" in text


def test_records_that_the_lineage_does_not_see_are_refused(toy):
    assert "--persistence-backend" in toy.snakemake("-n", "--persistence-backend", "db", ok=False)


def test_a_conflict_in_a_record_is_resolved_by_making_the_artifact_again(toy):
    records = toy.path("lineage/deactivation.jsonl")
    (draw,) = [text for text in records.read_text().splitlines() if "drops.svg" in text]
    other = json.loads(draw) | {"code": "0" * 64}
    toy.edit(
        "lineage/deactivation.jsonl",
        draw + "\n",
        f"<<<<<<< HEAD\n{draw}\n=======\n{json.dumps(other, sort_keys=True)}\n>>>>>>> branch\n",
    )
    # Without Snakemake's own records, as in the clone of somebody who merges.
    shutil.rmtree(toy.path(".snakemake"))
    assert toy.planned() == {"draw": 1}
    assert "in conflict" in toy.snakemake("-n")
    toy.snakemake()
    assert "<<<" not in records.read_text()


def test_a_record_that_is_none_is_named_with_its_line(toy):
    with toy.path("lineage/models.jsonl").open("a") as file:
        file.write('{"output": "../../etc/passwd"}\n')
    assert "lineage/models.jsonl:3" in toy.snakemake("-n", ok=False)


def test_what_was_edited_is_not_removed_with_its_task(toy):
    """A task leaves the parameters: what the workflow made of it goes, what somebody wrote stays."""
    edited, other = (toy.path(f"results/neurons/mine/small/seed{seed}/echo.txt") for seed in (0, 1))
    edited.write_text("by hand\n")
    toy.edit("params.yaml", "path: raw/tasks\n    tasks: all", "path: raw/tasks\n    tasks: [colour]")
    text = toy.snakemake()
    assert f"{edited.relative_to(toy.folder)} belongs to nothing any more but was edited: left alone" in text
    assert edited.read_text() == "by hand\n"
    assert not other.exists()
    assert not [output for output in toy.lines() if "echo" in output]


def test_an_input_that_changed_under_an_old_date_is_seen(toy):
    """A copy or a checkout may date a file before everything that was made of its earlier content."""
    raw = "raw/tasks/colour.train.jsonl"
    toy.edit(raw, "red sun 0", "red moon 0")
    os.utime(toy.path(raw), (1e9, 1e9))
    planned = toy.planned()
    assert planned == toy.after(raw)
    assert planned["make_tasks_mine_colour"] == 1
