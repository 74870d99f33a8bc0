"""SHA-256 of files, computed once for each state of a file."""

from contextlib import suppress
from pathlib import Path

from taskneurons.errors import InputError
from taskneurons.files import read_json, sha256, write_json


class HashCache:
    """Hashes by path, valid while size, modification time (ns), change time (ns) and inode of the file stay the same.

    The change time is part of it because programs can set a modification time back, and do.

    Args:
        path: JSON file to keep them.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[str, list[str | int]] = {}
        if path.is_file():
            try:
                self._known = read_json(path)
            except InputError:
                self._known = {}
        self._changed = False

    def of(self, file: str) -> str:
        """The SHA-256 of a file, in hexadecimal."""
        stat = Path(file).stat()
        state: list[str | int] = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
        known = self._known.get(file)
        if known is None or known[:4] != state:
            known = [*state, sha256(file)]
            self.remember(file, str(known[4]))
        return str(known[4])

    def remember(self, file: str, digest: str) -> None:
        """Note the digest of a file as it is now, where it is known from elsewhere (its times were just set)."""
        stat = Path(file).stat()
        self._known[file] = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino, digest]
        self._changed = True

    def save(self) -> None:
        """Write the cache where something was added; files that are gone are forgotten.

        Where nothing may be written, as in a checkout to read, the digests are taken anew next time.
        """
        if self._changed:
            with suppress(PermissionError):
                write_json(self.path, {file: state for file, state in self._known.items() if Path(file).exists()})
            self._changed = False
