"""The device of a job: what it was granted, as far as the machine has it."""

import logging

import pytest
import torch

from taskneurons.models.device import granted_device


@pytest.fixture(params=[False, True], ids=["machine-without-gpu", "machine-with-gpu"])
def machine(request, monkeypatch):
    """Whether there is a GPU; one of the two is this machine as it is."""
    if torch.cuda.is_available() != request.param:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: request.param)
    return request.param


@pytest.mark.parametrize("gpus", [1, 4])
def test_a_granted_gpu_is_used_where_there_is_one(machine, gpus, caplog):
    with caplog.at_level(logging.WARNING):
        assert granted_device(gpus).type == ("cuda" if machine else "cpu")
    assert ("it runs on the CPU" in caplog.text) == (not machine), "a job says that it lacks what it asked for"


def test_a_job_without_a_gpu_stays_on_the_cpu_even_where_there_is_one(machine, caplog):
    with caplog.at_level(logging.WARNING):
        assert granted_device(0).type == "cpu"
    assert caplog.text == ""


def test_a_job_uses_the_threads_that_it_was_given():
    before = torch.get_num_threads()
    try:
        for threads in (1, 2):
            granted_device(0, threads=threads)
            assert torch.get_num_threads() == threads
        granted_device(0)
        assert torch.get_num_threads() == 2, "without a number nothing changes"
    finally:
        torch.set_num_threads(before)
