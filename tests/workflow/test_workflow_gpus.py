"""Jobs of one machine have GPUs of their own, as locks of the operating system say."""

import os
import subprocess
import sys

import pytest

from taskneurons.errors import InputError
from taskneurons.models.device import granted_device
from taskneurons.workflow import gpus
from taskneurons.workflow.hardware import VISIBLE

HOLD = """
import os, sys
from taskneurons.workflow import gpus
gpus.take(1)
print(os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
sys.stdin.read()
"""


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine with two GPUs, whose locks nobody else has."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr(gpus, "_held", [])
    monkeypatch.delenv("SLURMD_NODENAME", raising=False)
    monkeypatch.setenv(VISIBLE, "GPU-8f1c,GPU-2a77")
    yield
    for file in gpus._held:
        file.close()


def test_each_job_has_a_gpu_of_its_own_until_it_ends(machine):
    command = [sys.executable, "-c", HOLD]
    other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdout.readline().strip() == "GPU-8f1c"
    with pytest.raises(InputError, match="2 of 2 GPUs were not free in time"):
        gpus.take(2, patience=0)
    gpus.take(1)
    assert os.environ[VISIBLE] == "GPU-2a77", "that which the other job does not have"
    other.communicate("")
    os.environ[VISIBLE] = "GPU-8f1c"
    gpus.take(1, patience=0)
    assert os.environ[VISIBLE] == "GPU-8f1c", "the end of a job frees its GPU"


def test_more_gpus_than_there_are_are_refused(machine):
    with pytest.raises(InputError, match=r"processes_per_job: this job asks for 4 GPUs, and there are 2"):
        gpus.take(4)
    with pytest.raises(InputError, match=r"2 processes need a GPU each, and this run gives the job 1\. .*gpu=2"):
        gpus.take(1, 2)


def test_a_job_for_a_gpu_runs_on_a_cpu_where_there_is_none_and_says_so(machine, monkeypatch, caplog):
    monkeypatch.setenv(VISIBLE, "")
    gpus.take(1)
    assert gpus._held == []
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert granted_device(1).type == "cpu"
    assert "the machine has none that torch can use" in caplog.text


def test_a_cluster_gives_gpus_itself(machine, monkeypatch):
    monkeypatch.setenv("SLURMD_NODENAME", "n1")
    gpus.take(4)
    assert os.environ[VISIBLE] == "GPU-8f1c,GPU-2a77"


@pytest.mark.parametrize(
    "named",
    [
        "",
        "-1",
        " 1, 0 ",
        "0,-1,1",
        "2,,1",
        "1,0,1",
        "0,none",
        "1gpu,2",
        "GPU-8f,GPU-2a",
        "GPU-8f,x",
        "MIG-1",
        "0,GPU-8f",
        "GPU-8f,1",
        "GPU-8f,MIG-1",
        "MIG-1,GPU-8f",
        "GPU-8f, GPU-2a",
        " GPU-8f",
        "+1,01",
        "00,0",
        "GPU-8f,GPU-8f",
    ],
)
def test_gpus_are_named_as_torch_reads_it(monkeypatch, named):
    from torch.cuda import _parse_visible_devices

    monkeypatch.setenv(VISIBLE, named)
    assert gpus.visible() == list(map(str, _parse_visible_devices()))
