"""Reading and writing the only formats that the project uses: text, JSON, JSONL, CSV, safetensors.

Every write goes to a temporary file in the same folder, is flushed to the disk and then replaces the target in one
step, so that a full disk or a killed job never leaves half an artifact behind.
"""

import csv
import hashlib
import io
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskneurons.errors import InputError

if TYPE_CHECKING:
    import numpy as np


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it is fsynced and replaces `path`, on failure it is removed."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent)
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        # mkstemp makes files that only their owner may read; artifacts follow the user's umask like any other file.
        umask = os.umask(0)
        os.umask(umask)
        partial.chmod(0o666 & ~umask)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write bytes atomically."""
    with replacing(path) as partial:
        partial.write_bytes(content)


def write_text(path: str | Path, content: str) -> None:
    """Write UTF-8 text atomically."""
    write_bytes(path, content.encode("utf-8"))


def write_json(path: str | Path, content: Any) -> None:
    """Write JSON with sorted keys; NaN and infinities are refused because JSON has no form for them."""
    write_text(path, json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n")


def write_jsonl(path: str | Path, records: Iterable[Any]) -> None:
    """Write one JSON document a line."""
    with replacing(path) as partial, partial.open("w", encoding="utf-8", newline="\n") as file:
        for record in records:
            file.write(json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n")


def write_safetensors(path: str | Path, tensors: "Mapping[str, np.ndarray]", header: Mapping[str, str]) -> None:
    """Write named arrays with a header of strings; equal arrays and headers give equal bytes."""
    import numpy as np
    from safetensors.numpy import save_file

    with replacing(path) as partial:
        save_file({name: np.ascontiguousarray(array) for name, array in tensors.items()}, partial, dict(header))
        _sort_header(partial)


def _sort_header(path: Path) -> None:
    """Sort the strings in the header of a safetensors file, which the library writes in an order of chance.

    The header is JSON, filled with spaces to its length; sorted, it is as long as before, so that no array moves.
    """
    with path.open("rb+") as file:
        length = int.from_bytes(file.read(8), "little")
        content = json.loads(file.read(length))
        if "__metadata__" not in content:
            return
        content["__metadata__"] = dict(sorted(content["__metadata__"].items()))
        text = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
        if len(text) > length:
            raise ValueError(f"{path}: the sorted header is longer than that of the library")
        file.seek(8)
        file.write(text.ljust(length))


def read_text(path: str | Path) -> str:
    """Read UTF-8 text.

    Raises:
        InputError: the file is absent or is not UTF-8.
    """
    try:
        return Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError("no such file", where=str(path)) from None
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 (byte {error.start})", where=str(path), remedy="Save it as UTF-8") from None


def read_json(path: str | Path) -> Any:
    """Read one JSON document.

    Raises:
        InputError: not JSON; the message names the line and column.
    """
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise InputError(f"not JSON ({error.msg}, column {error.colno})", where=f"{path}:{error.lineno}") from None


def read_jsonl(path: str | Path) -> Iterator[Any]:
    """Yield the documents of a JSONL file that we wrote ourselves; an empty file has none.

    Raises:
        InputError: a line is not JSON; the message names it.
    """
    text = read_text(path)
    if not text:
        return
    for number, line in enumerate(text.removesuffix("\n").split("\n"), start=1):
        try:
            yield json.loads(line)
        except json.JSONDecodeError as error:
            raise InputError(f"not JSON ({error.msg})", where=f"{path}:{number}") from None


def read_csv(path: str | Path) -> list[dict[str, str]]:
    """Read a CSV file with a header; all cells are text."""
    return list(csv.DictReader(io.StringIO(read_text(path), newline="")))


def read_safetensors(path: str | Path) -> "tuple[dict[str, np.ndarray], dict[str, str]]":
    """Read all arrays and the header.

    Raises:
        InputError: the file is absent, truncated or not safetensors; the message names it.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118
    except FileNotFoundError:
        raise InputError("no such file", where=str(path)) from None
    except SafetensorError as error:
        raise InputError(f"not a readable safetensors file ({error})", where=str(path)) from None


def sha256(path: str | Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
