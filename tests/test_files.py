"""Files: what is written is read back; a full disk or a kill in the middle of a write leaves the old file whole."""

import csv
import hashlib
import json
import math
import os
import signal
import struct
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

from taskneurons.errors import InputError
from taskneurons.files import (
    read_csv,
    read_json,
    read_jsonl,
    read_safetensors,
    replacing,
    sha256,
    write_json,
    write_jsonl,
    write_safetensors,
    write_text,
)

TEXT = st.text(st.characters(exclude_categories=("Cs",)))
DOCUMENT = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)

# Writes each format over an old file in a process that may write no file of more than 20,000 bytes.
ON_A_FULL_DISK = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from taskneurons import files
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
text, rows = "x" * 100_000, [{"a": "x" * 1000}] * 100
writes = {
    "text": lambda path: files.write_text(path, text),
    "bytes": lambda path: files.write_bytes(path, text.encode()),
    "json": lambda path: files.write_json(path, rows),
    "jsonl": lambda path: files.write_jsonl(path, rows),
    "safetensors": lambda path: files.write_safetensors(path, {"a": np.zeros(100_000)}, {}),
}
for name, write in writes.items():
    path = Path(name)
    path.write_text("old")
    try:
        write(path)
    except Exception as error:
        print(name, path.read_text(), type(error).__name__)
    else:
        print(name, "was written")
print("left", *sorted({path.name for path in Path().iterdir()} - set(writes)))
"""

IN_THE_MIDDLE = """
import sys, time
from taskneurons.files import replacing
with replacing("target") as partial, partial.open("w") as file:
    file.write("half")
    file.flush()
    print("written", flush=True)
    time.sleep(600)
"""


def test_a_full_disk_leaves_the_old_files_and_nothing_else(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", ON_A_FULL_DISK], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    *written, left = [line.split() for line in done.stdout.splitlines()]
    assert [name for name, *_ in written] == ["text", "bytes", "json", "jsonl", "safetensors"]
    assert {old for _, old, _ in written} == {"old"}
    assert left == ["left"]


def test_a_kill_in_the_middle_of_a_write_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("old")
    with subprocess.Popen([sys.executable, "-c", IN_THE_MIDDLE], cwd=tmp_path, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"written\n"
        process.send_signal(signal.SIGKILL)
    assert target.read_text() == "old"
    # The half-written file has a name that no reader asks for, and `taskneurons recover` knows it.
    (half,) = set(tmp_path.iterdir()) - {target}
    assert half.name.startswith(".target.") and half.suffix == ".partial"


def test_an_error_inside_the_block_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("old")
    with pytest.raises(KeyboardInterrupt), replacing(target) as partial:
        partial.write_text("half")
        raise KeyboardInterrupt
    assert [path.name for path in tmp_path.iterdir()] == ["target"]
    assert target.read_text() == "old"


def test_a_write_replaces_the_file_and_never_edits_it(tmp_path: Path) -> None:
    """A process that has the old file open, or mapped into memory, keeps reading the old bytes."""
    target = tmp_path / "folder" / "target"
    write_text(target, "old")
    with target.open() as file:
        write_text(target, "new and longer")
        assert file.read() == "old"
    assert target.read_text() == "new and longer"
    mask = os.umask(0)
    os.umask(mask)
    assert target.stat().st_mode & 0o777 == 0o666 & ~mask


@given(st.lists(DOCUMENT, max_size=4))
def test_json_lines_are_read_back(tmp_path_factory: pytest.TempPathFactory, documents: list) -> None:
    path = tmp_path_factory.mktemp("files") / "x.jsonl"
    write_jsonl(path, documents)
    assert list(read_jsonl(path)) == documents


@given(DOCUMENT)
def test_json_is_read_back_and_has_one_form(tmp_path_factory: pytest.TempPathFactory, document: object) -> None:
    path = tmp_path_factory.mktemp("files") / "x.json"
    write_json(path, document)
    assert read_json(path) == document
    before = path.read_bytes()
    if isinstance(document, dict):
        write_json(path, dict(reversed(document.items())))
    assert path.read_bytes() == before


@given(st.lists(st.tuples(TEXT.filter(lambda text: "\r" not in text), st.floats(allow_nan=False)), max_size=4))
def test_tables_are_read_back(tmp_path_factory: pytest.TempPathFactory, rows: list) -> None:
    path = tmp_path_factory.mktemp("files") / "x.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([["number", "empty", "text"], *([number, None, text] for text, number in rows)])
    found = read_csv(path)
    assert [(row["text"], float(row["number"])) for row in found] == rows
    assert {row["empty"] for row in found} <= {""}


def test_what_has_no_form_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("old")
    for value in (math.nan, math.inf):
        with pytest.raises(ValueError, match="JSON"):
            write_json(path, {"a": value})
        with pytest.raises(ValueError, match="JSON"):
            write_jsonl(path, [{"a": value}])
    assert path.read_text() == "old"


def test_arrays_are_read_back_with_their_header(tmp_path: Path) -> None:
    arrays = {"a": np.arange(6, dtype=np.float32).reshape(2, 3).T, "b": np.array([True, False])}
    path = tmp_path / "x.safetensors"
    write_safetensors(path, arrays, {"task": "é"})
    found, header = read_safetensors(path)
    assert header == {"task": "é"}
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype
    assert sha256(path) == hashlib.sha256(path.read_bytes()).hexdigest()


@given(st.dictionaries(st.text(min_size=1), st.text(), min_size=2, max_size=8))
def test_equal_arrays_and_headers_make_equal_bytes(header: dict[str, str]) -> None:
    """Against the library's own writer, which orders the header by chance, and its reader."""
    with TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{at}.safetensors" for at in range(3)]
        arrays = {"b": np.arange(3, dtype=np.float32), "a": np.array([True])}
        for path, order in zip(paths, (header, dict(reversed(header.items())), header), strict=True):
            write_safetensors(path, arrays, order)
        assert len({path.read_bytes() for path in paths}) == 1
        found, read = read_safetensors(paths[0])
        assert read == header
        save_file(arrays, paths[1], header)
        assert paths[0].stat().st_size == paths[1].stat().st_size
        for name, array in arrays.items():
            np.testing.assert_array_equal(found[name], array)


def damaged(path: Path) -> dict[str, bytes]:
    write_safetensors(path, {"a": np.zeros(9, np.float32)}, {})
    good = path.read_bytes()
    return {
        "truncated": good[:-4],
        "cut in the header": good[:20],
        "empty": b"",
        "huge header": struct.pack("<Q", 2**60) + good[8:],
        "a pickle": b"\x80\x04K\x01.",
        "text": b"not a tensor\n",
    }


@pytest.mark.parametrize("fault", ["truncated", "cut in the header", "empty", "huge header", "a pickle", "text"])
def test_damaged_arrays_are_refused_with_their_path(tmp_path: Path, fault: str) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(damaged(path)[fault])
    with pytest.raises(InputError, match=f"^{path}: not a readable safetensors file"):
        read_safetensors(path)


def test_absent_and_broken_files_are_named_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "x"
    for read in (read_json, read_csv, read_safetensors, lambda path: list(read_jsonl(path))):
        with pytest.raises(InputError, match=f"^{path}: no such file"):
            read(path)
    path.write_text('{"a": 1}\n{"a":\n')
    with pytest.raises(InputError, match=f"^{path}:2: not JSON"):
        list(read_jsonl(path))
    path.write_text('{\n"a": }')
    with pytest.raises(InputError, match=f"^{path}:2: not JSON .*column 6"):
        read_json(path)
    path.write_bytes(json.dumps("é", ensure_ascii=False).encode("latin-1"))
    with pytest.raises(InputError, match=rf"^{path}: not UTF-8 \(byte 1\)\. Save it as UTF-8"):
        read_json(path)
