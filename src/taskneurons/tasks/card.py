"""The data card of a task: what it is, how much of it there is, what was left out and why, and how it looks."""

import html
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from taskneurons.tasks.storage import Counts
from taskneurons.tasks.task import SPLITS, Example, Task

SHOWN_EXAMPLES = 3
SHOWN_CHARACTERS = 400
PERCENTILES = (0, 50, 90, 99, 100)


@dataclass(frozen=True)
class AnswerLengths:
    """What of a task's test answers a model may write.

    Attributes:
        limit: tokens that an output may have, its end included.
        longest: tokens of the longest answer; of several right ones of an example, the shortest counts.
        longer: examples whose answer is longer than an output may be.
        examples: their number.
    """

    limit: int
    longest: int
    longer: int
    examples: int


@dataclass(frozen=True)
class Reading:
    """How a model reads a task.

    Attributes:
        form: how prompts stand before it: plain, or chat, in its own template.
        first: the special tokens before a plain prompt, as they are spelled; empty: none.
        shown: prompt and answer of the first training example as it sees them, special tokens spelled out.
        truncated: split -> examples whose input was cut to fit its context.
    """

    form: str
    first: str
    shown: str
    truncated: Mapping[str, int]


def data_card(
    task: Task,
    counts: Counts,
    splits: Mapping[str, Sequence[Example]],
    readings: Mapping[str, Reading] | None = None,
    answers: Mapping[str, AnswerLengths] = MappingProxyType({}),
    leaks: Mapping[str, int] = MappingProxyType({}),
) -> str:
    """A Markdown data card; all text of the data is escaped. The same arguments give the same bytes.

    Args:
        task: the task.
        counts: what became of every record.
        splits: the examples.
        readings: how each model reads the task; None when not known.
        answers: of a generation, model -> what of its test answers that model may write.
        leaks: split -> examples of it that `near_leaks` found.
    """
    blocks = [
        f"# {escape(task.name)}",
        _table(
            ("property", "value"),
            [
                ("family", escape(task.family)),
                ("kind", task.kind),
                ("domain", escape(task.domain) or "not stated"),
                ("source", escape(task.source) or "not stated"),
                ("licence", escape(task.license) or "not stated"),
                *([("options", ", ".join(map(escape, task.options)))] if task.options else []),
            ],
        ),
        "## Sizes",
        _sizes(counts),
        *_shortages(counts),
        "## Left out",
        _left_out(counts, splits, leaks),
        "## As models read it",
        _read(readings),
        "## Truncated",
        _truncated(readings),
    ]
    if task.options:
        blocks += ["## Label balance", _balance(task, splits)]
    blocks += [
        "## Lengths",
        "In words between white space: "
        + ", ".join(f"{percentile}th" for percentile in PERCENTILES)
        + " percentile (the 0th is the shortest, the 100th the longest).",
        _lengths(splits),
        *_answers(task, splits, answers),
        "## Instruction templates",
        "\n".join(f"{number}. {escape(template)}" for number, template in enumerate(task.templates, start=1)),
        "## Examples",
        "The first training examples.",
        _examples(splits["train"][:SHOWN_EXAMPLES]),
    ]
    return "\n\n".join(blocks) + "\n"


def escape(text: str) -> str:
    """Text that Markdown and HTML show as it stands: no markup, no line break, no control character."""
    visible = "".join(character if character.isprintable() or character == "\n" else " " for character in text)
    escaped = re.sub(r"([\\`*_{}\[\]()#+\-.!|~>:$@^=])", r"\\\1", html.escape(visible, quote=False))
    # html.escape made entities such as &lt; that stay whole, because none of their characters is escaped above.
    return escaped.strip("\n").replace("\n", "<br>")


def _shown(text: str) -> str:
    return escape(text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…")


def _table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def _sizes(counts: Counts) -> str:
    return _table(
        ("split", "asked", "read", "kept", "dropped", "valid but not asked for"),
        [
            (
                split,
                "all" if one.asked is None else one.asked,
                one.read,
                one.kept,
                sum(one.dropped.values()),
                one.unused,
            )
            for split, one in counts.splits.items()
        ],
    )


def _shortages(counts: Counts) -> list[str]:
    return [
        f"{split} has {one.missing} fewer examples than asked: all {one.kept} that there are were used."
        for split, one in counts.splits.items()
        if one.missing
    ]


def _left_out(counts: Counts, splits: Mapping[str, Sequence[Example]], leaks: Mapping[str, int]) -> str:
    rows = [(split, escape(reason), n) for split, one in counts.splits.items() for reason, n in one.dropped.items()]
    text = _table(("split", "reason", "records"), rows) if rows else "Nothing."
    test = splits["test"]
    copies = len(test) - len({(example.input, example.target) for example in test})
    if copies:
        text += f"\n\nThe test split holds {copies} exact copies of its own examples; they were kept."
    for split, number in leaks.items():
        if number:
            text += (
                f"\n\n{number} examples of {split} have the input of a held-out example, but for case, white space, "
                "punctuation or the answer; they were kept."
            )
    return text


def _read(readings: Mapping[str, Reading] | None) -> str:
    if readings is None:
        return "Not known: it depends on the model's tokenizer."
    rows = [
        (
            escape(model),
            one.form,
            "what its chat template writes" if one.form == "chat" else escape(one.first) or "no special token",
            _shown(one.shown),
        )
        for model, one in sorted(readings.items())
    ]
    return (
        "The first training example, as the tokenizer of each model has it. What spells a special token in a text of "
        "the data stays text.\n\n" + _table(("model", "prompts", "before the prompt", "prompt and answer"), rows)
    )


def _truncated(readings: Mapping[str, Reading] | None) -> str:
    if readings is None:
        return "Not known: it depends on the model's tokenizer and context."
    rows = [
        (escape(model), *(one.truncated.get(split, 0) for split in SPLITS)) for model, one in sorted(readings.items())
    ]
    return "Examples whose input was cut to fit the context.\n\n" + _table(("model", *SPLITS), rows)


def _answers(task: Task, splits: Mapping[str, Sequence[Example]], answers: Mapping[str, AnswerLengths]) -> list[str]:
    if task.kind == "classification":
        return []
    several = max(len(example.references) for example in splits["test"])
    blocks = [
        "## Answers",
        f"Words are counted by the rule {escape(task.words)}. A test example has "
        + ("one right answer." if several == 1 else f"up to {several} right answers, of which the best one counts."),
    ]
    rows = [(escape(model), one.limit, one.longest, one.longer) for model, one in sorted(answers.items())]
    if rows:
        blocks.append(
            _table(("model", "tokens of an output, at most", "of the longest answer", "longer answers"), rows)
        )
    for model, one in sorted(answers.items()):
        if one.longer:
            blocks.append(
                f"For {escape(model)}, {one.longer} of {one.examples} test answers are longer than an output may be, "
                "so that not even right outputs score 100. Raise `evaluation.max_new_tokens`."
            )
    return blocks


def _balance(task: Task, splits: Mapping[str, Sequence[Example]]) -> str:
    labels = {split: Counter(example.target for example in splits[split]) for split in SPLITS}
    return _table(
        ("label", *SPLITS), [(escape(one), *(labels[split][one] for split in SPLITS)) for one in task.options]
    )


def _lengths(splits: Mapping[str, Sequence[Example]]) -> str:
    rows: list[tuple[object, ...]] = []
    for split in SPLITS:
        for part, texts in (
            ("prompt", [example.prompt for example in splits[split]]),
            ("answer", [example.target for example in splits[split]]),
        ):
            lengths = [len(text.split()) for text in texts]
            rows.append((split, part, *np.percentile(lengths, PERCENTILES, method="inverted_cdf").tolist()))
    return _table(("split", "part", *(f"{percentile}th" for percentile in PERCENTILES)), rows)


def _examples(examples: Sequence[Example]) -> str:
    return _table(
        ("id", "prompt", "answer"),
        [(escape(example.id), _shown(example.prompt), _shown(example.target)) for example in examples],
    )
