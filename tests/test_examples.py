"""The example studies can be read, and hold nobody's data."""

from pathlib import Path

import pytest

from taskneurons.params.loading import load_params

EXAMPLES = sorted(path.parent for path in (Path(__file__).parents[1] / "examples").glob("*/params.yaml"))


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)
def test_an_example_is_valid_and_says_how_it_is_made(folder, monkeypatch):
    monkeypatch.chdir(folder)
    params = load_params(Path("params.yaml"))
    page = (folder / "README.md").read_text(encoding="utf-8")
    assert all(run.suite in page and run.model in page for run in params.runs)
    assert "snakemake" in page or "taskneurons results" in page


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)
def test_an_example_holds_neither_tasks_nor_weights(folder):
    # Records name files by their content alone.
    files = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    kinds = {path.suffix for path in files if path.parts[0] not in ("lineage", ".dvc", ".snakemake")}
    assert not kinds & {".jsonl", ".parquet", ".gguf", ".safetensors", ".bin"}
    # A data card shows examples of the data.
    assert not (folder / "results" / "cards").exists()
