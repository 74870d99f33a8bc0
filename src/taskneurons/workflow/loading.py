"""Loads the modules of the package from their sources alone, and keeps what it loaded.

Python would take a compiled file for a module's code where the size and the date of its source are those that it
knows. Both can be put back after an edit; then the code that runs is not the one that stands in the file. A job must
know what it ran, so this is the first thing that its script imports.
"""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType

PACKAGE = "taskneurons"
LOADED: dict[str, bytes] = {}
"""The source of each module of the package that was loaded since `install`."""


class _Loader(SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        """Compile the source as it is now."""
        source = self.get_data(self.path)
        LOADED[fullname] = source
        code: CodeType = self.source_to_code(source, self.path)
        return code


class _Finder:
    """Finds what Python would find, for the package."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Where a module of the package is, with our loader."""
        if not name.startswith(f"{PACKAGE}."):
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.origin and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(name, spec.origin)
            spec.cached = None
        return spec


def install() -> None:
    """Load modules of the package this way from now on; those that are loaded already stay as they are."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
