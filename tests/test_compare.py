"""Two runs are compared as their tolerance says; the first difference that is not small is named."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from csv_files import write_csv
from hypothesis import given
from hypothesis import strategies as st

from taskneurons import cli
from taskneurons.compare import RELATIVE, STATUS, close, compare
from taskneurons.errors import InputError
from taskneurons.files import sha256, write_json, write_jsonl, write_safetensors
from taskneurons.lineage.graph import Graph, PlannedJob
from taskneurons.lineage.record import Line, iso, write_records
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.selection import Selection
from taskneurons.neurons.sets import NeuronSet, save_sets

SCORES = "results/neurons/s/m/seed0/scores/taylor/a.safetensors"
SETS = "results/neurons/s/m/seed0/sets/taylor-20-layer/a.safetensors"
NAMES = [f"results/{name}" for name in ("tables/t.csv", "data/x.json", "models/w.safetensors", "figures/f.svg")]


def write_run(folder: Path, *, off: float = 0.0, seconds: float = 1.0, swap: tuple[int, int] | None = None) -> None:
    """A run whose numbers are off by a share."""
    one = 1 + off
    rows = [
        {"metric": "accuracy", "value": 0.5 * one, "n": 3},
        {"metric": "seconds", "value": seconds, "n": 3},
        {"metric": "loss", "value": None, "n": 3},
    ]
    for name in (*NAMES, SCORES, SETS):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
    write_csv(folder / NAMES[0], rows, ["metric", "value", "n"])
    write_json(folder / NAMES[1], {"chance": [0.25 * one], "of": "0" * 64})
    write_safetensors(folder / NAMES[2], {"w": np.linspace(-1, 1, 50, dtype=np.float32) * np.float32(one)}, {})
    (folder / NAMES[3]).write_text("<svg/>")
    values = np.linspace(1, 2, 20, dtype=np.float32).reshape(2, 10) * np.float32(one)
    values[0, 0:2] = values[0, 8]
    scores = NeuronScores(values, values, values, "a", "0" * 64, "taylor", 1, 1)
    scores.save(folder / SCORES)
    mask = Selection.parse("taylor-20-layer").of(scores).mask.copy()
    if swap:
        mask[0, swap[0]], mask[0, swap[1]] = mask[0, swap[1]], mask[0, swap[0]]
    save_sets(folder / SETS, {"task": NeuronSet(mask)}, {})


@pytest.fixture
def here(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    write_run(tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def outcomes(other: Path) -> dict[str, str]:
    return {one.path: one.outcome for one in compare(other).artifacts}


def test_equal_runs_are_equal(here, tmp_path):
    write_run(tmp_path / "there")
    assert set(outcomes(tmp_path / "there").values()) == {"equal"}
    assert compare(tmp_path / "there").status == 0


def test_rounding_is_within_the_tolerance_and_more_is_not(here, tmp_path):
    write_run(tmp_path / "there", off=RELATIVE / 10)
    found = outcomes(tmp_path / "there")
    assert {found[name] for name in (*NAMES[:3], SCORES)} == {"within"}
    assert compare(tmp_path / "there").status == 3
    write_run(tmp_path / "far", off=RELATIVE * 10)
    found = outcomes(tmp_path / "far")
    assert {found[name] for name in (*NAMES[:3], SCORES)} == {"different"}
    assert compare(tmp_path / "far").status == 1
    first = {one.path: one.difference for one in compare(tmp_path / "far").artifacts}
    assert first[NAMES[0]].startswith("line 2, value: 0.5 and 0.5005")
    assert first[NAMES[1]].startswith("chance[0]: 0.25 and 0.25")


def test_what_measures_the_run_is_not_compared(here, tmp_path):
    write_run(tmp_path / "there", seconds=99.0)
    assert outcomes(tmp_path / "there")[NAMES[0]] == "within"


def test_sets_may_differ_at_the_cut_and_nowhere_else(here, tmp_path):
    """Of neurons with one score some are in the set; which, rounding decides."""
    mask = Selection.parse("taylor-20-layer").of(NeuronScores.load(here / SCORES)).mask[0]
    (at_the_cut,) = [n for n in (0, 1, 8) if mask[n]][:1] or [8]
    outside = next(n for n in (0, 1, 8) if not mask[n])
    write_run(tmp_path / "there", swap=(at_the_cut, outside))
    assert outcomes(tmp_path / "there")[SETS] == "within"
    write_run(tmp_path / "far", swap=(9, 3))
    assert outcomes(tmp_path / "far")[SETS] == "different"


def test_other_columns_rows_and_files_are_different(here, tmp_path):
    write_run(tmp_path / "there")
    path = tmp_path / "there" / NAMES[0]
    text = path.read_text()
    for changed in (text.replace("metric,value", "value,metric"), text + "loss,1,3\n", text.replace("accuracy", "f1")):
        path.write_text(changed)
        assert outcomes(tmp_path / "there")[NAMES[0]] == "different"
    path.unlink()
    (tmp_path / "there/results/tables/new.csv").write_text("a\n")
    found = outcomes(tmp_path / "there")
    assert (found[NAMES[0]], found["results/tables/new.csv"]) == ("only here", "only there")


def test_a_figure_that_nobody_drew_of_other_tables_is_different(here, tmp_path):
    write_run(tmp_path / "there")
    (tmp_path / "there" / NAMES[3]).write_text("<svg>other</svg>")
    assert outcomes(tmp_path / "there")[NAMES[3]] == "different"


def recorded(*outputs: Path, inputs: tuple[str, ...] = ()) -> list[Line]:
    """Records of artifacts of the current folder, made of others."""
    times = {"started": iso(1e9), "ended": iso(1e9 + 1)}
    code = {"entry": "data.tables:make", "code": "c" * 64, "wiring": "d" * 64}
    read = tuple((name, "0" * 64) for name in inputs)
    return [
        Line(str(path), sha256(path), path.stat().st_size, f"make{n}", read, {}, **code, **times)
        for n, path in enumerate(outputs)
    ]


def record(lines: list[Line]) -> None:
    """Write records where a run of the current folder would."""
    jobs = tuple(PlannedJob(one.rule, "{}", f"{one.entry} {one.code}", one.wiring, (), (one.output,)) for one in lines)
    write_records(lines, Graph(("data",), jobs, {job.rule: "data" for job in jobs}, {}, "params.yaml"))


def test_what_differs_and_is_not_here_has_a_status_of_its_own(here, tmp_path, monkeypatch, capsys):
    write_run(tmp_path / "there")
    weights, page = Path(NAMES[2]), Path(NAMES[3])
    with monkeypatch.context() as there:
        there.chdir(tmp_path / "there")
        write_safetensors(weights, {"w": np.zeros(50, np.float32)}, {})
        page.write_text("<svg>drawn of other weights</svg>")
        record(recorded(weights))
        weights.unlink()
    record([*recorded(weights), *recorded(page, inputs=(str(weights),))])
    found = outcomes(tmp_path / "there")
    assert {name for name in found if found[name] == "unknown"} == {str(weights), str(page)}
    assert set(found.values()) == {"equal", "unknown"}
    assert cli.main(["compare", str(tmp_path / "there")]) == 4
    assert "2 unknown" in capsys.readouterr().out
    # A difference that is known is the worse news, one within the tolerance is not.
    table = tmp_path / "there" / NAMES[0]
    table.write_text(table.read_text().replace("0.5", str(0.5 * (1 + RELATIVE / 10))))
    assert outcomes(tmp_path / "there")[NAMES[0]] == "within" and compare(tmp_path / "there").status == 4
    table.unlink()
    assert compare(tmp_path / "there").status == 1


def test_the_help_says_every_status_that_there_is(capsys):
    with pytest.raises(SystemExit):
        cli.main(["compare", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    page = (Path(__file__).parents[1] / "docs" / "lineage.md").read_text(encoding="utf-8")
    part = page.partition("## For a replicator")[2].partition("\n## ")[0]
    for status in sorted({*STATUS.values(), 2}):
        assert f" {status} " in said.partition("Exit status:")[2], status
        assert f"\n| {status} | " in part, status


@pytest.mark.parametrize("changed", ["0.5,3,9", "0.5", "0.5,3,"])
def test_a_row_with_another_number_of_cells_is_different_on_either_side(changed, here, tmp_path):
    write_run(tmp_path / "there")
    path = tmp_path / "there" / NAMES[0]
    assert "accuracy,0.5,3" in path.read_text()
    path.write_text(path.read_text().replace("0.5,3", changed, 1))
    cells = 1 + len(changed.split(","))

    def said(other):
        return {one.path: (one.outcome, one.difference) for one in compare(other).artifacts}[NAMES[0]]

    start = "line 2: another number of cells: "
    assert said(tmp_path / "there") == ("different", f"{start}3 and {cells} below 3 columns")
    # Each run lacks or has as many as the other, which a table does not.
    (here / NAMES[0]).write_text(path.read_text().replace("seconds", "minutes"))
    assert said(tmp_path / "there") == ("different", f"{start}{cells} and {cells} below 3 columns")


def test_lines_of_json_end_where_lines_end_and_nowhere_else(here, tmp_path):
    """Separators of lines and paragraphs may stand in a text as they are."""
    path = Path("results/data/tasks.jsonl")
    for folder, off in ((here, 0.0), (tmp_path / "there", RELATIVE / 10), (tmp_path / "far", 1.0)):
        write_run(folder)
        write_jsonl(folder / path, [{"input": "one\u2028two\u2029three\x85four", "share": 1.0 + off}, {"input": "b"}])
    assert "\u2028" in path.read_text(encoding="utf-8")
    assert outcomes(tmp_path / "there")[str(path)] == "within"
    far = {one.path: one.difference for one in compare(tmp_path / "far").artifacts}
    assert far[str(path)] == "[0].share: 1.0 and 2.0"


def test_a_damaged_or_encrypted_crate_is_refused_in_one_sentence(here, tmp_path, capsys):
    crate, other = tmp_path / "run.zip", str(tmp_path / "run.zip")
    with zipfile.ZipFile(crate, "w") as archive:
        archive.write(here / NAMES[0], NAMES[0])
    whole = crate.read_bytes()
    assert compare(crate).count("equal") == 1
    entry, content = whole.index(b"PK\x01\x02"), whole.index(b"accuracy")
    damaged = {
        "a byte of a table": (content, whole[content] ^ 1),
        "where its entry lies": (entry + 42, 77),
        "the mark of its entry": (entry, 0),
    }
    for what, (at, byte) in damaged.items():
        crate.write_bytes(whole[:at] + bytes([byte]) + whole[at + 1 :])
        assert zipfile.is_zipfile(crate), what
        assert cli.main(["compare", other]) == 2, what
        assert capsys.readouterr().err.startswith(f"error: {other}: not a whole zip file ("), what
    crate.write_bytes(whole[: entry + 10] + bytes([99]) + whole[entry + 11 :])
    with pytest.raises(InputError, match=r"cannot be unpacked here .* Unpack it, and name the folder"):
        compare(crate)
    flags = bytearray(whole)
    flags[6] |= 1
    flags[entry + 8] |= 1
    crate.write_bytes(flags)
    with pytest.raises(InputError, match="holds encrypted files"):
        compare(crate)


@pytest.mark.parametrize("packed", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_packed_member_that_is_damaged_is_refused_in_one_sentence(here, tmp_path, packed):
    crate = tmp_path / "run.zip"
    with zipfile.ZipFile(crate, "w", packed) as archive:
        archive.write(here / NAMES[0], NAMES[0])
    content = bytearray(crate.read_bytes())
    at = 30 + len(NAMES[0])
    content[at : at + 40] = bytes(byte ^ 0xFF for byte in content[at : at + 40])
    crate.write_bytes(content)
    with pytest.raises(InputError, match="not a whole zip file"):
        compare(crate)


def test_what_is_no_run_is_refused(here, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.zip").write_text("no zip")
    for name in ("empty", "text.zip", "absent"):
        with pytest.raises(InputError, match=name):
            compare(tmp_path / name)


@given(st.floats(allow_nan=True), st.floats(allow_nan=True))
def test_closeness_is_symmetric_and_holds_for_equal_numbers(one, other):
    assert close(one, one) and close(one, other) == close(other, one)


def test_a_comparison_is_json(here, tmp_path):
    write_run(tmp_path / "there")
    assert json.loads(json.dumps(compare(tmp_path / "there").as_dict()))["counts"]["equal"] == len(NAMES) + 2
