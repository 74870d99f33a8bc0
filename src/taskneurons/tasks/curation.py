"""From records to splits: what is dropped, what is cut for validation, what is drawn, all of it counted."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from taskneurons.errors import InputError
from taskneurons.tasks.prompts import composed, make_example
from taskneurons.tasks.spelling import other_spelling
from taskneurons.tasks.storage import Counts, SplitCounts
from taskneurons.tasks.task import SPLITS, Example, Size, Task

EMPTY_INPUT = "empty input"
EMPTY_ANSWER = "empty answer"
FOREIGN_LABEL = "label outside the options"
REPEATED = "repeats another example of the split"
LEAKED = "also in a held-out split"


@dataclass(frozen=True)
class Record:
    """One raw record: where it stands (file:line or data set, split, row), input, answer, and further right answers."""

    where: str
    input: str
    target: str
    others: tuple[str, ...] = ()

    def composed(self) -> "Record":
        """The same in Unicode NFC, without white space around answers, and each answer once."""
        target, *others = dict.fromkeys(composed(one).strip() for one in (self.target, *self.others))
        return Record(self.where, composed(self.input), target, tuple(other for other in others if other))


def invalid_reason(task: Task, record: Record) -> str | None:
    """Why a record cannot become an example of `task`, or None.

    Raises:
        InputError: it has several labels.
    """
    if task.options and record.others:
        raise InputError("a classification has one right label", where=record.where, remedy="Give one text as `target`")
    if not record.target.strip():
        return EMPTY_ANSWER
    if not record.input.strip():
        return EMPTY_INPUT
    if task.options and record.target.strip() not in task.options:
        return FOREIGN_LABEL
    return None


def curate(
    task: Task,
    records: Mapping[str, Sequence[Record]],
    sizes: Mapping[str, Size],
    *,
    seed: int,
    max_invalid_percent: float,
    where: str,
) -> tuple[dict[str, list[Example]], Counts]:
    """Turn the records of each split into examples, in Unicode NFC.

    Invalid records are dropped and counted. A copy (input, but for white space around it, and answer) is dropped inside
    train and validation;
    the test split keeps its copies, because a published test set is taken whole. Train loses what validation or test
    also hold, validation what test holds. A split without records of its own is cut from train, at most a fifth of it.
    What is more than asked is left out in the order of a seeded hash of the content, so neither the file's order nor
    other examples play a part; what is less than asked is used whole, and the counts say so.

    Args:
        task: the task.
        records: split -> records; "validation" and "test" may be absent, "train" may not.
        sizes: split -> number of examples, or "all".
        seed: of the order in which examples are drawn.
        max_invalid_percent: share of invalid records, in percent of a split's records, above which it is refused.
        where: what to name in errors that concern no single record.

    Raises:
        InputError: too many invalid records, a label in another spelling than its option, several labels of one
            example, nothing left, or one class only.
    """
    _require_one_spelling(task, where)
    valid: dict[str, list[Record]] = {}
    dropped: dict[str, Counter[str]] = {}
    read = {split: len(own) for split, own in records.items()}
    for split, own in records.items():
        valid[split], dropped[split] = _valid(task, own, max_invalid_percent, f"{where}, {split}")

    held_out: set[tuple[str, str]] = set()
    for split in ("test", "validation", "train"):
        if split in valid:
            valid[split] = _distinct(split, valid[split], held_out, dropped[split])
            held_out |= {_content(record) for record in valid[split]}

    pools = {split: sorted(own, key=lambda record: _draw_key(seed, task.name, record)) for split, own in valid.items()}
    for split in ("test", "validation"):
        if split not in pools:
            _cut_from_train(pools, split, sizes[split], where)
            read[split], dropped[split] = len(pools[split]), Counter()
            read["train"] -= len(pools[split])

    splits: dict[str, list[Example]] = {}
    counts: dict[str, SplitCounts] = {}
    for split in SPLITS:
        size, pool = sizes[split], pools[split]
        if not pool:
            lost = ", ".join(f"{number} x {reason}" for reason, number in sorted(dropped[split].items()))
            raise InputError(f"no valid example is left ({lost or 'too few'})", where=f"{where}, {split}")
        if split != "validation":
            _require_classes(task, pool, f"{where}, {split}")
        drawn = pool if size == "all" else pool[:size]
        repeats: Counter[tuple[str, str]] = Counter()
        splits[split] = []
        for record in drawn:
            content = (record.input, record.target)
            splits[split].append(make_example(task, *content, repeat=repeats[content], others=record.others))
            repeats[content] += 1
        counts[split] = SplitCounts(
            asked=None if size == "all" else size,
            read=read[split],
            kept=len(drawn),
            unused=len(pool) - len(drawn),
            dropped=dropped[split],
        )
    return splits, Counts(counts)


def _require_one_spelling(task: Task, where: str) -> None:
    for index, option in enumerate(task.options):
        twin = other_spelling(option, task.options[:index])
        if twin:
            raise InputError(
                f"the options {twin[:60]!r} and {option[:60]!r} are one in two spellings",
                where=where,
                remedy="Keep one of them, and write each label like it",
            )


def _cut_from_train(pools: dict[str, list[Record]], split: str, size: Size, where: str) -> None:
    """Give a split without records of its own some of train's, at most a fifth of them."""
    if size == "all":
        raise InputError(
            f"`{split}: all` needs a {split} split of its own", where=where, remedy="Give a number of examples"
        )
    cut = min(size, max(1, len(pools["train"]) // 5))
    pools[split], pools["train"] = pools["train"][:cut], pools["train"][cut:]


def _valid(
    task: Task, records: Sequence[Record], max_invalid_percent: float, where: str
) -> tuple[list[Record], Counter[str]]:
    kept: list[Record] = []
    dropped: Counter[str] = Counter()
    first = ""
    for record in (one.composed() for one in records):
        reason = invalid_reason(task, record)
        if reason is None:
            kept.append(record)
            continue
        if reason == FOREIGN_LABEL and (option := other_spelling(record.target, task.options)):
            raise InputError(
                f"the label {record.target[:60]!r} is the option {option[:60]!r} in another spelling",
                where=record.where,
                remedy="Write each label in one spelling, that of `options`",
            )
        dropped[reason] += 1
        first = first or f"{record.where}: {reason} ({record.target[:40]!r})"
    invalid = dropped.total()
    if not records:
        raise InputError("there are no examples", where=where)
    if 100 * invalid > max_invalid_percent * len(records):
        raise InputError(
            f"{invalid} of {len(records)} examples are invalid, more than {max_invalid_percent:g} %; first {first}",
            where=where,
            remedy="Correct the data or raise max_invalid_percent",
        )
    return kept, dropped


def _distinct(
    split: str, records: Sequence[Record], held_out: set[tuple[str, str]], dropped: Counter[str]
) -> list[Record]:
    if split == "test":
        return list(records)
    kept: list[Record] = []
    seen: set[tuple[str, str]] = set()
    for record in records:
        content = _content(record)
        if content in held_out:
            dropped[LEAKED] += 1
        elif content in seen:
            dropped[REPEATED] += 1
        else:
            seen.add(content)
            kept.append(record)
    return kept


def _content(record: Record) -> tuple[str, str]:
    return record.input.strip(), record.target


def _draw_key(seed: int, task: str, record: Record) -> tuple[bytes, str, str]:
    digest = hashlib.sha256(f"{seed}\n{task}\n{len(record.input)}\n{record.input}\n{record.target}".encode()).digest()
    return digest, record.input, record.target


def _require_classes(task: Task, pool: Sequence[Record], where: str) -> None:
    if task.options and len(classes := {record.target for record in pool}) < 2:
        raise InputError(
            f"every example has the label {classes.pop()[:60]!r}, so there is nothing to tell apart",
            where=where,
            remedy="Give examples of at least two classes",
        )
