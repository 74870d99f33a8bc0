"""The printed numbers are complete, agree with their own averages, and broken files are refused."""

from pathlib import Path
from statistics import fmean
from typing import Any

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
)
from taskneurons.table import Table

ROOT = Path(__file__).parents[2]
PATHS = sorted((ROOT / "published" / "leng2025").glob("*.csv"))
DIGEST = ROOT.parent / "shared" / "papers" / "leng2025"
FORMS: dict[str, Table[Any]] = {
    **dict.fromkeys(("T1", "T2", "T6", "T7"), SCORES),
    **dict.fromkeys(("T9", "T10", "T11"), CONTROLLED),
    "T4": CORRELATIONS, "T5": STREAMS, "T8": OVERLAPS, "T14": ORDERS,
}  # fmt: skip


def test_every_file_is_read_and_every_table_has_a_file() -> None:
    assert set(FILES.values()) == {path.stem for path in PATHS}
    for name in FILES:
        assert printed_rows(FORMS[name], PATHS, name)


def test_readme_names_every_file() -> None:
    text = (ROOT / "published" / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in PATHS if path.name not in text] == []


@pytest.mark.skipif(not DIGEST.is_dir(), reason="the digest of the paper is not beside this checkout")
def test_files_equal_the_digest_of_the_paper() -> None:
    for path in PATHS:
        assert path.read_bytes() == (DIGEST / path.name).read_bytes()


@pytest.mark.parametrize("name", ["T1", "T2", "T6", "T7"])
def test_printed_averages_follow_from_the_printed_tasks(name: str) -> None:
    rows = printed_rows(SCORES, PATHS, name)
    for condition in {row.condition for row in rows}:
        for kind, mean in (("classification", "mean_cls"), ("generation", "mean_gen")):
            of_kind = {row.task: row.value for row in rows if (row.condition, row.task_type) == (condition, kind)}
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
        (HEADER + "SeqFT,1,46.4\nSeqFT,1,47\n", r"measures again .*method SeqFT, order 1"),
        (HEADER + "SeqFT,,46.4\n", r":2: a cell that names the value is empty"),
        (HEADER + "SeqFT,1,464\n", r":2: `value`: is `464`; expected a number or in \[0, 100\]"),
        (HEADER + "SeqFT,1,nan\n", "is `nan`; expected a number"),
        (HEADER + "SeqFT,1,\n", "is empty; expected a number"),
        (HEADER + "SeqFT,1\n", "has 2 cells, the header 3"),
    ],
)
def test_broken_files_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "table5_continual_learning.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        printed_rows(STREAMS, [path], "T5")


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"table1_deactivation_llama2_7b\.csv: no such file"):
        printed_rows(SCORES, [tmp_path / "table1_deactivation_llama2_7b.csv"], "T1")
    with pytest.raises(InputError, match="published table T1 is not among the inputs"):
        printed_rows(SCORES, [], "T1")


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
    assert printed_task(name, source, printed_rows(SCORES, PATHS, "T1")) == expected


def test_an_average_mirrors_the_papers_only_where_the_tasks_are_the_papers() -> None:
    tasks, printed = make_tasks(), printed_rows(SCORES, PATHS, "T1")
    assert mirrored(tasks, printed)["synthetic", "mean_cls"] == "mean_cls"
    fewer = mirrored([task for task in tasks if task.name != "nli_place"], printed)
    assert ("synthetic", "mean_cls") not in fewer
    assert fewer["synthetic", "mean_gen"] == "mean_gen"
