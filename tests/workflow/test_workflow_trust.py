"""Attacks on the records, the audit and the plan that once got past; each is tried on a real small run."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import warm
import yaml
from projects import Project, commit, printed

RAW = "raw/tasks/echo.train.jsonl"
TABLE = "results/tables/deactivation.csv"
FIGURE = "results/figures/deactivation/drops.svg"
SCORES = {"score_neurons_mine_small_colour": 2, "score_neurons_mine_small_echo": 2}
FROM_SCORES = Counter({**SCORES, "tabulate": 1, "draw": 1})


def model(seed: int) -> str:
    return f"results/models/mine/small/seed{seed}/model.txt"


def scores(seed: int, task: str) -> str:
    return f"results/neurons/mine/small/seed{seed}/{task}.txt"


def audit(project: Project, *options: str) -> list[tuple[str, str, list[str], str]]:
    """What an audit finds: severity, check, files, text."""
    status, text = warm.run(["taskneurons", "audit", "--json", *options], project.folder, project.environment)
    content = json.loads(text)
    assert status == content["status"]
    return [(f["severity"], f["check"], f["subjects"], f["text"]) for f in content["findings"]]


def found(findings: list[tuple[str, str, list[str], str]], severity: str, check: str, text: str) -> list[str]:
    """The files of the findings of a kind that say something."""
    return [path for s, c, paths, words in findings if (s, c) == (severity, check) and text in words for path in paths]


def started(project: Project, python: str, **environment: str) -> subprocess.Popen[bytes]:
    """A run that goes on while the test does."""
    log = project.path("run.log").open("w")
    return subprocess.Popen(
        [python, "-m", "snakemake", "--cores", "2"],
        cwd=project.folder,
        env=project.environment | environment,
        stdout=log,
        stderr=subprocess.STDOUT,
    )


@pytest.fixture(scope="module")
def worktrees(certified, tmp_path_factory) -> tuple[Project, Project]:
    """A worktree of one repository where everything was made and certified, and a second one after its own run."""
    folder = tmp_path_factory.mktemp("worktrees")
    project = certified.copy(folder / "project")
    project.git("worktree", "add", "-q", "--detach", str(folder / "other"))
    other = Project(folder / "other")
    first, second = (one.planned() for one in (project, other))
    assert first == {}
    assert second.total() == 11, "a worktree begins as a clone: what DVC keeps is not in it"
    other.snakemake_anew("--quiet")
    return project, other


def waiting(project: Project, seed: int) -> Path:
    """The flag of a training that waits until it is removed."""
    flag = project.path(f".taskneurons/resume/results/models/mine/small/seed{seed}/waits-{seed}")
    end = time.monotonic() + 300
    while not flag.exists():
        assert time.monotonic() < end, project.path("run.log").read_text()
        time.sleep(0.05)
    return flag


def test_row_1_code_that_is_edited_during_a_run_and_taken_back_makes_no_record(fresh_toy):
    """The scores start while the edit is there, and would be made by it."""
    run = started(fresh_toy, warm.python(), TOY_WAITS="200")
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
    run = started(fresh_toy, warm.python(), TOY_WAITS="200")
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
    run = started(fresh_toy, warm.python(), TOY_WAITS="200")
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


def test_row_7_a_table_that_is_changed_with_its_record_is_an_error_also_when_dvc_certified_it(broken):
    import hashlib

    text = broken.path(FIGURE).read_text().replace("<text>", "<text>9")
    broken.path(FIGURE).write_text(text)
    forge(broken, FIGURE, sha256=hashlib.sha256(text.encode()).hexdigest(), size=len(text))
    findings = audit(broken, "--against", "HEAD")
    assert found(findings, "error", "lock", "although nothing that they depend on changed") == ["dvc.lock"]
    assert not [words for *_, words in findings if "dvc repro` certifies" in words], "no advice certifies it"
    assert found(findings, "error", "against", "inputs, parameters and code are the same") == [FIGURE]
    # The forger lets DVC certify it, and commits.
    broken.dvc("repro", "-q", "deactivation")
    commit(broken, "Improve the figure")
    findings = audit(broken)
    assert {check for _, check, *_ in findings} == {"history"}
    assert found(findings, "error", "history", "one of the two was not made by its job") == [FIGURE]


CHANGES = {
    FIGURE: ({"size": 7}, "error", "records", "recorded with 7 bytes"),
    scores(0, "colour"): ({"rule": "tabulate"}, "error", "records", "which is the rule score_neurons"),
    scores(0, "echo"): ({"entry": "toy.tables:tabulate"}, "error", "records", "is that of toy.neurons:score_neurons"),
    scores(1, "colour"): (
        {"started": "2999-01-01T00:00:00+00:00", "ended": "2999-01-01T00:00:01+00:00"}, "error", "records", "to come",
    ),
    scores(1, "echo"): ({"device": None}, "error", "records", "does not say on what"),
    TABLE: ({"software": {}}, "error", "records", "does not say on what"),
    model(0): ({"memory": {"host": -1}}, "error", "records", "no memory that a job can have taken"),
    model(1): ({"software": {"python": "3.11.0", "numpy": "1.0"}}, "note", "versions", "made with numpy 1.0"),
    "results/data/mine/tasks/colour.txt": ({"cpu_seconds": -1.0}, "error", "records", "no CPU time that a job can"),
    "results/data/mine/tasks/echo.txt": ({"wiring": "0" * 64}, "warning", "jobs", "names or orders"),
}  # fmt: skip


def test_row_8_every_field_of_a_record_that_can_be_checked_is(broken):
    """One field of one record each, all at once; each is found by its file, and by what git has of it."""
    root = json.loads(broken.taskneurons("audit", "--json"))["root"]
    assert audit(broken, "--expect", root, "--against", "HEAD") == []
    for output, (changes, *_) in CHANGES.items():
        forge(broken, output, **changes)
    findings = audit(broken, "--expect", root, "--against", "HEAD")
    for output, (_, severity, check, text) in CHANGES.items():
        assert output in found(findings, severity, check, text), (output, findings)
    assert {*found(findings, "error", "against", "it was edited"), scores(1, "colour")} == set(CHANGES)
    assert found(findings, "note", "against", "anew") == [scores(1, "colour")]
    assert found(findings, "error", "root", "they are other records")


def test_row_8_versions_are_held_against_the_lock_file(broken):
    import numpy

    broken.path("requirements.lock").write_text(f"numpy=={numpy.__version__}  # a comment\nscipy==0.0.1\n")
    findings = audit(broken)
    # All jobs ran with the installed one: one finding names all that they made.
    pinned = [paths for *_, paths, words in findings if "requirements.lock pins 0.0.1" in words]
    assert [sorted(paths) for paths in pinned] == [sorted(broken.lines())]
    assert sorted(found(findings, "warning", "versions", "requirements.lock pins 0.0.1")) == sorted(broken.lines())
    assert not found(findings, "warning", "versions", "numpy")


def test_row_9_two_honest_runs_have_equal_bytes_and_one_root_digest(worktrees, tmp_path):
    ours, theirs = (project.lines() for project in worktrees)
    assert not [path for path in ours if ours[path]["ended"] == theirs[path]["ended"]], "all was made twice"
    assert {path: line["sha256"] for path, line in ours.items()} == {p: line["sha256"] for p, line in theirs.items()}
    roots = [json.loads(project.taskneurons("audit", "--json"))["root"] for project in worktrees]
    assert roots[0] == roots[1]
    project, other = worktrees
    text = project.taskneurons("compare", str(other.folder))
    assert f"{len(ours)} artifacts: {len(ours)} equal." in text
    other = other.copy(tmp_path / "other")
    other.edit(TABLE, "colour", "color")
    text = " ".join(project.taskneurons("compare", str(other.folder), ok=False).split())
    assert f"{TABLE} line 2, file:" in text
    project.taskneurons("crate", str(tmp_path / "run.zip"))
    assert "equal" in project.taskneurons("compare", str(tmp_path / "run.zip"))


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
    # Its process is killed: not one that asks another for a fork.
    run = started(toy, sys.executable, TOY_WAITS="200")
    for seed in (0, 1):
        waiting(toy, seed)
    assert not toy.path(model(1)).exists()
    run.kill()
    run.wait()
    for seed in (0, 1):
        waiting(toy, seed).unlink()
    end = time.monotonic() + 100
    while "jobs of it still work" in (text := toy.taskneurons("recover", ok=None)):
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
    ("src/taskneurons/files.py", "handle", "opened"),
    ("src/taskneurons/files.py", "def write_text(", "def _unused() -> int:\n    return 1\n\n\ndef write_text("),
    ("src/taskneurons/lineage/machine.py", "facts", "things"),
    ("src/taskneurons/lineage/machine.py", "# What the system counts", "ANOTHER = 1\n# What the system counts"),
    ("src/taskneurons/toy.py", "-> str", "-> object"),
    ("src/taskneurons/toy.py", '"""The score of a task."""', '"""How a task scores."""'),
    ("src/taskneurons/studies/toy/tables.py", "rows", "found"),
]


def test_row_12_edits_that_change_no_result_plan_no_job_and_a_constant_those_that_reach_it(toy):
    """A local name, a private function, an unused constant, an annotation, a docstring, all at once."""
    for name, old, new in NEUTRAL:
        toy.edit(name, old, new)
    assert toy.planned() == {}
    toy.edit("src/taskneurons/toy.py", '    return f"{task} {len(model)}', '    return f"{task} {LENGTH * len(model)}')
    with toy.path("src/taskneurons/toy.py").open("a") as file:
        file.write("\n\nLENGTH = 1\n")
    toy.snakemake("--quiet")
    assert toy.planned() == {}
    toy.edit("src/taskneurons/toy.py", "LENGTH = 1\n", "LENGTH = 2\n")
    assert toy.planned() == FROM_SCORES


def test_row_14_what_stands_in_the_place_of_an_output_is_found_and_made_again(broken):
    places = {TABLE: "a link", FIGURE: "a folder", scores(1, "echo"): "a link"}
    before = {name: broken.path(name).read_text() for name in places}
    aside = broken.folder / "aside.csv"
    broken.path(TABLE).rename(aside)
    broken.path(TABLE).symlink_to(aside)
    broken.path(FIGURE).unlink()
    broken.path(FIGURE).mkdir()
    (broken.path(FIGURE) / "x").write_text("")
    broken.path(scores(1, "echo")).unlink()
    broken.path(scores(1, "echo")).symlink_to("nowhere")
    findings = audit(broken)
    for what in ("a link", "a folder"):
        wrong = found(findings, "error", "content", f"is {what}, where a job wrote a file")
        assert set(wrong) == {name for name, stands in places.items() if stands == what}
    planned = broken.planned()
    assert planned["tabulate"] == planned["draw"] == planned["score_neurons_mine_small_echo"] == 1
    broken.snakemake("--quiet", "all")
    assert {name: broken.path(name).read_text() for name in places} == before
    assert not any(broken.path(name).is_symlink() for name in places)
    assert aside.read_text() == before[TABLE], "what a link led to is left alone"


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
    """DVC cannot apply an experiment that lacks an out of a stage, so that only the study and its needs are stages."""
    project = laid_toy.copy(tmp_path / "project")
    project.git("init", "-q")
    assert "Choose among data, models" in project.taskneurons("stages", "modles", ok=False)
    project.taskneurons("stages", "models")
    assert set(yaml.safe_load(project.path("dvc.yaml").read_text())["stages"]) == {"data", "models"}
    project.dvc("repro", "-q")
    commit(project, "Make the models")
    project.dvc("exp", "run", "-q", "-S", "multitask.steps=3", "-n", "longer")
    text = project.path(model(0)).read_text()
    project.git("reset", "-q", "--hard")
    project.dvc("checkout", "-q")
    assert project.path(model(0)).read_text() != text
    assert project.planned("models") == {}
    assert "have been applied" in project.dvc("exp", "apply", "longer")
    assert project.path(model(0)).read_text() == text
    assert project.planned("models") == {}
    project.dvc("exp", "save", "-q", "-n", "again")
    assert "again" in project.dvc("exp", "list")


def test_row_18_a_job_never_ends_before_it_starts(toy):
    lines = toy.lines().values()
    assert all(line["started"] <= line["ended"] for line in lines)


def test_row_19_what_a_job_refuses_is_one_sentence(fresh_toy):
    text = fresh_toy.snakemake(ok=False, TOY_FAILS="1")
    assert "error: seed 1: the toy fails. Let it not fail" in text
    assert "Traceback" not in text
    log = fresh_toy.path("logs/train_model_mine_small_1.log").read_text()
    assert log.splitlines()[-1] == "error: seed 1: the toy fails. Let it not fail"


def test_row_19_what_is_refused_while_the_workflow_is_read_is_one_sentence(fresh_toy):
    fresh_toy.edit("params.yaml", "examples: 8", f"examples: {'7' * 5000}")
    text = fresh_toy.snakemake("-n", ok=False)
    assert re.search(r"^error: params.yaml:\d+: attribution.examples: a whole number of 5,000 digits", text, re.M)
    assert not [word for word in ("InputError", "Traceback", ' File "') if word in text], text


def test_row_20_a_folder_that_cannot_be_meant_is_refused_by_name(toy):
    toy.edit("params.yaml", "path: raw/tasks", "path: 'raw/{seed}'")
    said = toy.snakemake("-n", ok=False)
    assert "holds braces" in said, said
    assert "suites.mine.path" in said


def test_row_20_a_file_that_is_none_stops_the_plan(toy):
    os.mkfifo(toy.path("raw/tasks/pipe"))
    assert "raw/tasks/pipe" in toy.snakemake("-n", ok=False)


# Bad input


def without_leave_to_write(project: Project) -> list[str]:
    """Take the leave to write from every file of a project; returns what commands begin with, so that it binds root."""
    for path in [*project.folder.rglob("*"), project.folder]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~0o222)
    prefix = ["setpriv", "--bounding-set=-dac_override"] if os.geteuid() == 0 else []
    try:
        probe = subprocess.run([*prefix, "touch", str(project.path("x"))], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("the tests run as root, who may write everywhere, and setpriv is not installed")
    if project.path("x").exists() or b"x" not in probe.stderr:
        pytest.skip("the tests run as root, who may write everywhere, and setpriv cannot take that away")
    return prefix


def test_a_checkout_that_may_not_be_written_is_read_and_a_run_in_it_is_refused_in_one_sentence(certified, tmp_path):
    project = certified.copy(tmp_path / "project")
    prefix = tuple(without_leave_to_write(project))

    def said(*command: str, ok: bool = True) -> str:
        return printed(command, *warm.run(command, project.folder, project.environment, prefix), ok)

    content = json.loads(said("taskneurons", "audit", "--json"))
    assert {finding["severity"] for finding in content["findings"]} <= {"note"}, content["findings"]
    assert "draw" in said("taskneurons", "lineage", FIGURE)
    said("taskneurons", "report", "--out", str(tmp_path / "report.html"))
    assert (tmp_path / "report.html").exists()
    assert "equal." in said("taskneurons", "compare", str(certified.folder))
    assert "COMMAND" in said("taskneurons", "--help")
    for command in (
        ["snakemake", "-n"],
        ["taskneurons", "results"],
        ["taskneurons", "stages", "--check"],
        ["taskneurons", "report"],
    ):
        text = said(*command, ok=False)
        (sentence,) = [line for line in text.splitlines() if line.startswith("error: ")]
        assert "Permission denied" in sentence
        assert "Traceback" not in text and ' File "' not in text, text


def test_a_folder_without_git_is_planned_made_and_audited(certified, tmp_path):
    """As unpacked from an archive."""
    project = certified.copy(tmp_path / "project")
    for name in (".git", ".snakemake", ".taskneurons"):
        shutil.rmtree(project.path(name))
    assert project.planned() == {}
    findings = audit(project)
    assert {severity for severity, *_ in findings} <= {"note"}
    assert "git cannot read it" in project.taskneurons("audit", "--against", "HEAD", ok=False)


def test_two_worktrees_of_one_repository_do_not_meet(worktrees):
    """After a run of the second one nothing is left to do, nor in the first."""
    project, other = worktrees
    assert other.planned() == project.planned() == {}
    assert {p: line["sha256"] for p, line in other.lines().items()} == {
        p: line["sha256"] for p, line in project.lines().items()
    }
