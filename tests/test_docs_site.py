"""The site of the pages: whatever a page shows or links to is there, and a link that leads nowhere fails its build."""

import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

TINY = """\
site_name: tiny
theme: mkdocs
plugins: []
hooks: [{hook}]
validation: {{links: {{not_found: warn}}}}
"""


class Targets(HTMLParser):
    """What a built page shows and links to."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in ("href", "src") and value]


def build(folder: Path, site: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def dead(site: Path) -> Iterator[tuple[str, str]]:
    for page in site.rglob("*.html"):
        for target in Targets(page).found:
            parts = urlsplit(target)
            # The page of errors may be shown at any address, so that its links begin at the root.
            start = site if parts.path.startswith("/") else page.parent
            place = start / unquote(parts.path).lstrip("/")
            if not (parts.scheme or parts.netloc or (place / "index.html").is_file() or place.is_file()):
                yield page.relative_to(site).as_posix(), target


@pytest.fixture
def tiny(root: Path, tmp_path: Path) -> Path:
    """A repository whose only page links to a picture and to an example, which links back and to a file of its own."""
    files = {
        "mkdocs.yml": TINY.format(hook=root / "docs" / "hooks.py"),
        "README.md": "# The repository",
        "docs/index.md": "![A picture](../made/a%20picture.png) [an example](../examples/one/README.md#again)",
        "docs/more/page.md": "[start](../index.md) [the same example](../../examples/one/README.md)",
        "made/a picture.png": "picture",
        "made/not linked.png": "picture",
        "examples/one/README.md": "# One\n\n## Again\n\n[back](../../docs/more/page.md) [numbers](numbers.csv)",
        "examples/one/numbers.csv": "1",
        "examples/two/README.md": "# Two",
    }
    for name, text in files.items():
        path = tmp_path / "tiny" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "tiny"


def test_everything_that_the_site_shows_and_links_to_is_there(root: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    done = build(root, site)
    assert done.returncode == 0, done.stderr
    assert list(dead(site)) == []
    assert sum(target.endswith(".png") for page in site.rglob("*.html") for target in Targets(page).found) > 14
    assert not (site / "hooks.py").exists()


def test_what_pages_link_to_joins_the_site_at_its_own_path_and_nothing_else_does(tiny: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    done = build(tiny, site)
    assert done.returncode == 0, done.stderr
    assert list(dead(site)) == []
    assert (site / "made/a picture.png").read_text() == "picture"
    assert "../../more/page/" in Targets(site / "examples/one/index.html").found
    assert "examples/one/#again" in Targets(site / "index.html").found
    assert (site / "examples/one/numbers.csv").exists()
    assert not (site / "made/not linked.png").exists() and not (site / "examples/two").exists()


def test_make_builds_the_site_so_that_warnings_count(root: Path) -> None:
    command = ["make", "--dry-run", "docs", "PYTHON=python3"]
    planned = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    (line,) = [line for line in planned.splitlines() if "mkdocs build" in line]
    assert "--strict" in line and "quiet" not in line and "-q" not in line


@pytest.mark.parametrize(
    ("page", "link"),
    [
        ("docs/index.md", "../made/no.png"),
        ("docs/index.md", "../../outside.txt"),
        ("docs/index.md", "../README.md"),
        ("examples/one/README.md", "../../docs/no.md"),
        ("examples/one/README.md", "no.csv"),
    ],
)
def test_a_link_that_leads_nowhere_on_the_site_fails_the_strict_build(
    tiny: Path, tmp_path: Path, page: str, link: str
) -> None:
    (tmp_path / "outside.txt").write_text("not of the repository")
    with (tiny / page).open("a") as file:
        file.write(f" [more]({link})")
    done = build(tiny, tmp_path / "site")
    assert done.returncode != 0
    assert f"contains a link '{link}'" in done.stderr
