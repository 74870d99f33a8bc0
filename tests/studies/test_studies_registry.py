import subprocess
import sys

from taskneurons.studies.registry import REPORT, STUDIES, TARGETS


def test_every_room_and_every_rule_file_is_in_the_one_list(root):
    rooms = {path.parent.name for path in (root / "src/taskneurons/studies").glob("*/__init__.py")}
    rules = {path.stem for path in (root / "rules").glob("*.smk")} - {"common", "headlines"}
    assert [study.name for study in STUDIES] == list(TARGETS[:-1])
    assert set(TARGETS[:-1]) == rooms
    assert set(TARGETS) == rules and TARGETS[-1] == REPORT
    assert len(set(TARGETS)) == len(TARGETS)


def test_every_published_table_is_shown_by_a_study_and_every_page_is_there(root):
    printed = [name for study in STUDIES for name, _ in study.published]
    there = {path.relative_to(root / "published").as_posix() for path in (root / "published").rglob("*.csv")}
    assert set(printed) == there and len(printed) == len(there)
    assert [study.page for study in STUDIES if study.page and not (root / "docs" / study.page).is_file()] == []


def test_charts_and_comparisons_are_drawn_from_tables_that_the_study_shows():
    for study in STUDIES:
        asked = {chart.table for chart in study.charts} | ({study.beside.table} if study.beside else set())
        assert asked <= {stem for stem, _ in study.tables}


def test_every_committed_table_has_a_heading_and_every_figure_a_caption(root):
    headings = {stem for study in STUDIES for stem, _ in study.tables}
    assert {path.stem for path in (root / "results/tables").glob("*.csv")} - headings == set()
    studies = {study.name: study for study in STUDIES}
    figures = list((root / "results/figures").rglob("*.svg"))
    names = [path.relative_to(root / "results/figures").parts[0] for path in figures]
    assert len(figures) > 50
    assert [path for path, name in zip(figures, names, strict=True) if not studies[name].caption(path.stem)] == []


def test_the_list_costs_nothing(root):
    code = (
        "import sys, taskneurons.studies.registry\n"
        "heavy = ('numpy', 'pandas', 'matplotlib', 'pydantic', 'yaml', 'torch')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root / "src")
    assert done.stdout.strip() == "[]"
