"""How a job runs: on what it was granted, and what a killed one leaves is found by the same name."""

from pathlib import Path

import torch

from taskneurons.engine.execution import Execution
from taskneurons.job import Files, Job


def job(**changes):
    outputs = Files({"rows": (Path("results/tables/mood.csv"),)})
    return Job(None, Files({}), outputs, {"run": "s/m", "seed": "3"}, "id", **changes)


def test_a_job_runs_on_what_it_was_granted_and_resumes_in_its_own_folder():
    before = torch.get_num_threads()
    try:
        execution = Execution.of(job(threads=2, checkpoint_minutes=7.0), "bfloat16")
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert execution == Execution(torch.device("cpu"), "bfloat16", job().resume, 7.0)
    assert execution.mixed_precision == "bf16"


def test_each_training_of_a_job_has_a_resume_file_of_its_own():
    execution = Execution(resume=Path("folder"))
    assert execution.resuming("a").resume == Path("folder/a")
    assert execution.resume == Path("folder")
    assert Execution().resuming("a").resume is None
