"""`taskneurons results`: driven with real Snakemake processes on a small workflow of two studies."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import warm

from taskneurons.progress import Progress, duration, recorded_costs, recorded_durations

SNAKEFILE = """
rule all:
    default_target: True
    input: "results/tables/late.csv"

rule early:
    output: "results/early/{i}.txt"
    log: "logs/early/{i}.log"
    shell: "echo working > {log}; sleep SLEEP; COMMAND; echo 1 > {output}"

rule late:
    input: expand("results/early/{i}.txt", i=range(3))
    output: "results/tables/late.csv"
    log: "logs/late/late.log"
    shell: "echo x > {output}"

rule late_study:
    input: rules.late.output
"""


@pytest.fixture
def project(tmp_path: Path, root: Path) -> Path:
    (tmp_path / "params.yaml").write_text((root / "params.yaml").read_text())
    write(tmp_path)
    return tmp_path


def write(project: Path, command: str = "true", sleep: str = "0") -> None:
    (project / "Snakefile").write_text(SNAKEFILE.replace("COMMAND", command).replace("SLEEP", sleep))


def results(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [warm.python(), "-m", "taskneurons.cli", "results", *arguments]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=120)


def test_it_makes_the_targets_and_says_what_and_where(project: Path) -> None:
    picture = project / "results/figures/late/suite/model/drops.png"
    for file in (picture, project / "results/figures/claims/claims-1.png", project / "results/report.html"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    done = results(project, "--cores", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert any(line.startswith("early: ") and " of 5 jobs, " in line for line in lines)
    assert any(line.startswith("late: ") and " left" in line for line in lines)
    assert "Made 5 jobs in" in done.stdout
    assert "2 figures in results/figures/, such as results/figures/late/suite/model/drops.png" in done.stdout
    assert "the report of all: results/report.html" in done.stdout
    assert "1 tables in results/tables/, such as results/tables/late.csv" in done.stdout
    log = Path(lines[-1].removeprefix("The whole log: "))
    assert log.parts[0] == "logs"
    # The log is complete: it has what Snakemake says of every job.
    assert (project / log).read_text().count("Finished jobid") == 5
    again = results(project, "late_study")
    assert "Nothing had to be made: everything is up to date." in again.stdout


def test_a_failed_job_is_shown_with_its_rule_and_the_end_of_its_log(project: Path) -> None:
    write(project, command="echo the disk is on fire >> {log}; false")
    done = results(project, "--cores", "1")
    assert done.returncode == 1
    assert "Failed: early" in done.stdout
    assert "the end of logs/early/" in done.stdout
    assert "    the disk is on fire" in done.stdout
    assert "0 of 5 jobs were done" in done.stdout


def test_a_failed_script_is_shown_with_its_traceback(project: Path) -> None:
    (project / "broken.py").write_text("def read():\n    raise ValueError('no such column')\nread()\n")
    text = (project / "Snakefile").read_text().replace('shell: "echo x > {output}"', 'script: "broken.py"')
    (project / "Snakefile").write_text(text)
    done = results(project, "--cores", "1")
    assert done.returncode == 1
    shown = done.stdout.split("Failed: late\n")[1]
    assert shown.lstrip().startswith("Traceback (most recent call last):")
    assert "ValueError: no such column" in shown
    assert "3 of 5 jobs were done" in shown


def test_a_workflow_that_cannot_be_read_is_shown(project: Path) -> None:
    (project / "Snakefile").write_text("raise ValueError('no such study')\n")
    done = results(project)
    assert done.returncode == 1
    assert "The workflow did not start:" in done.stdout
    assert "no such study" in done.stdout


def test_bad_parameters_stop_it_before_snakemake_starts(project: Path) -> None:
    path = project / "other.yaml"
    path.write_text((project / "params.yaml").read_text().replace("dpi:", "dip:"))
    done = results(project, "--params", "other.yaml")
    assert done.returncode == 2
    assert done.stderr.startswith("error: other.yaml:")
    assert "figures.dip: unknown key. Did you mean `dpi`?" in done.stderr
    assert not (project / "logs").exists()


def test_another_parameter_file_reaches_snakemake_beside_targets(project: Path) -> None:
    (project / "other.yaml").write_text((project / "params.yaml").read_text())
    with (project / "Snakefile").open("a") as file:
        file.write("\nprint('PARAMETERS', [str(path) for path in workflow.configfiles])\n")
    done = results(project, "--params", "other.yaml", "--cores", "1", "late_study")
    assert done.returncode == 0, done.stdout
    log = next((project / "logs").glob("results-*.log")).read_text()
    assert f"PARAMETERS ['{project / 'other.yaml'}']" in log
    assert "late_study" in log


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_reaches_snakemake_and_its_jobs(project: Path, number: signal.Signals) -> None:
    write(project, command="sleep 300; echo late", sleep="0")
    process = subprocess.Popen(
        [sys.executable, "-m", "taskneurons.cli", "results", "--cores", "1"],
        cwd=project,
        stdout=subprocess.PIPE,
        text=True,
        # Tests that a shell runs in the background ignore interrupts, and what they start would do so, too.
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    )
    until = time.monotonic() + 60
    while not list(project.glob("logs/early/*.log")):
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.05)
    process.send_signal(number)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted after 0 of 5 jobs" in out
    alive = [path for path in Path("/proc").glob("[0-9]*/cwd") if _links_to(path, project)]
    assert not alive, "a job outlived the interrupt"


def _links_to(path: Path, folder: Path) -> bool:
    try:
        return path.readlink() == folder
    except OSError:
        return False


def test_on_a_terminal_one_line_renews_itself(project: Path) -> None:
    write(project, sleep="0.5")
    reader, writer = pty.openpty()
    command = [warm.python(), "-m", "taskneurons.cli", "results", "--cores", "1"]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    process = subprocess.Popen(command, cwd=project, stdout=writer, stderr=writer, env=environment)
    os.close(writer)
    shown = b""
    while True:
        try:
            part = os.read(reader, 4096)
        except OSError:
            break
        if not part:
            break
        shown += part
    assert process.wait(timeout=60) == 0
    os.close(reader)
    assert b"of 5 jobs" in shown
    assert b"\x1b[2K" in shown  # It erases the line before it writes it again.
    assert b"Made 5 jobs" in shown


def test_time_left_follows_recorded_durations(tmp_path: Path) -> None:
    def record(rule: str, output: str, seconds: int) -> dict[str, str]:
        return {
            "rule": rule,
            "output": output,
            "started": "2026-01-01T00:00:00.000000+00:00",
            "ended": f"2026-01-01T00:00:{seconds:02}.000000+00:00",
        }

    lines = [record("slow", "a", 30), record("slow", "b", 30), record("fast", "c", 10)]
    (tmp_path / "x.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    (tmp_path / "y.jsonl").write_text("<<<<<<< a conflict\n")
    durations = recorded_durations(tmp_path)
    # Two outputs of one job are one job.
    assert durations == {"slow": 30.0, "fast": 10.0}
    now = [0.0]
    progress = Progress(durations, clock=lambda: now[0])
    begin = ("rule slow:", "    jobid: 1", "")
    for line in ("Job stats:", "job  count", "---  ---", "slow  2", "fast  4", "total  6", *begin):
        progress.feed(line)
    assert progress.line(0) == "starting: 0 of 6 jobs, 0 s, about 1 min 40 s left"
    now[0] = 15
    for line in ("Finished jobid: 1 (Rule: slow)", "1 of 6 steps (17%) done", "rule fast:", "    jobid: 2", ""):
        progress.feed(line)
    # The other slow one takes as long as the first. Of 50 seconds 35 were needed: the four fast ones take 7 each.
    assert progress.line(15) == "starting: 1 of 6 jobs, 15 s, about 43 s left"
    # What a job says of itself is heard, and is not taken for words of a failure.
    now[0] = 16
    progress.feed("tuning: 5 of 10 steps, 00:01 gone, 00:30 left, loss=0.1")
    assert progress.line(16) == "starting: 1 of 6 jobs, 16 s, about 1 min 6 s left; tuning: 5 of 10 steps"


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (190, "3 min 10 s"), (7500, "2 h 5 min")]
)
def test_durations_are_said_as_people_say_them(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_the_cost_is_the_sum_over_the_jobs_of_each_study(tmp_path: Path) -> None:
    def record(cpu: float | None, seconds: int) -> dict[str, object]:
        times = {"started": "2026-01-01T00:00:00+00:00", "ended": f"2026-01-01T00:{seconds // 60:02}:00+00:00"}
        return times | {"rule": "make", "cpu_seconds": cpu}

    assert recorded_costs(tmp_path) == []
    # A job that was recorded before jobs said their CPU time is in neither sum.
    for name, jobs in {"cheap": [(30.0, 60), (None, 600)], "dear": [(600.0, 120), (1200.0, 240)]}.items():
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(record(*job)) + "\n" for job in jobs))
    (tmp_path / "y.jsonl").write_text("<<<<<<< a conflict\n")
    cells = [line.split() for line in recorded_costs(tmp_path)[1:]]
    assert [(name, cpu, wall, jobs) for name, cpu, _, wall, _, jobs, _ in cells] == [
        ("dear", "30.0", "6.0", "2"),
        ("cheap", "0.5", "1.0", "1"),
        ("all", "30.5", "7.0", "3"),
    ]
