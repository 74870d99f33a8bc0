"""The pages tell the truth: links lead somewhere, the README stays short and names every study."""

import re
from pathlib import Path

import pytest

from taskneurons.studies.registry import STUDIES

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as code hosts make them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file_or_heading(page: Path):
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), link


def test_the_readme_is_short_and_names_every_study():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.encode()) <= 9000
    assert [study.name for study in STUDIES if f"`{study.name}`" not in text] == []


def test_the_site_starts_with_findings_in_the_words_of_the_readme():
    readme, start = (
        " ".join(path.read_text(encoding="utf-8").split()) for path in (PAGES[0], ROOT / "docs" / "index.md")
    )
    _, *findings = re.split(r" \d\. (?=\*\*)", start.partition("## Five findings")[2].partition(" ## ")[0])
    assert len(findings) == 5
    assert [finding for finding in findings if finding not in readme] == []


def test_the_readme_draws_the_tree_as_it_is():
    tree = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Where things are")[2]
    package = ROOT / "src" / "taskneurons"
    rooms = {path.name for path in package.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert [room for room in rooms if f"{room}/" not in tree] == []
    named = re.findall(r"^  (\w+)/ ", tree, re.MULTILINE)
    assert set(named) <= rooms
