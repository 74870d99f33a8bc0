"""Attacks on the records, the audit and the plan that once got past; each is tried on a real small run."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import yaml
from projects import Project, commit

RAW = "raw/tasks/echo.train.jsonl"
TABLE = "results/tables/deactivation.csv"
FIGURE = "results/figures/deactivation/drops.svg"
SCORES = {"score_neurons_mine_small_colour": 2, "score_neurons_mine_small_echo": 2}
FROM_SCORES = Counter({**SCORES, "tabulate": 1, "draw": 1})


def model(seed: int) -> str:
    return f"results/models/mine/small/seed{seed}/model.txt"


def scores(seed: int, task: str) -> str:
    return f"results/neurons/mine/small/seed{seed}/{task}.txt"


def audit(project: Project, *options: str) -> list[tuple[str, str, str, str]]:
    """What an audit finds: severity, check, first file, text."""
    done = subprocess.run(
        ["taskneurons", "audit", "--json", *options],
        cwd=project.folder,
        env=project.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    content = json.loads(done.stdout)
    assert done.returncode == content["status"]
    return [(f["severity"], f["check"], f["subjects"][0], f["text"]) for f in content["findings"]]


def found(findings: list[tuple[str, str, str, str]], severity: str, check: str, text: str) -> list[str]:
    """The first files of the findings of a kind that say something."""
    return [path for s, c, path, words in findings if (s, c) == (severity, check) and text in words]


def started(project: Project, **environment: str) -> subprocess.Popen[bytes]:
    log = project.path("run.log").open("w")
    return subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--cores", "2"],
        cwd=project.folder,
        env=project.environment | environment,
        stdout=log,
        stderr=subprocess.STDOUT,
    )


def waiting(project: Project, seed: int) -> Path:
    """The flag of a training that waits until it is removed."""
    flag = project.path(f".taskneurons/resume/results/models/mine/small/seed{seed}/waits-{seed}")
    end = time.monotonic() + 300
    while not flag.exists():
        assert time.monotonic() < end, project.path("run.log").read_text()
        time.sleep(0.05)
    return flag


@pytest.fixture(scope="module")
def certified(made_toy: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The toy workflow, everything made, certified by DVC and committed."""
    project = made_toy.copy(tmp_path_factory.mktemp("certified") / "project")
    project.git("init", "-q")
    project.taskneurons("stages")
    project.dvc("repro", "-q")
    commit(project, "Make everything")
    return project


@pytest.fixture
def broken(certified: Project, tmp_path: Path) -> Project:
    """A copy to break."""
    return certified.copy(tmp_path / "project")


def test_row_1_code_that_is_edited_during_a_run_and_taken_back_makes_no_record(fresh_toy):
    """The scores start while the edit is there, and would be made by it."""
    run = started(fresh_toy, TOY_WAITS="200")
    flags = [waiting(fresh_toy, seed) for seed in (0, 1)]
    fresh_toy.edit("src/taskneurons/toy.py", "len(model)", "len(model) + 1")
    for flag in flags:
        flag.unlink()
    assert run.wait() != 0
    fresh_toy.edit("src/taskneurons/toy.py", "len(model) + 1", "len(model)")
    log = fresh_toy.path("run.log").read_text()
    assert "error: toy.neurons:score_neurons: the code of this job is not the code that was planned" in log
    assert "Traceback" not in log
    assert not [output for output in fresh_toy.lines() if "/neurons/" in output]
    assert model(0) in fresh_toy.lines(), "what its edit does not reach is recorded"
    assert fresh_toy.planned() == FROM_SCORES


def test_row_1_a_job_whose_code_changes_while_it_runs_does_not_finish(fresh_toy):
    run = started(fresh_toy, TOY_WAITS="200")
    flags = [waiting(fresh_toy, seed) for seed in (0, 1)]
    fresh_toy.edit("src/taskneurons/studies/toy/models.py", '" ".join', '"-".join')
    flags[0].unlink()
    end = time.monotonic() + 200
    while "was edited while the run was under way" not in fresh_toy.path("run.log").read_text():
        assert time.monotonic() < end
        time.sleep(0.1)
    fresh_toy.edit("src/taskneurons/studies/toy/models.py", '"-".join', '" ".join')
    flags[1].unlink()
    assert run.wait() != 0
    assert model(0) not in fresh_toy.lines() and model(1) in fresh_toy.lines()


def test_row_2_an_exchange_of_inputs_or_another_entry_makes_the_jobs_again(broken):
    broken.edit(
        "rules/neurons.smk",
        '                model=f"results/models/{run.suite}/{run.model}/seed{{seed}}/model.txt",\n'
        '                tasks=[f"results/data/{run.suite}/tasks/{task}.txt" for task in batch.tasks],\n',
        '                tasks=[f"results/data/{run.suite}/tasks/{task}.txt" for task in batch.tasks],\n'
        '                model=f"results/models/{run.suite}/{run.model}/seed{{seed}}/model.txt",\n',
    )
    assert broken.planned() == FROM_SCORES
    assert found(audit(broken), "warning", "jobs", "now names or orders its inputs and outputs otherwise")
    broken.git("checkout", "-q", "rules")
    assert broken.planned() == {}
    broken.edit("rules/deactivation.smk", 'code("toy.tables:draw")', 'code("toy.tables:tabulate")')
    assert broken.planned() == {"draw": 1}


def test_row_3_an_edit_behind_the_same_size_and_date_is_seen_by_plan_and_audit(broken):
    path = broken.path("src/taskneurons/toy.py")
    stat, known = path.stat(), broken.path(".taskneurons/code.json").read_bytes()
    broken.edit("src/taskneurons/toy.py", "{task} {len", "{task}-{len")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert path.stat().st_size == stat.st_size
    assert found(audit(broken), "warning", "code", "toy.neurons:score_neurons")
    assert broken.planned() == FROM_SCORES
    # A forged cache may deceive a plan; the audit does not read it.
    forged = json.loads(broken.path(".taskneurons/code.json").read_text())
    before = json.loads(known)["modules"]["taskneurons.toy"]["module"]
    forged["modules"]["taskneurons.toy"]["module"] = before
    broken.path(".taskneurons/code.json").write_text(json.dumps(forged))
    assert found(audit(broken), "warning", "code", "toy.neurons:score_neurons")


def test_row_3_a_job_runs_the_code_that_stands_in_its_files(toy):
    """Python would load what it compiled before, where size and date are the old ones."""
    path = toy.path("src/taskneurons/toy.py")
    stat = path.stat()
    toy.edit("src/taskneurons/toy.py", "{task} {len", "{task}-{len")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    toy.snakemake()
    assert toy.path(scores(0, "colour")).read_text().startswith("colour-")


def test_row_5_an_extra_neuron_set_is_found(broken):
    extra = broken.path("results/neurons/mine/small/seed0/extra.txt")
    extra.write_text("better\n")
    assert found(audit(broken), "error", "chain", "no record says what made it") == [
        "results/neurons/mine/small/seed0/extra.txt"
    ]


def test_row_6_an_output_that_changes_before_the_run_ends_is_not_believed(fresh_toy):
    run = started(fresh_toy, TOY_WAITS="200")
    flags = [waiting(fresh_toy, seed) for seed in (0, 1)]
    flags[0].unlink()
    end = time.monotonic() + 200
    while not all(fresh_toy.path(scores(0, task)).exists() for task in ("colour", "echo")):
        assert time.monotonic() < end
        time.sleep(0.1)
    time.sleep(1.5)
    fresh_toy.path(scores(0, "colour")).write_text("forged 99\n")
    flags[1].unlink()
    assert run.wait() == 0
    assert "not what their jobs wrote" in fresh_toy.path("run.log").read_text()
    assert scores(0, "colour") not in fresh_toy.lines() and scores(0, "echo") in fresh_toy.lines()
    assert fresh_toy.planned() == {"score_neurons_mine_small_colour": 1, "tabulate": 1, "draw": 1}


def forge(project: Project, output: str, **changes: object) -> None:
    """Change fields of the record of a job."""
    for path in project.path("lineage").glob("*.jsonl"):
        texts = path.read_text().splitlines()
        for at, text in enumerate(texts):
            job = json.loads(text)
            if output in [one["output"] for one in job["outputs"]]:
                for key, value in changes.items():
                    if key in ("sha256", "size"):
                        job["outputs"] = [
                            one | {key: value} if one["output"] == output else one for one in job["outputs"]
                        ]
                    else:
                        job[key] = value
                texts[at] = json.dumps(job, sort_keys=True, ensure_ascii=False)
        path.write_text("\n".join(texts) + "\n")


def test_row_7_a_table_that_is_changed_with_its_record_is_an_error(broken):
    import hashlib

    text = broken.path(FIGURE).read_text().replace("<text>", "<text>9")
    broken.path(FIGURE).write_text(text)
    forge(broken, FIGURE, sha256=hashlib.sha256(text.encode()).hexdigest(), size=len(text))
    findings = audit(broken)
    assert found(findings, "error", "lock", "although nothing that they depend on changed") == ["dvc.lock"]
    assert not [words for *_, words in findings if "dvc repro` certifies" in words], "no advice certifies it"
    assert found(
        audit(broken, "--against", "HEAD"), "error", "against", "inputs, parameters and code are the same"
    ) == [FIGURE]


@pytest.mark.parametrize(
    ("changes", "severity", "check", "text"),
    [
        ({"size": 7}, "error", "records", "recorded with 7 bytes"),
        ({"rule": "tabulate"}, "error", "records", "which is the rule draw"),
        ({"entry": "toy.tables:tabulate"}, "error", "records", "whose fingerprint is that of toy.tables:draw"),
        ({"started": "2999-01-01T00:00:00+00:00", "ended": "2999-01-01T00:00:01+00:00"}, "error", "records", "to come"),
        ({"device": None}, "error", "records", "does not say on what"),
        ({"software": {}}, "error", "records", "does not say on what"),
        ({"memory": {"host": -1}}, "error", "records", "no memory that a job can have taken"),
        ({"cpu_seconds": -1.0}, "error", "records", "no CPU time that a job can have taken"),
        ({"software": {"python": "3.11.0", "numpy": "1.0"}}, "note", "versions", "made with numpy 1.0"),
        ({"wiring": "0" * 64}, "warning", "jobs", "names or orders"),
    ],
)
def test_row_8_every_field_of_a_record_that_can_be_checked_is(broken, changes, severity, check, text):
    root = json.loads(broken.taskneurons("audit", "--json"))["root"]
    assert audit(broken, "--expect", root, "--against", "HEAD") == []
    forge(broken, FIGURE, **changes)
    findings = audit(broken, "--against", "HEAD")
    assert found(findings, severity, check, text) == [FIGURE]
    assert FIGURE in found(findings, "error", "against", "it was edited") + found(findings, "note", "against", "anew")
    if not set(changes) <= {"started", "ended", "memory", "cpu_seconds"}:
        assert found(audit(broken, "--expect", root), "error", "root", "they are other records")


def test_row_8_versions_are_held_against_the_lock_file(broken):
    import numpy

    broken.path("requirements.lock").write_text(f"numpy=={numpy.__version__}  # a comment\nscipy==0.0.1\n")
    findings = audit(broken)
    assert len(found(findings, "warning", "versions", "requirements.lock pins 0.0.1")) == 1
    assert not found(findings, "warning", "versions", "numpy")


def test_row_9_two_honest_runs_have_equal_bytes_and_one_root_digest(made_toy, laid_toy, tmp_path):
    other = laid_toy.copy(tmp_path / "elsewhere" / "project")
    other.snakemake()
    ours, theirs = made_toy.lines(), other.lines()
    assert {path: line["sha256"] for path, line in ours.items()} == {p: line["sha256"] for p, line in theirs.items()}
    roots = [json.loads(project.taskneurons("audit", "--json"))["root"] for project in (made_toy, other)]
    assert roots[0] == roots[1]
    text = made_toy.taskneurons("compare", str(other.folder))
    assert f"{len(ours)} artifacts: {len(ours)} equal." in text
    other.edit(TABLE, "colour", "color")
    text = " ".join(made_toy.taskneurons("compare", str(other.folder), ok=False).split())
    assert f"{TABLE} line 2, file:" in text
    made_toy.run("taskneurons", "crate", str(tmp_path / "run.zip"))
    assert "equal" in made_toy.taskneurons("compare", str(tmp_path / "run.zip"))


def test_row_10_a_remake_that_fails_leaves_the_good_old_results(toy):
    before = {path: toy.path(path).read_bytes() for path in toy.lines()}
    params = toy.path("params.yaml").read_text()
    toy.edit("params.yaml", "steps: 2", "steps: 3")
    text = toy.snakemake(ok=False, TOY_FAILS="1")
    assert "1 earlier artifacts, whose jobs did not finish, are back" in text
    assert toy.path(model(1)).read_bytes() == before[model(1)]
    assert toy.path(model(0)).read_bytes() != before[model(0)]
    assert toy.planned()["train_model_mine_small"] == 1
    toy.path("params.yaml").write_text(params)
    left = toy.planned()
    assert left["train_model_mine_small"] == 1, "of seed 0 alone: the other was never lost"
    assert not list(toy.path(".taskneurons").glob("kept/*-remade-*"))


def test_row_10_after_a_kill_what_was_to_be_made_again_is_put_back(toy):
    before = toy.path(model(1)).read_bytes()
    params = toy.path("params.yaml").read_text()
    toy.edit("params.yaml", "steps: 2", "steps: 3")
    run = started(toy, TOY_WAITS="200")
    for seed in (0, 1):
        waiting(toy, seed)
    assert not toy.path(model(1)).exists()
    run.kill()
    run.wait()
    for seed in (0, 1):
        waiting(toy, seed).unlink()
    end = time.monotonic() + 100
    while "jobs of it still work" in (text := toy.run("taskneurons", "recover", ok=None)):
        assert time.monotonic() < end, text
        time.sleep(0.5)
    toy.path("params.yaml").write_text(params)
    if toy.path(model(1)).read_bytes() == before:
        assert toy.planned() == {}


def test_row_11_what_is_pruned_can_be_brought_back(toy):
    before = {path: toy.path(path).read_bytes() for path in toy.lines()}
    params = toy.path("params.yaml").read_text()
    toy.edit("params.yaml", "  - 0\n  - 1\n", "  - 0\n")
    text = toy.snakemake(TABLE)
    assert "`taskneurons recover --restore` brings them back" in text
    assert not toy.path(model(1)).exists() and model(1) not in toy.lines()
    assert "3 files (pruned)" in toy.taskneurons("recover")
    toy.path("params.yaml").write_text(params)
    assert "3 artifacts are brought back with their records" in toy.taskneurons("recover", "--restore")
    assert toy.path(model(1)).read_bytes() == before[model(1)]
    assert set(toy.planned()) == {"tabulate", "draw"}, "the model and the scores are what they were"
    assert "are kept" not in toy.taskneurons("recover")


def test_row_11_what_is_kept_can_be_deleted(toy):
    toy.edit("params.yaml", "  - 0\n  - 1\n", "  - 0\n")
    toy.snakemake(TABLE)
    assert "of earlier results are deleted" in toy.taskneurons("recover", "--forget")
    assert "There is nothing to restore" in toy.taskneurons("recover", "--restore")


NEUTRAL = [
    ("src/taskneurons/files.py", "text = io.StringIO()", "buffer = io.StringIO()"),
    ("src/taskneurons/files.py", "def write_text(", "def _unused() -> int:\n    return 1\n\n\ndef write_text("),
    ("src/taskneurons/files.py", '"no such file"', '"there is no such file"'),
    ("src/taskneurons/lineage/machine.py", "facts", "things"),
    ("src/taskneurons/lineage/machine.py", "# What the system counts", "ANOTHER = 1\n# What the system counts"),
    ("src/taskneurons/job.py", "# Nothing", "# Nothing"),
    ("src/taskneurons/toy.py", "-> str", "-> object"),
    ("src/taskneurons/toy.py", '"""The score of a task."""', '"""How a task scores."""'),
    ("src/taskneurons/studies/toy/tables.py", "rows", "found"),
]


def test_row_12_edits_that_change_no_result_plan_no_job_and_a_constant_those_that_reach_it(toy):
    for name, old, new in NEUTRAL:
        path = toy.path(name)
        text = path.read_text()
        if old in text:
            # A local name is replaced everywhere, so that the function still works.
            path.write_text(text.replace(old, new).replace("buffer.getvalue", "buffer.getvalue"))
            if "buffer" in new:
                body = path.read_text().replace("csv.DictWriter(text,", "csv.DictWriter(buffer,")
                path.write_text(body.replace("text.getvalue()", "buffer.getvalue()"))
            assert toy.planned() == {}, (name, old, new)
            path.write_text(text)
    toy.edit("src/taskneurons/toy.py", '    return f"{task} {len(model)}', '    return f"{task} {LENGTH * len(model)}')
    with toy.path("src/taskneurons/toy.py").open("a") as file:
        file.write("\n\nLENGTH = 1\n")
    toy.snakemake("--quiet")
    assert toy.planned() == {}
    toy.edit("src/taskneurons/toy.py", "LENGTH = 1\n", "LENGTH = 2\n")
    assert toy.planned() == FROM_SCORES


@pytest.mark.parametrize("kind", ["link", "folder", "dangling"])
def test_row_14_what_stands_in_the_place_of_an_output_is_found_and_made_again(broken, kind):
    path = broken.path(TABLE)
    text = path.read_text()
    aside = broken.folder / "aside.csv"
    path.rename(aside)
    if kind == "folder":
        path.mkdir()
        (path / "x").write_text("")
    else:
        path.symlink_to(aside if kind == "link" else "nowhere")
    what = "a folder" if kind == "folder" else "a link"
    assert found(audit(broken), "error", "content", f"is {what}, where a job wrote a file") == [TABLE]
    assert broken.planned()["tabulate"] == 1
    broken.snakemake("--quiet", "all")
    assert path.read_text() == text and not path.is_symlink()
    assert aside.read_text() == text, "what a link led to is left alone"


def test_row_15_an_experiment_that_is_stashed_leaves_a_true_plan(broken):
    """Artifacts with equal bytes in both states must be told by content, not by dates."""
    params = yaml.safe_load(broken.path("params.yaml").read_text())
    assert params["figures"]["dpi"] == 60
    broken.dvc("exp", "run", "-q", "-S", "figures.dpi=61")
    assert broken.planned() == {}, "of the experiment nothing is left to do"
    broken.git("stash", "-q")
    assert broken.planned() == {}, "the first plan tells the truth"
    broken.dvc("checkout", "-q")
    assert broken.planned() == {}
    assert audit(broken) == []


def test_row_16_experiments_work_after_one_study_alone(laid_toy, tmp_path):
    project = laid_toy.copy(tmp_path / "project")
    project.git("init", "-q")
    project.taskneurons("stages")
    commit(project, "Begin")
    project.dvc("repro", "-q", "models")
    commit(project, "Make the models")
    project.dvc("exp", "run", "-q", "-S", "multitask.steps=3", "-n", "longer", "models")
    text = project.path(model(0)).read_text()
    project.git("stash", "-q")
    project.dvc("checkout", "-q", "models")
    # DVC ends with an error about folders that were never made, here and in the experiment, but brings what there is.
    assert "results/neurons" in project.dvc("exp", "apply", "longer", ok=False)
    project.dvc("checkout", "-q", "models")
    assert project.path(model(0)).read_text() == text
    assert "train_model_mine_small" not in project.planned()


def test_row_18_a_job_never_ends_before_it_starts(toy):
    lines = toy.lines().values()
    assert all(line["started"] <= line["ended"] for line in lines)


def test_row_19_what_a_job_refuses_is_one_sentence(fresh_toy):
    text = fresh_toy.snakemake(ok=False, TOY_FAILS="1")
    assert "error: seed 1: the toy fails. Let it not fail" in text
    assert "Traceback" not in text
    log = fresh_toy.path("logs/train_model_mine_small_1.log").read_text()
    assert log.splitlines()[-1] == "error: seed 1: the toy fails. Let it not fail"


@pytest.mark.parametrize(
    ("path", "text"),
    [("raw/{seed}", "holds braces"), ("~/tasks", "not expanded"), ("raw/../results", "inside results/")],
)
def test_row_20_a_folder_that_cannot_be_meant_is_refused_by_name(toy, path, text):
    toy.edit("params.yaml", "path: raw/tasks", f"path: '{path}'")
    said = toy.snakemake("-n", ok=False)
    assert text in said, said
    assert "suites.mine.path" in said


def test_row_20_a_file_that_is_none_stops_the_plan(toy):
    os.mkfifo(toy.path("raw/tasks/pipe"))
    assert "raw/tasks/pipe" in toy.snakemake("-n", ok=False)


# Bad input


def test_a_checkout_that_may_not_be_written_can_be_audited(certified, tmp_path):
    """As root everything may be written; there, only that nothing is written is shown."""
    project = certified.copy(tmp_path / "project")
    before = {path: path.stat().st_mtime_ns for path in project.folder.rglob("*") if ".dvc/tmp" not in str(path)}
    assert audit(project) == []
    after = {path: path.stat().st_mtime_ns for path in before if path.exists()}
    changed = {path for path in before if before[path] != after.get(path) and path.is_file()}
    assert not {path for path in changed if "__pycache__" not in path.parts and ".snakemake" not in path.parts}


def test_a_folder_without_git_is_planned_made_and_audited(certified, tmp_path):
    """As unpacked from an archive."""
    project = certified.copy(tmp_path / "project")
    for name in (".git", ".snakemake", ".taskneurons"):
        shutil.rmtree(project.path(name))
    assert project.planned() == {}
    findings = audit(project)
    assert {severity for severity, *_ in findings} <= {"note"}
    assert "git cannot read it" in project.run("taskneurons", "audit", "--against", "HEAD", ok=False)


def test_two_worktrees_of_one_repository_do_not_meet(certified, tmp_path):
    project = certified.copy(tmp_path / "project")
    project.git("worktree", "add", "-q", "--detach", str(tmp_path / "other"))
    other = Project(tmp_path / "other")
    first, second = (one.planned() for one in (project, other))
    assert first == {}
    assert second.total(), "a worktree begins as a clone: what DVC keeps is not in it"
    other.snakemake("--quiet")
    assert other.planned() == project.planned() == {}
    assert {p: line["sha256"] for p, line in other.lines().items()} == {
        p: line["sha256"] for p, line in project.lines().items()
    }
