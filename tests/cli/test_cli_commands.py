"""Commands: bad input is one line and status 2; help comes at once."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from taskneurons.cli import main
from taskneurons.lineage.graph import Graph


def test_params_check_names_the_file_and_counts(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["params", "check", str(root / "params.yaml"), str(root / "params/ci.yaml")]) == 0
    runs = yaml.safe_load((root / "params/ci.yaml").read_text())["runs"]
    seeds = sum(len(run["seeds"]) for run in runs)
    assert f"ci.yaml: good ({len(runs)} runs, {seeds} seeds in all)" in capsys.readouterr().out


def test_bad_input_is_an_error_of_one_line_without_a_traceback(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("a: 1\na: 2\n")
    command = [sys.executable, "-m", "taskneurons.cli", "params", "check"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: params.yaml: ")
    assert "line 2: a: this key already stands in line 1" in done.stderr
    assert "Traceback" not in done.stderr
    path.unlink()
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.stderr == "error: params.yaml: no such file\n"


@pytest.mark.parametrize("what", ["docs", "schema"])
def test_reference_files_are_written_and_checked(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["params", what]) == 0
    assert main(["params", what, "--check"]) == 0
    (written,) = (tmp_path / "docs").iterdir()
    written.write_text(written.read_text() + "x")
    assert main(["params", what, "--check"]) == 2
    assert f"docs/{written.name}: stale. Run `taskneurons params {what}`" in capsys.readouterr().err


@pytest.mark.parametrize("cores", ["0", "-1", "many", "1.5", "²"])
def test_cores_are_a_positive_number_or_all(cores: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["results", f"--cores={cores}"])
    assert stop.value.code == 2
    assert "expected a positive number or all" in capsys.readouterr().err


def test_results_outside_a_project_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["results"]) == 2
    assert "there is no Snakefile here. Run this in the project's folder" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["audit", "crate", "lineage"])
def test_a_parameter_file_that_is_not_there_is_named_and_not_the_snakefile(
    command: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("Snakefile").write_text("rule all:\n")
    Path("lineage").mkdir()
    first = (root / "lineage" / "data.jsonl").read_text().partition("\n")[0]
    Path("lineage/data.jsonl").write_text(f"{first}\n")
    more = {"audit": [], "crate": ["run.zip"], "lineage": [json.loads(first)["outputs"][0]["output"]]}[command]
    assert main([command, *more, "--params", "nope.yaml"]) == 2
    assert capsys.readouterr().err == "error: nope.yaml: no such file\n"


@pytest.mark.parametrize("command", ["recover", "report"])
@pytest.mark.parametrize(
    "content", ["{}", "[]", "no JSON", '{"studies": [], "jobs": [{}], "study_of": {}, "raw": {}, "params": ""}']
)
def test_a_graph_of_another_version_is_one_sentence_with_the_way_out(
    command: str, content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    graph = tmp_path / ".taskneurons" / "graph.json"
    graph.parent.mkdir()
    graph.write_text(content)
    assert main([command]) == 2
    assert capsys.readouterr().err == (
        "error: .taskneurons/graph.json: no graph that this version left. Run `snakemake -n`, which writes it anew\n"
    )
    # What the remedy leaves is read.
    Graph((), (), {}, {}, "params.yaml").save()
    assert main([command]) == 0


def test_help_answers_at_once_and_imports_nothing_of_weight() -> None:
    heavy = {"torch", "transformers", "numpy", "pandas", "matplotlib", "pydantic", "yaml", "snakemake", "dvc", "rich"}
    code = (
        "import sys, time\n"
        "from taskneurons.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        f"assert not {heavy} & set(sys.modules), {heavy} & set(sys.modules)\n"
        "print(time.process_time(), file=sys.stderr)"
    )
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True) for _ in range(5)]
    assert all("COMMAND" in run.stdout for run in runs), runs[0].stderr
    # CPU seconds of the whole process; the best of five, because machines are shared.
    assert min(float(run.stderr) for run in runs) <= 0.2
