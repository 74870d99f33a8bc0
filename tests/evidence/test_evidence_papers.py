"""The published numbers are complete, agree with their own averages, and broken files are refused."""

from pathlib import Path
from statistics import fmean

import pytest
from made_up_tasks import make_tasks

from taskneurons.errors import InputError
from taskneurons.evidence.papers import (
    CONTROLLED,
    CORRELATIONS,
    FILES,
    ORDERS,
    OVERLAPS,
    SCORES,
    STREAMS,
    mirrored,
    printed_rows,
    printed_task,
    read_table,
    table_of,
)

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "published" / "leng2025"
TABLES = {"T4": CORRELATIONS, "T5": STREAMS, "T8": OVERLAPS, "T14": ORDERS} | dict.fromkeys(
    ["T9", "T10", "T11"], CONTROLLED
)
DIGEST = ROOT.parent / "shared" / "papers" / "leng2025"


def test_every_file_is_read_and_every_table_has_a_file() -> None:
    assert {f"{name}.csv" for name in FILES.values()} == {path.name for path in FOLDER.glob("*.csv")}
    for table in FILES:
        assert read_table(TABLES.get(table, SCORES), table_of(FOLDER.glob("*.csv"), table))


def test_readme_names_every_file() -> None:
    text = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
    assert [name for name in FILES.values() if name not in text] == []


@pytest.mark.skipif(not DIGEST.is_dir(), reason="the digest of the paper is not beside this checkout")
def test_files_equal_the_digest_of_the_paper() -> None:
    for name in FILES.values():
        assert (FOLDER / f"{name}.csv").read_bytes() == (DIGEST / f"{name}.csv").read_bytes()


@pytest.mark.parametrize("table", ["T1", "T2", "T6", "T7"])
def test_printed_averages_follow_from_the_printed_tasks(table: str) -> None:
    rows = read_table(SCORES, table_of(FOLDER.glob("*.csv"), table))
    for condition in {row.condition for row in rows}:
        for kind, mean in (("classification", "mean_cls"), ("generation", "mean_gen")):
            of_kind = {r.task: r.value for r in rows if (r.condition, r.task_type) == (condition, kind)}
            printed = of_kind.pop(mean)
            assert len(of_kind) == 6
            # The averages are printed with one decimal.
            assert fmean(of_kind.values()) == pytest.approx(printed, abs=0.0501), (condition, mean)


HEADER = "method,order,value\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("method,value\nSeqFT,1\n", r":1: columns must be method, order, value"),
        (HEADER, "holds no values"),
        (HEADER + "SeqFT,1,46.4\nSeqFT,1,47\n", r"measures again what .* holds: method SeqFT, order 1"),
        (HEADER + "SeqFT,,46.4\n", r":2: a cell that names the value is empty"),
        (HEADER + "SeqFT,1,464\n", r":2: `value`: is `464`; expected a number or in \[0, 100\]"),
        (HEADER + "SeqFT,1,nan\n", "is `nan`; expected a number"),
        (HEADER + "SeqFT,1,\n", "is empty; expected a number"),
        (HEADER + "SeqFT,1\n", "has 2 cells, the header 3"),
    ],
)
def test_broken_files_are_refused_with_their_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "table5_continual_learning.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_table(STREAMS, tmp_path / "table5_continual_learning.csv")


def test_absent_file_and_unknown_table_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"table1_deactivation_llama2_7b\.csv: no such file"):
        read_table(SCORES, tmp_path / "table1_deactivation_llama2_7b.csv")
    with pytest.raises(InputError, match="the published table T1 is not among the inputs"):
        table_of([tmp_path / "other.csv"], "T1")


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
    assert printed_task(name, source, read_table(SCORES, table_of(FOLDER.glob("*.csv"), "T1"))) == expected


def test_an_average_mirrors_the_papers_only_where_the_tasks_are_the_papers() -> None:
    tasks, printed = make_tasks(), printed_rows(SCORES, FOLDER.glob("*.csv"), "T1")
    assert mirrored(tasks, printed)["synthetic", "mean_cls"] == "mean_cls"
    fewer = mirrored([task for task in tasks if task.name != "nli_place"], printed)
    assert ("synthetic", "mean_cls") not in fewer
    assert fewer["synthetic", "mean_gen"] == "mean_gen"
