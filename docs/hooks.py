"""What the site has from outside this folder: whatever its pages link to in the repository.

Pages link to figures, claims and examples as they lie in the repository, so that links work where it is read as files.
Here those files join the site, each at its own path, and a linked page brings what it links to itself. MkDocs then
finds them and writes the links of the site. A link that leads nowhere stays unknown, and the strict build fails.
"""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel

_LINK = re.compile(r"\]\(([^)#\s]+)")
_OUTSIDE = "../"


class RepositoryFiles(Files):
    """Files of the site, known by their path from the folder of the pages, such as `../claims.yaml`."""

    def __init__(self, files: Files, folder: str) -> None:
        super().__init__(files)
        self._folder = f"{_OUTSIDE}{folder}/"

    def get_file_from_path(self, path: str) -> File | None:
        """The file at a path; a page outside the folder names the folder where it links into it."""
        return super().get_file_from_path(path.removeprefix(self._folder))


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files of the repository that pages link to, and those that linked pages link to."""
    pages = Path(config.docs_dir)
    found = RepositoryFiles(files, pages.name)
    taken = {file.dest_uri for file in found}
    reading = list(found.documentation_pages())
    while reading:
        for path in _linked(reading.pop()):
            if found.get_file_from_path(path) is not None or not _is_of_the_repository(path, pages):
                continue
            file = _file(path, config)
            # A page of the site is never replaced: a link to the README of the repository is a dead one.
            if file.dest_uri in taken:
                continue
            found.append(file)
            taken.add(file.dest_uri)
            if file.is_documentation_page():
                reading.append(file)
    return found


def _linked(page: File) -> Iterator[str]:
    """What a page links to, as paths from the folder of the pages."""
    here = posixpath.dirname(page.src_uri)
    return (posixpath.normpath(posixpath.join(here, unquote(link))) for link in _LINK.findall(page.content_string))


def _is_of_the_repository(path: str, pages: Path) -> bool:
    """Whether a path from the folder of the pages is that of a file beside the folder, inside the repository."""
    own = path.removeprefix(_OUTSIDE)
    return own != path and not own.startswith(_OUTSIDE) and (pages / path).is_file()


def _file(path: str, config: MkDocsConfig) -> File:
    """A file of the repository as one of the site, which has it at its path in the repository."""
    own = File(path.removeprefix(_OUTSIDE), None, config.site_dir, config.use_directory_urls)
    return File(
        path,
        config.docs_dir,
        config.site_dir,
        config.use_directory_urls,
        dest_uri=own.dest_uri,
        # Else MkDocs takes the two dots for the name of a hidden file.
        inclusion=InclusionLevel.INCLUDED,
    )
