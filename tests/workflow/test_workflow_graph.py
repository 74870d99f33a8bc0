"""Snakemake and DVC on one graph, on the real workflow with tiny data: what runs again after what, and what does not.

Both are asked for everything once, with all tasks in one job; then each test breaks a copy. Expected sets of jobs come
from the inputs that Snakemake recorded, not from what decides. That the unit of a rerun is the job, whatever it holds,
is asked of the toy workflow, which has one task a job (test_workflow_faults.py).
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from projects import ROOT, Project, commit, job_of, lay, most_mb

RAW = "raw/tasks/colour.train.jsonl"


def is_shown(rule: str) -> bool:
    """Whether a rule draws, or shows what was drawn."""
    return rule.startswith(("plot_", "preview_")) or rule == "write_report"


# Rules of tables, figures, claims and the report.
LOCAL = re.compile("(tabulate|summarise|plot|preview|check|decide|write)_")


def is_large(rule: str) -> bool:
    """Whether a rule runs a model."""
    return rule.startswith(("pretrain", "tune", "evaluate", "attribute", "deactivate", "find_examples"))


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Project:
    """Everything made by Snakemake alone, then handed to DVC, committed and pushed to a local folder.

    The output of `dvc repro` stands in repro.log beside the folder.
    """
    folder = tmp_path_factory.mktemp("made")
    project = lay(folder / "project", seeds=[0], tasks_per_job="all")
    project.git("init", "-q")
    project.taskneurons("stages")
    project.dvc("remote", "add", "-q", "-d", "store", str(folder / "store"))
    project.snakemake("--quiet")
    (folder / "repro.log").write_text(project.dvc("repro"))
    project.dvc("push", "-q")
    commit(project, "Make everything")
    return project


@pytest.fixture(scope="module")
def everything(made: Project) -> str:
    """What a dry run of every job prints."""
    return made.snakemake("-n", "--forceall")


@pytest.fixture
def project(made: Project, tmp_path: Path) -> Project:
    """A copy to break."""
    return made.copy(tmp_path / "project")


@pytest.fixture
def clone(made: Project, tmp_path: Path) -> Project:
    """A fresh clone: what git holds and nothing else."""
    return made.clone(tmp_path / "clone")


def edit_raw(project: Project) -> None:
    """Change a raw training example and date the file long before everything, as a copy or a checkout may."""
    project.edit(RAW, "red sun 0", "red moon 0")
    os.utime(project.path(RAW), (1e9, 1e9))


def test_m1_raw_data_is_edited_in_a_fresh_clone(clone):
    """DVC runs the stages; the modification times say that nothing is new."""
    clone.dvc("pull", "-q")
    edit_raw(clone)
    expected = clone.after(RAW)
    assert clone.planned() == expected
    assert any(map(is_large, expected))
    # Two stages of the four: exactly their jobs run, and exactly the others are left.
    before = clone.lines()
    clone.dvc("repro", "models")
    remade = {output for output, line in clone.lines().items() if line["ended"] != before[output]["ended"]}
    ran = {before[output]["rule"] for output in remade}
    assert {Path(output).parts[1] for output in remade} >= {"data", "models"}
    assert {rule for rule in expected if rule.startswith(("make_", "pretrain_", "tune_", "evaluate_"))} <= ran
    assert ran <= set(expected)
    assert clone.planned() == Counter({rule: jobs for rule, jobs in expected.items() if rule not in ran})
    splits = [clone.path(f"results/data/mine/tasks/colour/{split}.jsonl") for split in ("train", "validation")]
    assert "red moon 0" in "".join(split.read_text() for split in splits)


@pytest.mark.parametrize("link", ["hardlink", "symlink"])
def test_m2_dvc_refreshes_modification_times(project, link):
    """With linked caches DVC copies persisting outputs before a stage, so that they look newer than what changed."""
    project.dvc("config", "--local", "cache.type", link)
    project.dvc("checkout", "--relink", "-q")
    edit_raw(project)
    project.dvc("unprotect", *(f"results/{folder}" for folder in ["data", "models", "neurons", "deactivation"]))
    assert project.planned() == project.after(RAW)


def test_m3_a_fresh_clone_with_pulled_results_has_nothing_to_do(clone, made):
    clone.dvc("pull", "-q")
    assert [output for output in made.lines() if not clone.path(output).exists()] == []
    model = next(output for output in made.lines() if output.endswith("model.safetensors"))
    assert clone.path(model).read_bytes() == made.path(model).read_bytes()
    assert clone.planned() == {}
    clone.dvc("status", "-q")


@dataclass(frozen=True)
class Killed:
    """A run elsewhere that was to make every artifact again, as by other code, and was killed in the middle.

    Attributes:
        project: what it left.
        expected: the jobs that it was to do.
        finished: those that it said to have done.
        left: the jobs that a next run would do.
    """

    project: Project
    expected: Counter[str]
    finished: Counter[str]
    left: Counter[str]


@pytest.fixture(scope="module")
def killed(made, tmp_path_factory) -> Killed:
    project = made.clone(tmp_path_factory.mktemp("elsewhere") / "clone")
    shutil.copytree(made.path("results"), project.path("results"), dirs_exist_ok=True)
    for records in project.path("lineage").glob("*.jsonl"):
        records.write_text(re.sub('"code": "[0-9a-f]{64}"', f'"code": "{"0" * 64}"', records.read_text()))
    expected = project.planned()
    log = project.folder.parent / "killed.log"
    with log.open("w") as file:
        run = subprocess.Popen(
            [sys.executable, "-m", "snakemake", "--cores", "2"],
            cwd=project.folder,
            env=project.environment,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    end = time.monotonic() + 400
    while not re.search(r"Finished jobid: \d+ \(Rule: pretrain_model", log.read_text()):
        assert run.poll() is None and time.monotonic() < end, log.read_text()
        time.sleep(0.05)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    finished = Counter(re.findall(r"Finished jobid: \d+ \(Rule: (\w+)\)", log.read_text()))
    return Killed(project, expected, finished, project.planned())


def test_m4_after_a_kill_exactly_the_unfinished_jobs_run(killed):
    """A run that makes all models' results anew is killed in the middle."""
    assert sum(killed.finished.values()) >= 2
    # A job may have ended, with its record written, just before its line was printed: at most one a core.
    unsaid = (killed.expected - killed.finished) - killed.left
    assert unsaid.total() <= 2
    assert killed.left == killed.expected - killed.finished - unsaid


def test_m5_a_figures_parameter_remakes_figures_alone(project):
    """Also after `dvc commit`, see test_workflow_audit.py."""
    project.edit("params.yaml", "dpi: 60", "dpi: 61")
    assert set(project.planned()) == {rule for rule in rules(project) if is_shown(rule)}


def test_m6_only_the_rules_that_reach_an_edited_definition_run(project):
    with project.path("src/taskneurons/tasks/card.py").open("a") as file:
        file.write("\nUNUSED = 1\n")
    assert project.planned() == {}, "nothing reaches it"
    project.edit("src/taskneurons/tasks/card.py", "SHOWN_CHARACTERS = 400", "SHOWN_CHARACTERS = 401")
    assert {re.sub("_mine.*", "", rule) for rule in project.planned()} == {
        "describe_tasks",
        "tabulate_answers",
        "write_report",
    }
    assert "older code" in project.snakemake("-n")
    project.edit("src/taskneurons/neurons/controls.py", "_BINS = 10", "_BINS = 11")
    sets = [output for output in project.lines() if "/sets/" in output]
    cards = [output for output in project.lines() if output.startswith("results/cards/")]
    assert project.planned() == project.after(*sets, *cards)


def test_m7_what_no_parameter_asks_for_is_removed(project):
    """A task leaves the suite: its files go, and the tables have no row of it."""
    params = yaml.safe_load(project.path("params.yaml").read_text())
    params["suites"]["mine"]["tasks"] = ["colour"]
    project.path("params.yaml").write_text(yaml.safe_dump(params))
    unrecorded = project.path("results/data/mine/tasks/echo/notes.md")
    unrecorded.write_text("mine\n")
    assert "echo" in project.path("results/tables/data.csv").read_text()
    assert project.planned().total()
    assert project.path("results/data/mine/tasks/echo/train.jsonl").exists(), "a dry run removes nothing"
    project.snakemake("results/tables/data.csv")
    assert [path for path in project.folder.glob("results/**/*echo*") if path.is_file()] == []
    assert [path.name for path in unrecorded.parent.iterdir()] == ["notes.md"]
    assert not [output for output in project.lines() if "echo" in output]
    assert "echo" not in project.path("results/tables/data.csv").read_text()


def test_m8_what_changes_no_value_runs_nothing(project):
    params = yaml.safe_load(project.path("params.yaml").read_text())
    # How the work is done, not what is done.
    params["workflow"] |= {"evaluation_batch_size": 3, "checkpoint_minutes": 7}
    backwards = {key: params[key] for key in reversed(params)}
    project.path("params.yaml").write_text("# A comment\n" + yaml.safe_dump(backwards, sort_keys=False))
    module = project.path("src/taskneurons/tasks/task.py")
    text = module.read_text()
    assert text.startswith('"""')
    module.write_text('"""Another docstring.' + text[3:] + "\n# a comment\n")
    for path in project.folder.glob("src/**/*.py"):
        path.touch()
    project.path("Snakefile").touch()
    assert project.planned() == {}


def test_m9_a_fresh_clone_without_a_remote_makes_everything(clone, made):
    assert (clone.path("results/tables/deactivation.csv")).exists(), "tables come with git"
    assert not (clone.path("results/models")).exists()
    planned = clone.planned()
    absent = {line["rule"] for output, line in made.lines().items() if not clone.path(output).exists()}
    assert absent <= set(planned)
    assert planned == made.after(*(output for output in made.lines() if not clone.path(output).exists()))


def test_m10_what_snakemake_made_dvc_takes_without_work(made):
    text = (made.folder.parent / "repro.log").read_text()
    assert text.count("Nothing to be done") == 6 and "Job stats" not in text
    assert "Finished jobid" not in text
    assert made.dvc("status").strip() == "Data and pipelines are up to date."
    assert set(yaml.safe_load(made.path("dvc.lock").read_text())["stages"]) == {
        "data",
        "models",
        "neurons",
        "deactivation",
        "claims",
        "report",
    }
    assert made.taskneurons("audit").endswith("Everything agrees.\n")


def test_row_9_a_second_run_elsewhere_gives_every_artifact_the_same_bytes(made, killed):
    """Also one that was killed and goes on, and the report included. A digit that somebody changes is named, with a
    status of its own."""
    other = killed.project
    assert killed.expected == Counter(rule for rule, *_ in {job_of(line) for line in made.lines().values()})
    other.snakemake_anew("--quiet")
    ours, theirs = ({path: line["sha256"] for path, line in one.lines().items()} for one in (made, other))
    assert ours == theirs
    ends = [{path: line["ended"] for path, line in one.lines().items()} for one in (made, other)]
    assert not [path for path in ours if ends[0][path] == ends[1][path]], "every artifact was made again"
    assert "results/report.html" in ours
    assert f"{len(ours)} artifacts: {len(ours)} equal." in made.taskneurons("compare", str(other.folder))
    table = "results/tables/deactivation_summary.csv"
    text = other.path(table).read_text()
    number = re.search(r"\d\.\d{4,}", text)[0]
    other.path(table).write_text(text.replace(number, number[:3] + str((int(number[3]) + 1) % 10) + number[4:], 1))
    said = json.loads(made.taskneurons("compare", str(other.folder), "--json", ok=False))
    assert said["status"] == 1
    assert [one["path"] for one in said["artifacts"] if one["outcome"] == "different"] == [table]
    assert said["counts"]["equal"] == len(ours) - 1


def test_row_17_dvc_compares_the_headline_numbers(project):
    """What DVC shows of the changed table is what stands in the table, once a job made the numbers again."""
    shown = json.loads(project.path("results/metrics/deactivation.json").read_text())
    listed = project.dvc("metrics", "show", "--json")
    found = json.loads(listed[listed.index("{") : listed.rindex("}") + 1])[""]["data"]
    assert found["results/metrics/deactivation.json"]["data"] == shown
    assert set(found) == {"results/metrics/deactivation.json", "results/metrics/claims.json"}
    project.edit("params.yaml", "random_draws: 1", "random_draws: 2")
    project.snakemake("--quiet", "all", "--", "results/metrics/deactivation.json")
    changed = project.dvc("metrics", "diff")
    assert "mine.small" in changed and ".random." in changed
    assert ".task." not in changed and ".bottom." not in changed and ".original." not in changed


def test_another_parameter_file_removes_nothing(project):
    params = yaml.safe_load(project.path("params.yaml").read_text())
    params["suites"]["mine"]["tasks"] = ["colour"]
    project.path("other.yaml").write_text(yaml.safe_dump(params))
    project.snakemake("--configfile", "other.yaml", "--", "results/tables/data.csv")
    assert project.path("results/data/mine/tasks/echo/train.jsonl").exists()


def test_stages_are_what_the_workflow_says(project):
    assert project.taskneurons("stages", "--check") == ""
    stages = yaml.safe_load(project.path("dvc.yaml").read_text())["stages"]
    outs = {path: options for stage in stages.values() for out in stage["outs"] for path, options in out.items()}
    assert all(options["persist"] for options in outs.values())
    artifacts = project.lines()
    for artifact in artifacts:
        assert [path for path in outs if artifact == path or artifact.startswith(path + "/")], artifact
    assert "raw/tasks" in stages["data"]["deps"]
    project.edit("dvc.yaml", "- raw/tasks\n", "")
    assert "dvc.yaml: stale" in project.taskneurons("stages", "--check", ok=False)


def test_the_committed_stages_are_those_of_the_default_parameters(tmp_path):
    project = lay(tmp_path / "project", seeds=[0], tasks_per_job="all")
    for name in ("params.yaml", "claims.yaml"):
        shutil.copy2(ROOT / name, project.path(name))
    project.taskneurons("stages")
    for name in ["dvc.yaml", "results/.gitignore"]:
        assert project.path(name).read_text() == (ROOT / name).read_text(), "run `taskneurons stages` and commit"


def rules(project: Project) -> set[str]:
    return {line["rule"] for line in project.lines().values()}


def test_every_rule_says_what_it_needs_and_models_are_sized(made, everything):
    """`gpu`, `gpu_mem_mb`, `mem_mb` and `runtime` of every job, as Snakemake sees them."""
    jobs = re.findall(r"^(?:local)?rule (\w+):\n(.*?)(?=^\[|\Z)", everything, flags=re.S | re.M)
    assert {name for name, _ in jobs} - {"all"} == rules(made)
    for name, body in jobs:
        if name != "all":
            (resources,) = re.findall(r"resources: (.*)", body)
            values = dict(item.split("=", 1) for item in resources.split(", "))
            if list(values) == ["tmpdir"]:
                # What runs where Snakemake does asks for nothing.
                assert LOCAL.match(name), name
                continue
            assert {"gpu", "gpu_mem_mb", "mem_mb", "runtime"} <= set(values), name
            assert values["gpu"] == "0", "a tiny model needs no GPU"
            assert (int(values["mem_mb"]) > 1500) == is_large(name), name


def resources_of_big(text: str) -> dict[str, dict[str, str]]:
    """The resources of the jobs of model `big`, of what a dry run prints."""
    found = {}
    for name, body in re.findall(r"^(?:local)?rule (\w+):\n(.*?)(?=^\[|\Z)", text, flags=re.S | re.M):
        # A model from outside is imported by a rule of its own; all other rules name it in their run.
        if (name.endswith("_big") or "run=mine/big" in body) and "resources: tmpdir" in body:
            (resources,) = re.findall(r"resources: (.*)", body)
            values = dict(item.split("=", 1) for item in resources.split(", "))
            if list(values) != ["tmpdir"]:
                found[name] = values
    return found


def test_large_models_ask_for_a_gpu_that_holds_them(project):
    """Seven billion parameters in bfloat16 are 13.5 GB; training holds 18 bytes for each, besides activations."""
    params = yaml.safe_load(project.path("params.yaml").read_text())
    params["models"]["big"] = {
        "source": "hub",
        "repository": "some/model",
        "revision": "0" * 40,
        "parameters": 6.74e9,
        "context": 2048,
        "dtype": "bfloat16",
        "prompts": "plain",
    }
    params["runs"].append({"suite": "mine", "model": "big", "seeds": [0], "studies": ["deactivation"]})
    project.path("params.yaml").write_text(yaml.safe_dump(params))
    # Of a machine that has any memory, else the workflow asks for no more than there is.
    room = ("--resources", "gpu=1", "mem_mb=1000000")
    found = resources_of_big(project.snakemake("-n", *room))
    large = {name: values for name, values in found.items() if is_large(name)}
    assert len(large) >= 4
    for name, values in large.items():
        assert values["gpu"] == "1"
        if name.startswith("tune"):
            each, kept, batch = 18, 57, params["multitask"]["batch_size"]
        elif name.startswith("attribute"):
            each, kept, batch = 2, 41, params["attribution"]["batch_size"]
        else:
            each, kept, batch = 2, 4, params["workflow"]["evaluation_batch_size"]
        assert each * 6740 < int(values["gpu_mem_mb"]) < most_mb(6.74e9, each, kept, batch), name
        assert int(values["mem_mb"]) > 2 * 6740
        assert int(values["runtime"]) >= 30, "minutes"
    assert all(values["gpu"] == "0" for name, values in found.items() if not is_large(name))
    # Without GPUs the host holds what they would have held, but for what CUDA itself and the allocator take.
    without = resources_of_big(project.snakemake("-n", *room, TASKNEURONS_GPUS="0"))
    for name, values in large.items():
        assert without[name]["gpu"] == without[name]["gpu_mem_mb"] == "0"
        assert int(without[name]["mem_mb"]) > (int(values["gpu_mem_mb"]) - 2000) / 1.06, name


def test_profiles_are_read_by_snakemake(made, everything):
    default = yaml.safe_load(made.path("profiles/default/config.yaml").read_text())
    slurm = yaml.safe_load(made.path("profiles/slurm/config.yaml").read_text())
    assert "cores" not in default
    assert "code" not in default["rerun-triggers"]
    shared = {key: value for key, value in default.items() if key != "resources"}
    assert shared.items() <= slurm.items(), "a cluster decides as this machine does"
    assert "profiles/default" in everything


def test_raw_data_under_dvc_enters_the_lineage_by_its_content(project):
    """A user's folder that `dvc add` tracks: the stage depends on it, the records name its files' digests."""
    project.git("rm", "-rq", "--cached", "raw/tasks")
    project.dvc("add", "-q", "raw/tasks")
    assert project.planned() == {}
    assert project.dvc("status").strip() == "Data and pipelines are up to date."
    edit_raw(project)
    project.dvc("add", "-q", "raw/tasks")
    assert project.planned() == project.after(RAW)


def test_artifacts_do_not_name_the_folder_they_were_made_in(made):
    """Records and small results are read by others."""
    home = str(made.folder).encode()
    files = [*made.path("lineage").glob("*.jsonl"), *(p for p in made.path("results").rglob("*") if p.is_file())]
    assert len(files) > 20
    assert [path for path in files if home in path.read_bytes()] == []


def test_damage_to_caches_costs_time_and_nothing_else(project):
    for name in ["code.json", "hashes.json"]:
        project.path(f".taskneurons/{name}").write_text("{broken")
    assert project.planned() == {}
    shutil.rmtree(project.path(".taskneurons"))
    shutil.rmtree(project.path(".snakemake"))
    assert project.planned() == {}
