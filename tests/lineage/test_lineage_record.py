"""Records, hashes and the claim of a folder, without Snakemake."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskneurons.errors import InputError
from taskneurons.files import sha256
from taskneurons.lineage import active
from taskneurons.lineage.graph import Graph, PlannedJob, is_artifact
from taskneurons.lineage.hashes import HashCache
from taskneurons.lineage.record import Line, instant, iso, read_records, write_records
from taskneurons.lineage.stages import out_paths, rooms

LINE = Line(
    output="results/data/a.txt",
    sha256="a" * 64,
    size=3,
    rule="make",
    inputs=(("raw/x", "b" * 64), ("raw/x", "b" * 64)),
    settings={"seed": 1},
    entry="data.tables:make",
    code="c" * 64,
    wiring="d" * 64,
    started=iso(1e9),
    ended=iso(1e9 + 1),
    device="cpu",
    software={"python": "3.11"},
)
JOB = PlannedJob(
    rule="make",
    settings='{"seed":1}',
    code=f"data.tables:make {'c' * 64}",
    wiring="d" * 64,
    inputs=("raw/x",),
    outputs=("results/data/a.txt",),
)
GRAPH = Graph(
    studies=("data", "models"),
    jobs=(JOB, replace(JOB, rule="train", outputs=("results/tables/t.csv",))),
    study_of={"make": "data", "train": "models"},
    raw={"data": ("raw",)},
    params="params.yaml",
)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_records_are_read_as_they_were_written(folder):
    table = replace(LINE, output="results/tables/t.csv", device=None)
    write_records([table, LINE], GRAPH)
    assert sorted(path.name for path in (folder / "lineage").iterdir()) == ["data.jsonl", "models.jsonl"]
    assert read_records() == {LINE.output: LINE, table.output: table}
    write_records([LINE], GRAPH)
    assert [path.name for path in (folder / "lineage").iterdir()] == ["data.jsonl"]


def test_a_record_is_one_line_a_job_sorted_by_output(folder):
    first = [replace(LINE, output=f"results/data/{name}") for name in "cab"]
    later = replace(LINE, output="results/data/aa", ended=iso(1e9 + 9))
    graph = replace(GRAPH, jobs=(replace(JOB, outputs=tuple(line.output for line in [*first, later])),))
    write_records([*first, later], graph)
    jobs = [json.loads(text) for text in (folder / "lineage/data.jsonl").read_text().splitlines()]
    assert [[output["output"][13:] for output in job["outputs"]] for job in jobs] == [["a", "b", "c"], ["aa"]]


def test_records_of_an_earlier_version_count_as_absent_and_of_a_later_one_are_refused(folder):
    write_records([LINE], GRAPH)
    path = folder / "lineage/data.jsonl"
    job = json.loads(path.read_text())
    said = []
    path.write_text(json.dumps({key: value for key, value in job.items() if key != "version"}) + "\n")
    assert read_records(said.append) == {}
    assert "earlier version" in said[0]
    path.write_text(json.dumps(job | {"version": job["version"] + 1}) + "\n")
    with pytest.raises(InputError, match=r"lineage/data\.jsonl:1: written by a later version.*Update this checkout"):
        read_records()


def test_writing_the_same_records_touches_nothing(folder):
    write_records([LINE], GRAPH)
    path = folder / "lineage/data.jsonl"
    os.utime(path, (5, 5))
    write_records([LINE], GRAPH)
    assert path.stat().st_mtime == 5


@pytest.mark.parametrize(
    "change",
    [
        {"output": "/etc/passwd"},
        {"output": "results/../../x"},
        {"output": "results"},
        {"output": "src/x.py"},
        {"output": 3},
        {"sha256": "short"},
        {"sha256": "A" * 64},
        {"ended": "yesterday"},
        {"ended": iso(1e9 - 1)},
        {"inputs": [["raw/x", "short"]]},
        {"inputs": None},
        {"unknown": 1},
    ],
)
def test_a_broken_record_is_refused_with_file_and_line(folder, change):
    write_records([LINE, replace(LINE, output="results/data/b.txt", rule="other")], GRAPH)
    path = folder / "lineage/data.jsonl"
    first, second = path.read_text().splitlines()
    job = json.loads(second)
    outputs = {key: change[key] for key in change if key in ("output", "sha256")}
    broken = job | {key: change[key] for key in change if key not in outputs}
    broken["outputs"] = [job["outputs"][0] | outputs]
    path.write_text(first + "\n" + json.dumps(broken) + "\n")
    with pytest.raises(InputError, match=r"lineage/data\.jsonl:2: not a lineage record"):
        read_records()


@pytest.mark.parametrize("text", ["no JSON", "3", "[1]", "{}", "[" * 100_000])
def test_a_line_that_is_no_record_is_refused_with_file_and_line(folder, text):
    (folder / "lineage").mkdir()
    (folder / "lineage/data.jsonl").write_text(text + "\n")
    with pytest.raises(InputError, match=r"lineage/data\.jsonl:1: not a lineage record"):
        read_records()


def test_records_in_conflict_count_as_absent(folder):
    kept = replace(LINE, output="results/data/kept")
    mine, theirs = LINE, replace(LINE, sha256="f" * 64)
    path = folder / "lineage/data.jsonl"
    texts = []
    for line in (kept, mine, theirs):
        write_records([line], GRAPH)
        texts.append(path.read_text().strip())
    said = []
    path.write_text("\n".join([texts[0], "<<<<<<< HEAD", texts[1], "=======", texts[2], ">>>>>>> other", ""]))
    assert read_records(said.append) == {kept.output: kept}
    path.write_text("\n".join([*texts, ""]))
    assert read_records(said.append) == {kept.output: kept}, "a union merge leaves both"
    assert len(said) == 2


@given(st.integers(0, 4_000_000_000_000_000))
def test_times_keep_their_microseconds(microseconds):
    assert instant(iso(microseconds / 1e6)) == pytest.approx(microseconds / 1e6, abs=1e-6)
    assert iso(instant(iso(microseconds / 1e6))) == iso(microseconds / 1e6)


@pytest.mark.parametrize(
    ("path", "good"),
    [("results/a", True), ("results/a/b.c", True), ("results", False), ("results/../a", False), ("/results/a", False)],
)
def test_artifacts_lie_below_results(path, good):
    assert is_artifact(path) == good


def test_a_graph_refuses_artifacts_elsewhere_and_rules_of_no_study():
    with pytest.raises(InputError, match="rule make"):
        replace(GRAPH, jobs=(replace(JOB, outputs=("params.yaml",)),))
    with pytest.raises(InputError, match="no study"):
        replace(GRAPH, jobs=(replace(JOB, rule="unknown"),))


def test_a_graph_is_loaded_as_it_was_saved():
    GRAPH.save()
    assert Graph.load() == GRAPH
    assert GRAPH.artifacts("models") == ["results/tables/t.csv"]
    assert GRAPH.study("results/data/a.txt") == "data"


def test_hashes_are_those_of_the_bytes_now(folder):
    """Also when size and modification time are the same as before."""
    file = folder / "x"
    file.write_text("one")
    os.utime(file, (7, 7))
    cache = HashCache(folder / "hashes.json")
    assert cache.of("x") == sha256(file)
    cache.save()
    file.write_text("two")
    os.utime(file, (7, 7))
    assert HashCache(folder / "hashes.json").of("x") == sha256(file)


def test_hashes_are_computed_once(folder, monkeypatch):
    (folder / "x").write_text("one")
    cache = HashCache(folder / "hashes.json")
    digest = cache.of("x")
    cache.save()
    monkeypatch.setattr("taskneurons.lineage.hashes.sha256", lambda path: pytest.fail("hashed again"))
    assert HashCache(folder / "hashes.json").of("x") == digest


def test_files_that_are_gone_are_forgotten(folder):
    cache = HashCache(folder / "hashes.json")
    for name in "xy":
        (folder / name).write_text(name)
        cache.of(name)
    (folder / "x").unlink()
    cache.save()
    assert list(json.loads((folder / "hashes.json").read_text())) == ["y"]


def test_one_claim_a_folder(folder):
    assert active.claim() == []
    assert active.claim() == [], "a process that has the folder keeps it"
    other = "from taskneurons.lineage import active; active.claim()"
    done = subprocess.run([sys.executable, "-c", other], capture_output=True, text=True, check=False)
    assert done.returncode
    assert f"process {os.getpid()}" in done.stderr
    active.release()
    subprocess.run([sys.executable, "-c", other], check=True)
    assert active.claim() == [], "a process that ended well left nothing to clear"
    active.release()


def test_a_folder_that_cannot_be_claimed_is_refused_in_one_sentence(folder, monkeypatch):
    """A full disk, or a folder that may not be written, where root may write everywhere."""
    (folder / ".taskneurons").write_text("a file in the way")
    with pytest.raises(InputError, match="a run cannot be claimed here"):
        active.claim()
    (folder / ".taskneurons").unlink()

    def full(content, file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("taskneurons.lineage.active.json.dump", full)
    with pytest.raises(InputError, match=r"No space left on device.*make room"):
        active.claim()
    monkeypatch.undo()
    assert active.claim() == []
    active.release()


def test_a_claim_of_a_killed_process_is_cleared(folder):
    killed = "import os; from taskneurons.lineage import active; active.claim(); os.kill(os.getpid(), 9)"
    assert subprocess.run([sys.executable, "-c", killed], check=False).returncode == -9
    (folder / ".snakemake/locks").mkdir(parents=True)
    (folder / ".snakemake/locks/0.input.lock").write_text("raw\n")
    (folder / "results/data").mkdir(parents=True)
    (folder / "results/data/.a.txt.xyz.partial").write_text("ha")
    (folder / "results/data/a.partial").write_text("a user's file")
    cleared = " ".join(active.claim())
    active.release()
    assert "was killed" in cleared
    assert not (folder / ".snakemake/locks").exists()
    assert [path.name for path in (folder / "results/data").iterdir()] == ["a.partial"]


def test_dvc_tracks_folders_and_single_tables():
    artifacts = [
        "results/data/s/a.txt",
        "results/data/s/b.txt",
        "results/cards/s/a.md",
        "results/tables/data.csv",
        "results/figures/data/s/x.png",
    ]
    assert out_paths(artifacts) == [
        "results/cards",
        "results/data",
        "results/figures/data",
        "results/tables/data.csv",
    ]


def test_code_of_a_stage_is_named_by_rooms(monkeypatch):
    monkeypatch.chdir(Path(__file__).parents[2])
    modules = ["taskneurons", "taskneurons.files", "taskneurons.lineage", "taskneurons.lineage.machine"]
    assert rooms([*modules, "taskneurons.neurons", "taskneurons.neurons.sets", "taskneurons.neurons.scores"]) == {
        "src/taskneurons/files.py",
        "src/taskneurons/lineage/machine.py",
        "src/taskneurons/neurons",
    }
