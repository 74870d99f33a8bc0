"""What a run on SLURM asks before it begins and after another died; SLURM's commands are stand-ins that print."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake.jobs import GroupJob
from snakemake.resources import Resources

from taskneurons import slurm
from taskneurons.cli import main
from taskneurons.errors import InputError
from taskneurons.lineage import active, machine
from taskneurons.lineage.graph import Graph, PlannedJob
from taskneurons.lineage.record import Line, line_texts, lines_of_text
from taskneurons.workflow import node, runner
from taskneurons.workflow.cluster import (
    Request,
    requests_of,
    require_accounts,
    require_ends_seen,
    require_no_arrays,
    require_room,
)
from taskneurons.workflow.needs import Need
from taskneurons.workflow.tally import Part

SINFO = """\
main*|2|20000|gpu:2|infinite
main*|64|500000|(null)|infinite
big|128|1000000+|gpu:a100:4(S:0-1),shard:16|2-00:00:00
"""
Say = Callable[..., None]


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Say:
    """Let a command print something, or fail with it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=":")

    def say(command: str, text: str, *, status: int = 0) -> None:
        path = folder / command
        path.write_text(f"#!/bin/sh\ncat <<'END'{' >&2' * bool(status)}\n{text.rstrip()}\nEND\nexit {status}\n")
        path.chmod(0o755)

    return say


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def request(**asked: object) -> Request:
    plain = {"partition": "", "account": "", "cpus": 1, "memory": 2000, "gpus": 0, "minutes": 30}
    return Request(name="rule train", **plain | asked)


def test_nodes_are_read_as_sinfo_prints_them(say: Say) -> None:
    say("sinfo", SINFO)
    small, many, big = slurm.nodes()
    assert (small.partition, small.default, small.cpus, small.memory, small.gpus) == ("main", True, 2, 20000, 2)
    assert (many.gpus, many.minutes) == (0, None)
    assert (big.default, big.memory, big.gpus, big.minutes) == (False, 1_000_000, 4, 2880)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"memory": 500_001}, "500,001 MB of memory, and there are 500,000"),
        # Memory and a GPU are there, but no node of the partition has both.
        ({"memory": 30_000, "gpus": 1}, "and there are"),
        ({"gpus": 5, "partition": "big"}, "5 GPUs, and there are 4"),
        ({"minutes": 2881, "partition": "big"}, "2,881 minutes, and there are 2,880"),
        ({"partition": "large"}, "no partition large. Name one of big, main"),
    ],
)
def test_a_job_that_fits_no_node_is_refused_with_what_it_lacks(say: Say, asked: dict, said: str) -> None:
    say("sinfo", SINFO)
    with pytest.raises(InputError) as refused:
        require_room([request(), request(**asked)], slurm.nodes())
    assert said in str(refused.value)


def test_jobs_that_fit_are_not_refused(say: Say) -> None:
    say("sinfo", SINFO)
    asked = [{}, {"memory": 500_000}, {"gpus": 2}, {"partition": "main,big", "gpus": 4, "minutes": 2880}]
    require_room([request(**one) for one in asked], slurm.nodes())


class Running:
    """A job as Snakemake's groups see it."""

    pipe_group, is_local = None, False

    def __init__(self, dag, rule: str, **asked: object) -> None:
        self.dag, self.rule, self.resources, self.threads = dag, SimpleNamespace(name=rule), asked, 1


def test_a_group_is_held_against_the_nodes_by_its_sum(say: Say) -> None:
    """Snakemake adds up what jobs of a group ask for, as if they ran side by side; it hands over one job."""
    groups: dict[Running, GroupJob] = {}
    execution = SimpleNamespace(attempt=1)
    workflow = SimpleNamespace(local_exec=False, execution_settings=execution)
    dag = SimpleNamespace(workflow=workflow, get_job_group=groups.get)

    def grouped(*memory: int, extra: str = "") -> list[Request]:
        members = [
            Running(dag, "train", mem_mb=mb, runtime=30, _cores=1, slurm_extra=f"{extra}{mb * bool(extra)}")
            for mb in memory
        ]
        group = GroupJob("short", frozenset(members), Resources())
        group.toposorted = [members]
        groups.update(dict.fromkeys(members, group))
        jobs = [*members, Running(dag, "score", mem_mb=2000, runtime=30, _cores=1)]
        dag.needrun_jobs = lambda: jobs
        return requests_of(dag)

    say("sinfo", SINFO)
    together, alone = grouped(5000, 5100, 5200)
    assert (together.name, together.cpus, together.memory, together.minutes) == ("group short", 3, 15_300, 30)
    assert (alone.name, alone.cpus, alone.memory) == ("rule score", 1, 2000)
    require_room([together, alone], slurm.nodes())
    with pytest.raises(
        InputError, match="group short: 1 job fits no node of the partition main; one of group short asks"
    ):
        require_room(grouped(400_000, 200_000), slurm.nodes())
    with pytest.raises(InputError, match=r"group short: .*slurm_extra is a string.* Leave --groups out"):
        grouped(5000, 6000, extra="--signal")


def test_an_account_of_somebody_else_is_refused_with_those_that_there_are(say: Say) -> None:
    say("sacctmgr", "lab\nOther\n")
    known = slurm.accounts()
    require_accounts([request(), request(account="LAB"), request(account="lab,other")], known)
    with pytest.raises(InputError, match=r"you have no account nobody on this cluster. Name one of yours: lab, other"):
        require_accounts([request(account="nobody")], known)
    say("sacctmgr", "You are not running a supported accounting_storage plugin", status=1)
    require_accounts([request(account="nobody")], slurm.accounts())


def test_a_command_that_would_not_see_the_end_of_jobs_is_refused(say: Say) -> None:
    say("scontrol", "MinJobAge               = 300 sec")
    say("sacct", "Slurm accounting storage is disabled", status=1)
    require_ends_seen("squeue")
    with pytest.raises(InputError, match="keeps no accounts of jobs"):
        require_ends_seen("sacct")
    say("scontrol", "MinJobAge               = 60 sec")
    say("sacct", "")
    require_ends_seen("sacct")
    with pytest.raises(InputError, match=r"only 60 s after its end \(MinJobAge\)"):
        require_ends_seen("squeue")


def test_arrays_are_refused_with_the_parameter_that_makes_fewer_jobs() -> None:
    require_no_arrays(None)
    require_no_arrays("")
    with pytest.raises(InputError, match=r"--slurm-array-jobs all: an array gives .* workflow\.tasks_per_job"):
        require_no_arrays("all")


@pytest.fixture
def dead(folder: Path) -> Path:
    """A folder whose run was killed when it had submitted jobs, with its lock."""
    killed = "import os; from taskneurons.lineage.active import *; claim(); submits('run-7'); os.kill(os.getpid(), 9)"
    assert subprocess.run([sys.executable, "-c", killed], check=False).returncode == -9
    lock = folder / ".snakemake/locks/0.input.lock"
    lock.parent.mkdir(parents=True)
    lock.touch()
    return lock


def test_a_killed_run_is_not_cleared_while_its_jobs_wait(dead: Path, say: Say) -> None:
    say("squeue", "\n".join(f"{number}|PENDING" for number in range(1, 8)))
    with pytest.raises(InputError, match=r"under SLURM: 1 \(PENDING\).* and 2 more. .* scancel --name run-7"):
        active.claim()
    say("squeue", "slurm_load_jobs error: Unable to contact slurm controller", status=1)
    with pytest.raises(InputError, match=r"does not say whether jobs .*squeue: .*Unable to contact"):
        active.claim()
    assert dead.exists(), "nothing was cleared"
    say("squeue", "")
    assert "was killed" in " ".join(active.claim())
    active.release()
    assert not dead.exists()


def test_a_run_that_could_not_cancel_its_jobs_leaves_their_name(folder: Path, say: Say) -> None:
    active.claim()
    active.submits("run-8")
    say("squeue", "5|RUNNING")
    active.release()
    with pytest.raises(InputError, match=r"5 \(RUNNING\)"):
        active.claim()
    say("squeue", "")
    active.claim()
    active.release()
    assert active.claim() == [], "a run that ended well left nothing"
    active.release()


def test_a_record_names_the_node_of_a_cluster_and_elsewhere_none() -> None:
    digest, end = "a" * 64, "2026-01-01T00:00:00+00:00"
    line = Line(OUTPUT, digest, 1, "train", (), {}, "toy.models:train", digest, digest, end, end)
    assert "node" not in line_texts([line])
    on_node = replace(line, node="n7")
    (read,) = lines_of_text(
        {key: value for key, value in json.loads(line_texts([on_node])).items() if key != "version"}
    )
    assert read == on_node


def test_jobs_that_are_about_to_end_are_waited_for(dead: Path, say: Say, tmp_path: Path) -> None:
    """The last job of a run is still completing when the next command asks."""
    say("squeue", "7|COMPLETING")
    script = tmp_path / "bin/squeue"
    # Asked once, it has ended.
    script.write_text(f"{script.read_text().rpartition('exit')[0]}printf '#!/bin/sh\\n' > {script}\n")
    assert "was killed" in " ".join(active.claim())
    active.release()


OUTPUT = "results/models/m/model.txt"


@pytest.fixture
def planned(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The code of a job that a run on a cluster planned; what this process then does is done on a node."""
    code = "toy.models:train 1"
    job = PlannedJob("train", "{}", code, "", (), (OUTPUT,))
    Graph(("models",), (job,), {"train": "models"}, {}, "params.yaml").save()
    monkeypatch.setenv("SLURMD_NODENAME", "n7")
    monkeypatch.setenv(node.VERSIONS, json.dumps(machine.software()))
    return code


def test_a_node_with_another_version_is_refused_in_one_sentence(planned: str, monkeypatch: pytest.MonkeyPatch) -> None:
    node.require_planned(planned, [OUTPUT])
    with pytest.raises(InputError, match="node n7: this node has another version of taskneurons"):
        node.require_planned("toy.models:train 2", [OUTPUT])
    monkeypatch.setenv(node.VERSIONS, json.dumps(machine.software() | {"torch": "1.0"}))
    with pytest.raises(InputError, match=r"node n7: this node has other versions .*: torch 1.0 -> "):
        node.require_planned(planned, [OUTPUT])


def test_a_job_of_another_version_does_nothing(planned: str) -> None:
    class Snakemake:
        class params:
            code = "toy.models:train 2"

        output = (OUTPUT,)

    with pytest.raises(InputError, match="another version of taskneurons"):
        runner.run_job(Snakemake)


def test_the_log_of_a_job_that_was_told_to_stop_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SLURM calls such a job failed and does not say why."""

    class Snakemake:
        log = ("logs/train.log",)

    def stop(_: object) -> None:
        raise SystemExit(runner.STOPPED)

    monkeypatch.setattr(runner, "run_job", stop)
    with pytest.raises(SystemExit):
        runner.run(Snakemake)
    assert "it was told to stop, as before a time limit" in (folder / "logs/train.log").read_text()


def test_a_job_is_told_to_stop_as_early_as_its_resume_file_takes() -> None:
    """A file of 81 GB, as of Llama-2-7b, at the 200 MB a second that are assumed."""
    small, large = (Need(1, 0, 0, 0, 0, Part(0), size).resources()["stop_seconds"] for size in (0, 81e9))
    assert 0 < small < 120
    assert large >= small + 81e9 / 200e6


def test_a_profile_that_is_not_there_is_refused_before_anything_runs(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "Snakefile").touch()
    assert main(["results", "--profile", "profiles/slrum"]) == 2
    assert "error: --profile profiles/slrum: there is no config.yaml in it" in capsys.readouterr().err
