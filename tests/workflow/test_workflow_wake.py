"""Snakemake's scheduler wakes up for a job that ends, and for nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest
import snakemake
from snakemake.scheduling.job_scheduler import JobScheduler

from taskneurons.workflow import wake

JOBS = 7
COUNTED = """
import time
from snakemake.scheduling.job_scheduler import JobScheduler

{first}
passes, select = [], JobScheduler.job_selector

def counted(scheduler, jobs):
    passes.append(time.monotonic())
    return select(scheduler, jobs)

JobScheduler.job_selector = counted

rule all:
    input: expand("done/{{n}}", n=range({jobs}))

rule one:
    output: "done/{{n}}"
    shell: "sleep {seconds}; touch {{output}}"

onsuccess:
    print("passes", len(passes))
"""


def started(folder: Path, first: str, seconds: float, *arguments: str) -> subprocess.Popen:
    """Snakemake with jobs that run one after another."""
    folder.mkdir(exist_ok=True)
    (folder / "Snakefile").write_text(COUNTED.format(first=first, jobs=JOBS, seconds=seconds))
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--quiet", "all", "--forceall", *arguments]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def passes(run: subprocess.Popen) -> int:
    """How often the scheduler looked for jobs to start."""
    said, errors = run.communicate(timeout=120)
    assert run.returncode == 0, errors
    return int(next(line for line in said.splitlines() if line.startswith("passes")).split()[1])


INSTALLED = "from taskneurons.workflow import wake; wake.install()"


def test_the_scheduler_wakes_up_once_a_job_and_without_the_module_more_often(tmp_path):
    # The second number is a fault of Snakemake. When a release has no such fault, this fails: then delete the module.
    assert snakemake.__version__ in wake.KNOWN
    with_module, without = started(tmp_path / "with", INSTALLED, 0.6), started(tmp_path / "without", "", 0.6)
    assert passes(with_module) <= JOBS + 1
    assert passes(without) > 1.5 * JOBS


def test_jobs_that_the_limit_holds_back_start_when_the_span_is_over(tmp_path):
    # Each job ends long before the span does, so that no job would wake the scheduler.
    assert passes(started(tmp_path, INSTALLED, 0, "--max-jobs-per-timespan", "3/1s")) >= JOBS / 3
    assert all((tmp_path / "done" / str(n)).is_file() for n in range(JOBS))


def test_another_version_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch):
    found = JobScheduler._schedule_reevalutation
    monkeypatch.setattr(snakemake, "__version__", "9.99.0")
    wake.install()
    assert JobScheduler._schedule_reevalutation is found
