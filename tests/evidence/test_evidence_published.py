"""The published numbers are complete, agree with their own averages, and broken files are refused."""

from pathlib import Path
from statistics import fmean

import pytest

from taskneurons.errors import InputError
from taskneurons.evidence.published import LENG2025, published_task, read_published

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "published" / "leng2025"
DIGEST = ROOT.parent / "shared" / "papers" / "leng2025"


def test_every_file_is_read_and_every_table_has_a_file() -> None:
    assert {form.file for form in LENG2025.values()} == {path.name for path in FOLDER.glob("*.csv")}
    for table in LENG2025:
        assert read_published(FOLDER, table)


def test_readme_names_every_file() -> None:
    text = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
    assert [form.file for form in LENG2025.values() if form.file not in text] == []


@pytest.mark.skipif(not DIGEST.is_dir(), reason="the digest of the paper is not beside this checkout")
def test_files_equal_the_digest_of_the_paper() -> None:
    for form in LENG2025.values():
        assert (FOLDER / form.file).read_bytes() == (DIGEST / form.file).read_bytes()


@pytest.mark.parametrize("table", ["T1", "T2", "T6", "T7"])
def test_printed_averages_follow_from_the_printed_tasks(table: str) -> None:
    rows = read_published(FOLDER, table)
    for condition in {row["condition"] for row in rows}:
        for kind, mean in (("classification", "mean_cls"), ("generation", "mean_gen")):
            of_kind = {r["task"]: r["value"] for r in rows if (r["condition"], r["task_type"]) == (condition, kind)}
            printed = of_kind.pop(mean)
            assert len(of_kind) == 6
            # The averages are printed with one decimal.
            assert fmean(of_kind.values()) == pytest.approx(printed, abs=0.0501), (condition, mean)


HEADER = "method,order,value\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("method,value\nSeqFT,1\n", r":2: columns must be method, order, value"),
        (HEADER, "holds no values"),
        (HEADER + "SeqFT,1,46.4\nSeqFT,1,47\n", r":3: repeats line 2: SeqFT, 1"),
        (HEADER + "SeqFT,,46.4\n", r":2: a cell that names the value is empty"),
        (HEADER + "SeqFT,1,464\n", r":2: `value` is `464`, not a number from 0 to 100"),
        (HEADER + "SeqFT,1,nan\n", "not a number"),
        (HEADER + "SeqFT,1,\n", "not a number"),
        (HEADER + "SeqFT,1\n", "not a number"),
    ],
)
def test_broken_files_are_refused_with_their_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "table5_continual_learning.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_published(tmp_path, "T5")


def test_absent_file_and_unknown_table_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"table1_deactivation_llama2_7b\.csv: no such file"):
        read_published(tmp_path, "T1")
    with pytest.raises(InputError, match="no published table `T3`"):
        read_published(FOLDER, "T3")


@pytest.mark.parametrize(
    ("name", "source", "expected"),
    [
        ("sst2", "stanfordnlp/sst2", "SST-2"),
        ("mnli", "nyu-mll/multi_nli", "MNLI"),
        ("sentiment_film", "generated; mirrors SST-2", "SST-2"),
        ("nli_place", "generated; mirrors GPTNLI", "GPTNLI"),
        ("summary_news", "generated; mirrors CNN/DailyMail", "CNN/DailyMail"),
        ("agnews", "fancyzhx/ag_news", None),
        ("mean_cls", "", None),
    ],
)
def test_our_tasks_find_the_papers(name: str, source: str, expected: str | None) -> None:
    assert published_task(name, source, read_published(FOLDER, "T1")) == expected
