"""A task of one file: what a folder of tasks says in words is taken from the file, and a part is kept for the test."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from taskneurons.errors import InputError
from taskneurons.files import write_json, write_text
from taskneurons.tasks.curation import Record
from taskneurons.tasks.file_forms import COLUMNS, FORMS, Columns
from taskneurons.tasks.sources.jsonl import read_records
from taskneurons.tasks.spelling import other_spelling
from taskneurons.tasks.task import RESERVED_NAMES, SLUG_LENGTH

# ASSUME: more different answers than this, or many that occur once, are texts to write and no labels to choose from.
MOST_LABELS = 20
TEST_SHARE = 5


@dataclass(frozen=True)
class OneFile:
    """What was made of a file.

    Attributes:
        name: of the task.
        labels: of a classification; none of a generation.
        answers: how many different ones there are.
        places: where a line that was written comes from; "name.split.jsonl:line" -> place in the file.
    """

    name: str
    labels: tuple[str, ...]
    answers: int
    places: Mapping[str, str]


def write_task_of(file: Path, out: Path, instruction: str | None, columns: Columns = COLUMNS) -> OneFile:
    """Write a folder of one task, as `sources/jsonl.py` reads it.

    A fifth of the records, drawn by their content, is the test split. Equal records are in one split.

    Args:
        file: all records; its name is that of the task.
        out: the folder.
        instruction: what is asked of each input.
        columns: the fields that are input and target.

    Raises:
        InputError: there is no instruction; labels are in two spellings, or some occur once; there is one label alone,
            or too few examples for two splits; or as `read_records`.
    """
    if not file.name.endswith(FORMS):
        raise InputError("not a file of tasks", where=str(file), remedy=f"Its name ends in one of {', '.join(FORMS)}")
    if not instruction or not instruction.strip():
        raise InputError(
            "a task of one file needs an instruction",
            where=str(file),
            remedy="Add one, such as --instruction 'Is the review positive or negative?'",
        )
    records = [_tidied(record) for record in read_records(file, columns)]
    name = re.sub(r"[^a-z0-9]+", "_", file.name.partition(".")[0].lower()).strip("_") or "task"
    usable = name[0].isalpha() and name not in RESERVED_NAMES
    name = (name if usable else f"task_{name}")[:SLUG_LENGTH].rstrip("_")
    counts = Counter(record.target for record in records if record.target)
    labels = _labels(records, counts, file)
    lines = {
        "test": [one for one in records if _held_out(one)],
        "train": [one for one in records if not _held_out(one)],
    }
    least = 2 if labels else 1
    for split, own in lines.items():
        if len(own) < 2 or len({one.target for one in own} - {""}) < least:
            few = "too few" if len(own) < 2 else "all of one label"
            raise InputError(
                f"of {len(records)} examples {len(own)} fall to the {split} split, which are {few}",
                where=str(file),
                remedy="Give more examples, or describe the task in a tasks.json with files of your own for the splits",
            )
    kind = {"type": "classification", "options": labels} if labels else {"type": "generation"}
    write_json(out / "tasks.json", [{"name": name, **kind, "instruction": instruction}])
    places: dict[str, str] = {}
    for split, own in lines.items():
        written = f"{name}.{split}.jsonl"
        write_text(out / written, "".join(_line(one) + "\n" for one in own))
        places |= {f"{written}:{number}": one.where for number, one in enumerate(own, 1)}
    return OneFile(name, tuple(labels), len(counts), places)


def _tidied(record: Record) -> Record:
    """The record as curation would have it; the first answer is one that is not empty, if there is any."""
    one = record.composed()
    return Record(one.where, one.input, one.others[0], one.others[1:]) if one.others and not one.target else one


def _labels(records: Sequence[Record], counts: Mapping[str, int], file: Path) -> list[str]:
    """The labels of a classification, sorted; none where the answers are texts to write."""
    if not counts:
        raise InputError("every answer is empty", where=str(file))
    if any(record.others for record in records) or len(counts) > MOST_LABELS:
        return []
    for record in records:
        if twin := other_spelling(record.target, [one for one in counts if one != record.target]):
            raise InputError(
                f"{record.target[:60]!r} is {twin[:60]!r} in another spelling",
                where=record.where,
                remedy="Write each label in one spelling",
            )
    single = [record for record in records if counts.get(record.target) == 1]
    if 2 * len(single) > sum(counts.values()):
        return []
    if single:
        shown = ", ".join(repr(record.target[:60]) for record in single)
        raise InputError(
            f"{shown} {'is an answer that occurs' if len(single) == 1 else 'are answers that occur'} once, where "
            "others repeat as labels do",
            where=", ".join(record.where for record in single),
            remedy="Correct it, or describe the task in a tasks.json",
        )
    if len(counts) == 1:
        raise InputError(
            f"every example has the label {next(iter(counts))[:60]!r}, so there is nothing to tell apart",
            where=str(file),
            remedy="Give examples of at least two classes",
        )
    return sorted(counts)


def _held_out(record: Record) -> bool:
    return int(hashlib.sha256(_line(record).encode()).hexdigest(), 16) % TEST_SHARE == 0


def _line(record: Record) -> str:
    target = [record.target, *record.others] if record.others else record.target
    return json.dumps({"input": record.input, "target": target}, ensure_ascii=False)
