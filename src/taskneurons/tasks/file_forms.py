"""Which file of a folder holds a split of a task, and the forms beside JSON Lines: CSV, Parquet, and .gz of texts."""

import csv
import difflib
import gzip
import io
import json
import zlib
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from taskneurons.errors import InputError
from taskneurons.tasks.curation import Record
from taskneurons.tasks.task import SPLITS

SPLIT_NAMES = {"train": ("train",), "validation": ("validation", "valid", "val", "dev"), "test": ("test",)}
"""What files call the splits."""
FORMS = (".jsonl", ".csv", ".parquet", ".jsonl.gz", ".csv.gz")
Columns = tuple[str, str]
"""What a file calls the input and the target of an example."""
COLUMNS: Columns = ("input", "target")
# A cell longer than this is no example but a broken file.
MAX_CELL = 1_000_000


def split_files(task: str, present: Collection[str]) -> dict[str, str]:
    """The file of each split among the names that a folder has.

    Returns:
        Split -> name. Validation is absent where no file holds it; train and test are named as JSON Lines then, so that
        whoever reads them says that they are missing.

    Raises:
        InputError: two files hold the same split, or a file of the task would be left out unseen.
    """
    files = {}
    for split in SPLITS:
        names = [f"{task}.{name}{form}" for name in SPLIT_NAMES[split] for form in FORMS]
        found = [name for name in names if name in present]
        if len(found) > 1:
            raise InputError(
                f"{found[0]} and {found[1]} both hold the {split} split of task {task}", remedy="Keep one of them"
            )
        if found or split != "validation":
            files[split] = found[0] if found else names[0]
    _refuse_strays(task, present, files.values())
    return files


def _refuse_strays(task: str, present: Collection[str], files: Collection[str]) -> None:
    """Refuse a file that is meant as a split of a task and is named or written as none.

    The task's name and a point begin it; no task's name holds a point, so that it is no other task's.
    """
    known = [name for names in SPLIT_NAMES.values() for name in names]
    # What bears the name of a file and one more ending is its backup, its pointer or its licence.
    beside = tuple(f"{one}{mark}" for one in files for mark in ".~")
    for name in sorted(present):
        start, _, rest = name.partition(".")
        if start != task or name in files or name.endswith(".dvc") or name.startswith(beside):
            continue
        if name.lower().endswith(FORMS) or rest.partition(".")[0].lower() in known:
            raise InputError(
                f"{name} is no file of a split of task {task}, and would be left out",
                remedy=f"Name it {task}.<split> with one of {', '.join(known)} and one of the ends "
                f"{', '.join(FORMS)}, or move it elsewhere",
            )


@contextmanager
def opened(file: Path) -> Iterator[BinaryIO]:
    """The bytes of a file, decompressed where its name ends in .gz.

    Raises:
        InputError: the file is absent or cannot be read, or is no whole gzip file.
    """
    try:
        with file.open("rb") as stream:
            if file.suffix == ".gz":
                with gzip.open(stream) as content:
                    yield cast(BinaryIO, content)
            else:
                yield stream
    except FileNotFoundError:
        forms = ", ".join(FORMS)
        raise InputError(
            "no such file", where=str(file), remedy=f"A split is a file with one of the ends {forms}"
        ) from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"not a whole gzip file ({error})", where=str(file), remedy="Compress it again") from None
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror or type(error).__name__})", where=str(file)) from None


def read_csv_records(file: Path, columns: Columns = COLUMNS) -> list[Record]:
    """The rows of a CSV file with two columns (RFC 4180, UTF-8), each with file:line.

    Raises:
        InputError: as `opened`; the file is empty, not UTF-8, has a byte order mark, other columns, a row with more or
            fewer cells than the header, a quote that is not closed, or a row that is too long.
    """
    csv.field_size_limit(MAX_CELL)
    with opened(file) as stream:
        try:
            rows = csv.reader(io.TextIOWrapper(stream, "utf-8", newline=""), strict=True)
            header = next(rows, None)
            if header is None:
                raise InputError("the file is empty", where=str(file))
            _require_commas(header, columns, f"{file}:1")
            _require_columns(header, columns, f"{file}:1")
            records = []
            for cells in rows:
                where = f"{file}:{rows.line_num}"
                if len(cells) != len(header):
                    raise InputError(f"{len(cells)} cells in a table of {len(header)} columns", where=where)
                row = dict(zip(header, cells, strict=True))
                records.append(Record(where, row[columns[0]], row[columns[1]]))
        except UnicodeDecodeError as error:
            raise InputError(
                f"not UTF-8 (byte {error.start + 1} of a block)", where=str(file), remedy="Save it as UTF-8"
            ) from None
        except csv.Error as error:
            raise InputError(f"not CSV ({error})", where=f"{file}:{rows.line_num}") from None
    return _some(records, file)


def read_parquet_records(file: Path, columns: Columns = COLUMNS) -> list[Record]:
    """The rows of a Parquet file with two columns, of which the second may hold lists of texts.

    Raises:
        InputError: as `opened`; it is no Parquet file, has other columns, or a cell that is not text in UTF-8.
    """
    # Only users of such a file pay for the import.
    import pyarrow
    from pyarrow import parquet

    with opened(file) as stream:
        try:
            table = parquet.ParquetFile(stream)
            _require_columns(table.schema_arrow.names, columns, str(file))
            found = table.read(list(dict.fromkeys(columns))).to_pydict()
        except pyarrow.ArrowException as error:
            raise InputError(f"not a Parquet file that can be read ({type(error).__name__})", where=str(file)) from None
        except UnicodeDecodeError:
            raise InputError("a cell is not UTF-8", where=str(file), remedy="Write its texts as UTF-8") from None
    rows = zip(*(found[name] for name in columns), strict=True)
    records = [record(text, target, f"{file}, row {number}", columns) for number, (text, target) in enumerate(rows, 1)]
    return _some(records, file)


def record(text: Any, target: Any, where: str, columns: Columns = COLUMNS) -> Record:
    """A record of an input and of one right answer or a list of them.

    Args:
        text: the input.
        target: the answer, or a list of them.
        where: named in messages.
        columns: what the file calls the two.

    Raises:
        InputError: the input or an answer is not text, holds half a surrogate pair, or there is no answer.
    """
    answers = target if isinstance(target, list) else [target]
    if not answers:
        raise InputError(f"`{columns[1]}` is an empty list", where=where, remedy="Give one right answer at least")
    for key, value in ((columns[0], text), *((columns[1], answer) for answer in answers)):
        if not isinstance(value, str):
            also = " or a list of texts" if key == columns[1] else ""
            quoted = isinstance(value, int | float)
            raise InputError(
                f"`{key}` must be text{also}, not {type_name(value)}",
                where=where,
                remedy=f'Write it as text: "{json.dumps(value)}"' if quoted else None,
            )
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InputError(f"`{key}` holds half a surrogate pair, which is no character", where=where) from None
    return Record(where, text, answers[0], tuple(answers[1:]))


def type_name(value: Any) -> str:
    """What the type of a value is called in JSON, in words."""
    names = {dict: "an object", list: "a list", bool: "true or false", int: "a number", float: "a number", str: "text"}
    return "null" if value is None else names.get(type(value), type(value).__name__)


def require_fields(columns: Columns, present: Iterable[str], where: str, what: str) -> None:
    """Refuse a record or a table without one of two fields, and name the one that may be meant.

    Args:
        columns: what the fields are called.
        present: the fields that there are.
        where: named in messages.
        what: has the fields, in words.

    Raises:
        InputError: a field is missing.
    """
    present = list(present)
    for key in columns:
        if key not in present:
            near = difflib.get_close_matches(key, [one for one in present if one not in columns], n=1)
            needs = f"{what} needs `{columns[0]}` and `{columns[1]}`; other names may stand as `columns` in tasks.json"
            raise InputError(f"`{key}` is missing", where=where, remedy=f"Rename {near[0]!r}" if near else needs)


def _require_commas(header: list[str], columns: Columns, where: str) -> None:
    """Refuse a table whose first line holds both columns between marks that are not commas."""
    for mark, said in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if len(header) == 1 and set(columns) <= {name.strip('"') for name in header[0].split(mark)}:
            raise InputError(f"the columns stand between {said}", where=where, remedy="Save it with commas")


def _require_columns(names: list[str], columns: Columns, where: str) -> None:
    if names and names[0].startswith("\ufeff"):
        raise InputError("the file starts with a byte order mark", where=where, remedy="Save it as UTF-8 without BOM")
    require_fields(columns, names, where, "The table")
    for key in columns:
        if names.count(key) > 1:
            raise InputError(f"the column `{key}` is there twice", where=where)


def _some(records: list[Record], file: Path) -> list[Record]:
    if not records:
        raise InputError("the file is empty", where=str(file))
    return records
