"""Records against what git's history says: a result that no job can have made from what the first one read."""

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from taskneurons.lineage.history import history_findings
from taskneurons.lineage.record import Line, line_texts
from taskneurons.lineage.root import REPORT

HONEST = Line(
    output="results/tables/a.csv",
    sha256="a" * 64,
    size=9,
    rule="tabulate",
    inputs=(("results/data/x", "d" * 64),),
    settings={"percent": 10},
    entry="a.tables:tabulate",
    code="c" * 64,
    wiring="w" * 64,
    started="2026-01-01T00:00:00.000000+00:00",
    ended="2026-01-01T00:00:01.000000+00:00",
    device="cpu",
    machine={"processor": "one"},
    software={"python": "3.11.7"},
)
FORGED = replace(HONEST, sha256="b" * 64)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    git("init", "-q")
    (tmp_path / "lineage").mkdir()
    commit(HONEST)
    return tmp_path


def git(*arguments: str) -> None:
    who = ["-c", "user.name=tester", "-c", "user.email=tester@localhost"]
    subprocess.run(["git", *who, *arguments], check=True, capture_output=True)


def commit(*lines: Line) -> None:
    if lines:
        Path("lineage/a.jsonl").write_text(line_texts(lines))
    git("add", "-A")
    git("commit", "-q", "--allow-empty", "-m", "x")


def found(line: Line) -> list[str]:
    return [finding.severity for finding in history_findings({line.output: line})]


def test_other_bytes_of_the_same_job_are_an_error_also_when_they_were_committed_and_none_when_they_are_put_back(folder):
    assert found(HONEST) == []
    (finding,) = history_findings({FORGED.output: FORGED})
    assert (finding.severity, finding.subjects) == ("error", (FORGED.output,))
    assert "dvc repro" not in finding.text, "no advice certifies it"
    commit(FORGED)
    commit()
    assert found(FORGED) == ["error"]
    assert found(replace(FORGED, started=HONEST.ended, ended=HONEST.ended, memory={"host": 1})) == ["error"]
    assert found(HONEST) == []


@pytest.mark.parametrize(
    "change",
    [
        {"inputs": (("results/data/x", "e" * 64),)},
        {"settings": {"percent": 11}},
        {"code": "e" * 64},
        {"entry": "a.tables:other"},
        {"wiring": "e" * 64},
        {"software": {"python": "3.12.0"}},
        {"output": REPORT},
    ],
)
def test_what_was_made_otherwise_may_have_other_bytes(folder, change):
    commit(replace(HONEST, output=REPORT))
    assert found(replace(FORGED, **change)) == []


@pytest.mark.parametrize("change", [{"machine": {"processor": "two"}}, {"device": "a GPU"}])
def test_rounding_of_another_machine_is_a_note(folder, change):
    assert found(replace(FORGED, **change)) == ["note"]


def test_what_a_merge_brought_counts(folder):
    git("checkout", "-q", "-b", "other")
    commit(HONEST, replace(HONEST, output="results/tables/b.csv", started=HONEST.ended))
    git("checkout", "-q", "-")
    git("merge", "-q", "--no-ff", "-m", "x", "other")
    assert found(replace(FORGED, output="results/tables/b.csv")) == ["error"]


def test_a_folder_without_history_is_a_note(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert found(FORGED) == ["note"]


def test_lines_of_an_earlier_version_and_what_is_none_say_nothing(folder):
    (folder / "lineage/a.jsonl").write_text('{"output": 3}\n{broken\n{"version": 1, "outputs": []}\n')
    git("add", "-A")
    git("commit", "-q", "-m", "x")
    assert found(FORGED) == ["error"]
    assert found(HONEST) == []
