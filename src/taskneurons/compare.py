"""`taskneurons compare`: are the results of another run the same, for somebody who made everything again?

Each artifact is equal in bytes, equal within a tolerance, or different, and then the first difference is named. The
tolerances are those that the project promises for other machines, threads and batch sizes (docs/faults.md, row 28).
"""

import csv
import errno
import io
import json
import lzma
import math
import re
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from taskneurons.errors import InputError
from taskneurons.files import read_jsonl, read_safetensors, read_text, sha256
from taskneurons.lineage.record import Line, read_records
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.selection import Selection
from taskneurons.neurons.sets import load_sets

if TYPE_CHECKING:
    from rich.table import Table

RELATIVE = 1e-4
"""Of a number to itself, of an array to its largest value."""
ABSOLUTE = 1e-6
"""Of a number near zero, where a relative difference says nothing."""
# Columns and metrics that measure the run and not the model.
MEASURED = re.compile(r"seconds|memory")
_DIGEST = re.compile(r"[0-9a-f]{64}")

Outcome = Literal["equal", "within", "different", "only here", "only there", "unknown"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
STATUS: Mapping[Outcome, int] = {"equal": 0, "within": 3, "unknown": 4, "different": 1, "only here": 1, "only there": 1}
# How the tables of zip files and their streams say that something is missing or damaged.
_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, UnicodeDecodeError)
# Of a member's flags: its bytes are encrypted.
_ENCRYPTED = 0x1


@dataclass(frozen=True)
class Compared:
    """One artifact of two runs.

    Attributes:
        path: of the artifact.
        outcome: `equal` in bytes; `within` the tolerance; `different`; only in one of the runs; `unknown`: the bytes
            differ, and what tells by how much is not here.
        difference: the first difference, in words; empty where the bytes are equal.
    """

    path: str
    outcome: Outcome
    difference: str = ""


@dataclass(frozen=True)
class Comparison:
    """All artifacts of two runs, sorted by path."""

    artifacts: tuple[Compared, ...]

    @property
    def status(self) -> int:
        """Exit status of the whole.

        It is 0 where no artifact differs, 1 where one is different or in one of the runs alone, else 4 where one
        differs by an unknown amount, else 3: all differences are within the tolerance.
        """
        found = {STATUS[one.outcome] for one in self.artifacts}
        return 1 if 1 in found else max(found, default=0)

    def count(self, outcome: Outcome) -> int:
        """The number of artifacts with an outcome."""
        return sum(one.outcome == outcome for one in self.artifacts)

    def as_dict(self) -> dict[str, Any]:
        """The comparison as JSON values."""
        rows = [{"path": one.path, "outcome": one.outcome, "difference": one.difference} for one in self.artifacts]
        return {"status": self.status, "counts": {name: self.count(name) for name in OUTCOMES}, "artifacts": rows}

    def show(self) -> None:
        """Print what is not equal, and how many artifacts are what."""
        from rich.console import Console
        from rich.text import Text

        console = Console(highlight=False)
        if not console.is_terminal:
            console = Console(highlight=False, width=160)
        console.print(self._table())
        counts = [f"{number} {name}" for name in OUTCOMES if (number := self.count(name))]
        console.print(Text(f"{len(self.artifacts)} artifacts: {', '.join(counts) or 'none'}."))

    def _table(self) -> "Table":
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
        for one in sorted(self.artifacts, key=lambda one: -OUTCOMES.index(one.outcome)):
            if one.outcome != "equal":
                table.add_row(Text(one.outcome), Text(one.path, style="bold"), Text(one.difference))
        return table


def compare(other: str | Path) -> Comparison:
    """Compare the results of the current folder with those of another.

    Args:
        other: a folder with `results/`, such as a clone, or a crate: a folder or a file that ends in .zip.

    Raises:
        InputError: it is none of these, or one of its files or records cannot be read.
    """
    with _unpacked(Path(other)) as there:
        here = Path()
        ours, theirs = (read_records(lambda text: None, root / "lineage") for root in (here, there))
        runs = _Runs(here, there, ours, theirs)
        paths = sorted({*runs.paths(here, ours), *runs.paths(there, theirs)})
        return Comparison(tuple(runs.compared(path) for path in paths))


@contextmanager
def _unpacked(other: Path) -> Iterator[Path]:
    if other.is_dir():
        if not (other / "results").is_dir() and not (other / "lineage").is_dir():
            raise InputError("holds no results", where=str(other), remedy="Name the folder of a project, or a crate")
        yield other
    elif zipfile.is_zipfile(other):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder).resolve()
            _unpack(other, root)
            yield root
    else:
        raise InputError("is no folder and no crate", where=str(other))


def _unpack(file: Path, root: Path) -> None:
    """Unpack a zip file into a folder.

    Raises:
        InputError: it is damaged or encrypted, or a path in it leads out of the folder.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            for one in archive.infolist():
                if not (root / one.filename).resolve().is_relative_to(root):
                    raise InputError(f"holds the path {one.filename}, which lies outside of it", where=str(file))
                if one.flag_bits & _ENCRYPTED:
                    raise InputError("holds encrypted files", where=str(file), remedy="Unpack it, and name the folder")
            archive.extractall(root)
    except NotImplementedError as error:
        remedy = "Unpack it, and name the folder"
        raise InputError(f"cannot be unpacked here ({error})", where=str(file), remedy=remedy) from None
    except (*_DAMAGED, OSError) as error:
        # A damaged table of contents also names places in the file that are none, and bzip2 gives its damage no number;
        # other errors are the disk's.
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        raise InputError(f"not a whole zip file ({error})", where=str(file), remedy="Fetch it again") from None


class _Runs:
    """Two runs; what was compared once is remembered, because figures are what their tables are."""

    def __init__(self, here: Path, there: Path, ours: Mapping[str, Line], theirs: Mapping[str, Line]) -> None:
        self.here, self.there, self.ours, self.theirs = here, there, ours, theirs
        self._done: dict[str, Compared] = {}

    @staticmethod
    def paths(root: Path, lines: Mapping[str, Line]) -> Iterator[str]:
        """The artifacts of a run: what lies there, and what is recorded."""
        yield from lines
        for path in (root / "results").rglob("*"):
            name = path.relative_to(root)
            if path.is_file() and not any(part.startswith(".") for part in name.parts):
                yield name.as_posix()

    def compared(self, path: str) -> Compared:
        """Compare one artifact."""
        if path not in self._done:
            # Records that go round in a circle end here.
            self._done[path] = Compared(path, "unknown", "made of itself")
            self._done[path] = self._compared(path)
        return self._done[path]

    def _compared(self, path: str) -> Compared:
        ours, theirs = self.here / path, self.there / path
        digests = [self._digest(file, lines.get(path)) for file, lines in ((ours, self.ours), (theirs, self.theirs))]
        if None in digests:
            return Compared(path, "only there" if digests[0] is None else "only here")
        if digests[0] == digests[1]:
            return Compared(path, "equal")
        if not (ours.is_file() and theirs.is_file()):
            return Compared(path, "unknown", "the bytes differ; the file is not here to compare, `dvc pull` fetches it")
        try:
            difference = self._difference(path, ours, theirs)
        except (InputError, ValueError, KeyError, csv.Error) as error:
            return Compared(path, "different", f"cannot be read: {error}")
        if difference is None:
            return self._as_its_inputs(path)
        return Compared(path, difference[0], difference[1])

    @staticmethod
    def _digest(file: Path, line: Line | None) -> str | None:
        if file.is_file():
            return sha256(file)
        return line.sha256 if line else None

    def _difference(self, path: str, ours: Path, theirs: Path) -> tuple[Outcome, str] | None:
        """What differs; None for formats whose content cannot be compared."""
        parts = Path(path).parts
        if ours.suffix == ".csv":
            return _of_tables(ours, theirs)
        if ours.suffix == ".json":
            return _of_values(json.loads(read_text(ours)), json.loads(read_text(theirs)))
        if ours.suffix == ".jsonl":
            return _of_values(list(read_jsonl(ours)), list(read_jsonl(theirs)))
        if ours.suffix == ".safetensors":
            if "neurons" in parts and "sets" in parts:
                return _of_sets(ours, theirs)
            return _of_arrays(read_safetensors(ours)[0], read_safetensors(theirs)[0])
        return None

    def _as_its_inputs(self, path: str) -> Compared:
        """A figure or a page is drawn of tables; it is what they are."""
        line = self.ours.get(path)
        inputs = [self.compared(name) for name, _ in line.inputs if name.startswith("results/")] if line else []
        for one in sorted(inputs, key=lambda one: one.outcome == "unknown"):
            if one.outcome not in ("equal", "within"):
                outcome: Outcome = "unknown" if one.outcome == "unknown" else "different"
                return Compared(path, outcome, f"its input {one.path} is {one.outcome}")
        if any(one.outcome == "within" for one in inputs):
            return Compared(path, "within", "drawn of inputs that are within the tolerance")
        return Compared(path, "different", "the bytes differ, although its inputs are equal")


def close(one: float, other: float) -> bool:
    """Whether two numbers are equal within the tolerance; not finite ones are equal to their like alone."""
    if math.isnan(one) or math.isnan(other):
        return math.isnan(one) and math.isnan(other)
    if math.isinf(one) or math.isinf(other):
        return one == other
    return abs(one - other) <= max(ABSOLUTE, RELATIVE * max(abs(one), abs(other)))


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _of_tables(ours: Path, theirs: Path) -> tuple[Outcome, str]:
    (head, rows), (other_head, others) = _table_of(ours), _table_of(theirs)
    if head != other_head:
        return "different", f"columns {', '.join(head)} and {', '.join(other_head)}"
    if len(rows) != len(others):
        return "different", f"{len(rows)} and {len(others)} rows"
    widest: dict[str, str] = {}
    for number, (row, other) in enumerate(zip(rows, others, strict=True), start=2):
        if not len(row) == len(other) == len(head):
            cells = f"{len(row)} and {len(other)} below {len(head)} columns"
            return "different", f"line {number}: another number of cells: {cells}"
        metrics = [cells[head.index("metric")] for cells in (row, other) if "metric" in head]
        measured = any(MEASURED.fullmatch(metric) for metric in metrics) and len(set(metrics)) == 1
        for column, cell, text in zip(head, row, other, strict=True):
            if cell == text or MEASURED.search(column) or measured:
                continue
            one, two = _number(cell), _number(text)
            if one is None or two is None or not close(one, two):
                return "different", f"line {number}, {column}: {cell or '(empty)'} and {text or '(empty)'}"
            widest.setdefault(column, f"line {number}, {column}: {cell} and {text}")
    return "within", next(iter(widest.values()), "only what measures the run differs")


def _table_of(file: Path) -> tuple[list[str], list[list[str]]]:
    """The columns of a table, and its rows as they are, whatever their number of cells."""
    lines = [row for row in csv.reader(io.StringIO(read_text(file), newline="")) if row]
    return (lines[0], lines[1:]) if lines else ([], [])


def _of_values(one: Any, other: Any, key: str = "") -> tuple[Outcome, str]:
    found = _first(one, other, key)
    return ("different", found) if found else ("within", "numbers within the tolerance, or digests of inputs")


def _first(one: Any, other: Any, key: str) -> str | None:
    """Where two JSON values differ by more than the tolerance; digests of inputs are what those are."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return next((text for name in one if (text := _first(one[name], other[name], f"{key}.{name}"))), None)
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return next((text for at, (a, b) in pairs if (text := _first(a, b, f"{key}[{at}]"))), None)
    numbers = [isinstance(value, int | float) and not isinstance(value, bool) for value in (one, other)]
    if all(numbers) and close(float(one), float(other)):
        return None
    if all(isinstance(value, str) and _DIGEST.fullmatch(value) for value in (one, other)) or one == other:
        return None
    return f"{key.lstrip('.') or 'value'}: {_short(one)} and {_short(other)}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."


def _of_arrays(ours: Mapping[str, np.ndarray], theirs: Mapping[str, np.ndarray]) -> tuple[Outcome, str]:
    if ours.keys() != theirs.keys():
        return "different", f"arrays {', '.join(sorted(ours.keys() ^ theirs.keys()))} are in one of them alone"
    worst = (0.0, "equal arrays under other headers")
    for name in sorted(ours):
        one, other = ours[name], theirs[name]
        if one.shape != other.shape or one.dtype != other.dtype:
            return "different", f"{name}: {one.dtype} {one.shape} and {other.dtype} {other.shape}"
        if not np.array_equal(one, other):
            if one.dtype == bool:
                return "different", f"{name}: {int((one != other).sum())} entries"
            a, b = np.asarray(one, np.float64), np.asarray(other, np.float64)
            scale = max(float(np.abs(a).max()), float(np.abs(b).max()))
            share = float(np.abs(a - b).max()) / scale if scale else 0.0
            text = f"{name}: off by {share:.1e} of its largest value"
            if not share <= RELATIVE:
                return "different", text
            worst = max(worst, (share, text))
    return "within", worst[1]


def _of_sets(ours: Path, theirs: Path) -> tuple[Outcome, str]:
    """Sets of neurons: those that differ must stand at the cut of the scores, where rounding decides."""
    sets, others = load_sets(ours)[0], load_sets(theirs)[0]
    if sets.keys() != others.keys():
        return "different", f"sets {', '.join(sorted(sets.keys() ^ others.keys()))} are in one of them alone"
    changed = [name for name in sets if sets[name] != others[name]]
    if not changed:
        return "within", "equal sets under other headers"
    if "task" not in changed:
        return "different", f"{changed[0]}, although the set that it is a control of is equal"
    selection = Selection.parse(ours.parent.name)
    path = ours.parents[2] / "scores" / selection.estimator / ours.name
    if not path.is_file():
        return "unknown", f"task: {len(sets['task'] ^ others['task'])} neurons; the scores are not here"
    scores = NeuronScores.load(path).scores.astype(np.float64)
    inside = sets["task"].mask
    band = RELATIVE * np.abs(scores).max()
    for layer, neuron in (sets["task"] ^ others["task"]).to_indices():
        rows = layer if selection.within == "layer" else slice(None)
        cut = scores[rows][inside[rows]].min()
        if abs(scores[layer, neuron] - cut) > band:
            return "different", f"task: neuron {neuron} of layer {layer}, which is not at the cut"
    return "within", f"task: {len(sets['task'] ^ others['task'])} neurons at the cut; controls follow"
