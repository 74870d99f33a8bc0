"""What a machine lacks for a run is said in one sentence before the first job."""

import errno
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from safetensors import SafetensorError

from taskneurons.params.loading import load_params
from taskneurons.workflow import here, runner
from taskneurons.workflow.needs import need
from taskneurons.workflow.plan import Plan

MULTITASK = '{"tasks": ["sst2"], "schedule": {"steps": 750, "batch_size": 64}, "dtype": "bfloat16"}'


def job(model: str, **resources: int) -> SimpleNamespace:
    """A job of Snakemake that tunes a model on all tasks."""
    params = SimpleNamespace(code="models.make:tune_multitask_model 0123", settings=MULTITASK)
    output = [f"results/models/public/{model}/seed0/multitask/config.json"]
    rule = SimpleNamespace(name=f"tune_{model}")
    return SimpleNamespace(rule=rule, params=params, output=output, resources=resources)


def run_of(*jobs: SimpleNamespace, local: bool = True) -> SimpleNamespace:
    return SimpleNamespace(local_exec=local, dag=SimpleNamespace(needrun_jobs=lambda: jobs))


@pytest.fixture
def paper(root: Path) -> Plan:
    return Plan(load_params(root / "params" / "paper.yaml"))


def test_jobs_that_ask_for_a_gpu_are_named_where_there_is_none(paper: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    target = SimpleNamespace(rule=SimpleNamespace(name="all"), params=SimpleNamespace(), output=[], resources={})
    monkeypatch.setattr(here, "gpus_here", lambda: False)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1e12))
    monkeypatch.setattr(here, "memory_here", lambda: 16e9)
    here.begin(run_of(job("llama2_7b"), target), paper, said.append)
    (sentence,) = said
    alone = need(paper, "models.make:tune_multitask_model 0123", MULTITASK, job("llama2_7b").output, gpus=False)
    assert sentence.startswith("1 job asks for a GPU and this machine shows none")
    assert f"about {alone.seconds / 3600:,.0f} hours of a core" in sentence
    assert "tune_llama2_7b holds 121 GB at the least, where there are 16" in sentence
    assert sentence.endswith("`taskneurons plan --laptop`")
    # Other machines do jobs of a cluster; with a GPU, or without a job that asks for one, nothing is lacking.
    here.begin(run_of(job("llama2_7b"), local=False), paper, said.append)
    here.begin(run_of(target), paper, said.append)
    monkeypatch.setattr(here, "gpus_here", lambda: True)
    here.begin(run_of(job("llama2_7b")), paper, said.append)
    assert len(said) == 1


def test_a_disk_that_is_too_small_for_a_run_is_named_before_it(paper: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(here, "gpus_here", lambda: True)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=30e9))
    here.begin(run_of(job("llama2_7b", disk_mb=27_000)), paper, said.append)
    assert not said
    here.begin(run_of(*[job("llama2_7b", disk_mb=27_000)] * 3), paper, said.append)
    assert said[0].startswith("the jobs of this run leave about 81 GB, and 30 GB are free on this disk")


def test_a_job_on_a_full_disk_ends_with_one_sentence(tmp_path, monkeypatch, capsys) -> None:
    """/dev/full has no room for a byte; safetensors wraps what the system says."""

    def write(_: object) -> None:
        with Path("/dev/full").open("w") as file:
            file.write("a result")

    def write_tensors(_: object) -> None:
        raise SafetensorError(f"Error while serializing: I/O error: {os.strerror(errno.ENOSPC)} (os error 28)")

    snakemake = SimpleNamespace(log=[str(tmp_path / "job.log")])
    for fails in (write, write_tensors):
        monkeypatch.setattr(runner, "run_job", fails)
        with pytest.raises(SystemExit) as end:
            runner.run(snakemake)
        assert end.value.code == 1
        said = capsys.readouterr().err
        assert "no room is left on a disk that this job writes to" in said and "df -h" in said
        assert said.startswith("error: ") and len(said.splitlines()) == 1
        assert (tmp_path / "job.log").read_text() == said
    # The log may lie on the full disk.
    monkeypatch.setattr(runner, "write_text", lambda *_: write(None))
    with pytest.raises(SystemExit):
        runner.run(snakemake)
    monkeypatch.setattr(runner, "run_job", lambda _: Path("/nowhere/at/all").read_text())
    with pytest.raises(FileNotFoundError):
        runner.run(snakemake)
