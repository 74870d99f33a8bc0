"""What the layers study costs is added up from the benchmark files of the jobs that it needs, and of no others."""

import json
from pathlib import Path

import pytest

from taskneurons.errors import InputError

ROOT = Path(__file__).resolve().parents[1]
# Path below logs/benchmarks, seconds, CPU seconds.
JOBS = [
    ("data/wide/make_tasks_all", 2.0, "1.0"),
    ("models/wide/llama/seed0/pretrain_model", 200.0, "180.0"),
    ("models/synthetic/llama/seed0/pretrain_model", 900.0, "800.0"),
    ("models/tabulate_models", 1.0, "0.5"),
    ("layers/wide/llama/seed0/compare_layers_batch0", 30.0, "20.0"),
    ("layers/wide/llama/seed0/compare_layers_batch1", 30.0, "25.0"),
    ("layers/join_layers", 2.0, "NA"),
]


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))


def test_jobs_of_the_study_and_of_its_suites_are_added_up(tmp_path, capsys):
    from benchmarks import layers

    for name, seconds, cpu in JOBS:
        path = tmp_path / "logs" / "benchmarks" / f"{name}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"s\th:m:s\tcpu_time\n{seconds}\t0:00:01\t{cpu}\n")
    out = tmp_path / "found.json"
    assert layers.main(["--root", str(tmp_path), "--out", str(out)]) == 0
    found = json.loads(out.read_text())
    assert (found["cpu_seconds"], found["cpu_seconds_of_study"]) == (226.0, 45.0)
    assert {(row["study"], row["kind"], row["jobs"]) for row in found["rules"]} == {
        ("data", "make_tasks", 1), ("models", "pretrain_model", 1), ("layers", "compare_layers", 2),
        ("layers", "join_layers", 1),
    }  # fmt: skip
    (bar,) = found["bars"]
    assert bar["value"] == pytest.approx(226 / 120) and bar["most"] == 7 and bar["met"]
    assert "CPU minutes / 2 cores" in capsys.readouterr().out


def test_a_folder_without_the_study_says_so(tmp_path):
    from benchmarks import layers

    with pytest.raises(InputError, match="no job of the study ended"):
        layers.costs(tmp_path)
