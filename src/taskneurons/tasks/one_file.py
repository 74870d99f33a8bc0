"""A task of one file: what a folder of tasks says in words is taken from the file, and a part is kept for the test."""

import hashlib
import json
import re
from collections import Counter
from pathlib import Path

from taskneurons.errors import InputError
from taskneurons.files import write_json, write_text
from taskneurons.tasks.curation import Record
from taskneurons.tasks.file_forms import COLUMNS, FORMS, Columns
from taskneurons.tasks.sources.jsonl import read_records
from taskneurons.tasks.spelling import other_spelling
from taskneurons.tasks.task import SLUG_LENGTH

# ASSUME: more different answers than this, or one that occurs once, are texts to write and no labels to choose from.
MOST_LABELS = 20
TEST_SHARE = 5


def write_task_of(file: Path, out: Path, instruction: str | None, columns: Columns = COLUMNS) -> None:
    """Write a folder of one task, as `sources/jsonl.py` reads it.

    A fifth of the records, drawn by their content, is the test split. Equal records are in one split.

    Args:
        file: all records; its name is that of the task.
        out: the folder.
        instruction: what is asked of each input.
        columns: the fields that are input and target.

    Raises:
        InputError: there is no instruction, or as `read_records`.
    """
    if not file.name.endswith(FORMS):
        raise InputError("not a file of tasks", where=str(file), remedy=f"Its name ends in one of {', '.join(FORMS)}")
    if not instruction or not instruction.strip():
        raise InputError(
            "a task of one file needs an instruction",
            where=str(file),
            remedy="Add one, such as --instruction 'Is the review positive or negative?'",
        )
    records = read_records(file, columns)
    name = re.sub(r"[^a-z0-9]+", "_", file.name.partition(".")[0].lower()).strip("_") or "task"
    name = (name if name[0].isalpha() else f"task_{name}")[:SLUG_LENGTH].rstrip("_")
    counts = Counter(record.target.strip() for record in records)
    for record in records:
        label = record.target.strip()
        if len(counts) <= MOST_LABELS and (twin := other_spelling(label, [one for one in counts if one != label])):
            raise InputError(
                f"{label[:60]!r} is {twin[:60]!r} in another spelling",
                where=record.where,
                remedy="Write each label in one spelling",
            )
    several = any(record.others for record in records)
    labels = not several and len(counts) <= MOST_LABELS and min(counts.values()) > 1
    kind = {"type": "classification", "options": sorted(counts)} if labels else {"type": "generation"}
    write_json(out / "tasks.json", [{"name": name, **kind, "instruction": instruction}])
    lines = {"test": [_line(one) for one in records if _held_out(one)]}
    lines["train"] = [_line(one) for one in records if not _held_out(one)]
    for split, own in lines.items():
        write_text(out / f"{name}.{split}.jsonl", "".join(line + "\n" for line in own))


def _held_out(record: Record) -> bool:
    return int(hashlib.sha256(_line(record).encode()).hexdigest(), 16) % TEST_SHARE == 0


def _line(record: Record) -> str:
    target = [record.target, *record.others] if record.others else record.target
    return json.dumps({"input": record.input, "target": target}, ensure_ascii=False)
