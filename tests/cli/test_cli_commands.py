"""Commands: bad input is one line and status 2; help comes at once."""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from taskneurons import cli
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


def commands(parser: argparse.ArgumentParser, name: str = "") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every parser with what is typed for it."""
    yield name, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, inner in action.choices.items():
                yield from commands(inner, f"{name} {word}".strip())


def test_the_help_of_every_command_says_what_it_and_its_options_do() -> None:
    found = dict(commands(cli._parser()))
    assert {"stage", "params docs", "export sets"} <= set(found)
    for name, parser in found.items():
        assert parser.description and parser.description.endswith("."), name
        silent = [action.dest for action in parser._actions if not action.help and action.dest != "==SUPPRESS=="]
        assert silent == [], name
        if name:
            assert " ".join(parser.description.split()) in " ".join(parser.format_help().split())


def test_params_check_says_what_is_wrong_with_every_file(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = [tmp_path / "one.yaml", tmp_path / "two.yaml"]
    bad[0].write_text("a: 1\na: 2\n")
    assert main(["params", "check", str(bad[0]), str(root / "params/ci.yaml"), str(bad[1])]) == 2
    said = capsys.readouterr()
    assert "ci.yaml: good (" in said.out
    errors = [line for line in said.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 2
    assert all(f"{file}: " in error for file, error in zip(bad, errors, strict=True))


@pytest.mark.parametrize("what", ["docs", "schema"])
def test_reference_files_are_written_and_checked(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    assert main(["params", what, "--check"]) == 1
    assert list((tmp_path / "docs").iterdir()) == []
    assert main(["params", what]) == 0
    assert main(["params", what, "--check"]) == 0
    (written,) = (tmp_path / "docs").iterdir()
    written.write_text(written.read_text() + "x")
    before = written.read_text()
    capsys.readouterr()
    assert main(["params", what, "--check"]) == 1
    assert capsys.readouterr().out == f"docs/{written.name}: stale. Run `taskneurons params {what}`\n"
    assert written.read_text() == before, "a check writes nothing"


@pytest.mark.parametrize("cores", ["0", "-1", "many", "1.5", "²"])
def test_cores_are_a_positive_number_or_all(cores: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["results", f"--cores={cores}"])
    assert stop.value.code == 2
    assert "expected a positive number or all" in capsys.readouterr().err


PROJECT = "there is no Snakefile here. Run this in the project's folder"
PAGES = "there is no folder docs here. Run this in a checkout of taskneurons"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        *((command, PROJECT) for command in ("results", "report", "recover", "stages", "stages --check", "stage data")),
        *((command, PAGES) for command in ("params docs", "params schema", "claims docs", "tables docs")),
    ],
)
def test_a_command_that_writes_is_refused_where_it_would_write_astray(
    command: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(command.split()) == 2
    assert capsys.readouterr().err == f"error: {said}\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "command",
    [
        "report --out",
        "params show --out",
        "lineage results/x --svg",
        "claims compare a.json b.json --figure",
        "export sets",
    ],
)
def test_a_folder_is_no_file_to_write(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    with pytest.raises(SystemExit) as stop:
        main([*command.split(), "docs"])
    assert stop.value.code == 2
    assert "docs is a folder, where a file was expected" in capsys.readouterr().err


def test_a_chain_is_drawn_in_an_svg_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["lineage", "results/tables/data.csv", "--svg", "chain.png"]) == 2
    assert capsys.readouterr().err == "error: --svg chain.png: expected a file that ends in .svg\n"


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
    Path("Snakefile").touch()
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
