"""Tables of the study that trains neurons: all values, the curves that they make, the paper's beside ours."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from taskneurons.errors import InputError
from taskneurons.evidence.papers import SCORES, PaperScore, mirrored, printed_rows
from taskneurons.evidence.tasks import SCORE, DescribedTask, described_tasks
from taskneurons.evidence.trained import Condition
from taskneurons.files import read_json
from taskneurons.job import Job, NoSettings
from taskneurons.studies.training.areas import advantage_rows, area_rows
from taskneurons.studies.training.curves import curve_rows, groups
from taskneurons.studies.training.rows import (
    ADVANTAGE,
    AREAS,
    CURVES,
    PUBLISHED,
    READINGS,
    CurveRow,
    PublishedRow,
)

PAPERS_PERCENT = 10.0
"""The share of the neurons that Leng & Xiong 2025 train in Tables 2 and 7."""
_PRINTED = {"zero_shot": "zero_shot", "random": "train_random", "task": "train_task"}


def training_published(
    curves: Iterable[CurveRow],
    printed: Mapping[str, Sequence[PaperScore]],
    tasks: Sequence[DescribedTask],
    architectures: Mapping[str, str],
    *,
    learning_rate: float,
) -> list[PublishedRow]:
    """Our values beside those of Table 2 (Llama-2-7b), or of Table 7 (Bloom-7b1) for models of the Bloom architecture.

    Ours are those of the largest share up to the paper's, at one learning rate, after the last reading, for all
    conditions alike. Each of our tasks stands beside the paper's task that it is or mirrors; tasks without one are left
    out, and so is the average over a kind unless our tasks stand for exactly the paper's. Accuracy is the freely
    generated one.

    Args:
        curves: of `curve_rows`.
        printed: the rows of `T2` and `T7`.
        tasks: of every suite in the curves.
        architectures: architecture of each model, as its configuration names it.
        learning_rate: of the centre.

    Raises:
        InputError: a model has no architecture.
    """
    curves = list(curves)
    trained = {(row.suite, row.task) for row in curves}
    mirrors = mirrored([task for task in tasks if (task.suite, task.name) in trained], printed["T2"])
    shown = [row for row in curves if row.learning_rate == learning_rate and row.metric == SCORE[row.kind]]
    shown = [row for row in shown if row.percent <= PAPERS_PERCENT and mirrors.get((row.suite, row.task))]
    last: dict[tuple[str, str, str], tuple[float, int]] = {}
    for row in shown:
        if (row.condition, row.against) == ("task", "zero_shot"):
            key = row.suite, row.model, row.task
            last[key] = max(last.get(key, (0.0, 0)), (row.percent, row.steps))
    cells: dict[tuple[str, str, str], dict[tuple[str, str], CurveRow]] = {}
    for row in shown:
        key = row.suite, row.model, row.task
        # What was not trained or not read there has no value, rather than one of another cell.
        if (row.percent, row.steps) == last.get(key):
            cells.setdefault(key, {})[row.condition, row.against] = row
    compared = []
    for (suite, model, task), pairs in cells.items():
        if model not in architectures:
            raise InputError(f"the architecture of model `{model}` is not given")
        table: Literal["T2", "T7"] = "T7" if architectures[model] == "bloom" else "T2"
        named = str(mirrors[suite, task])
        compared += _beside(
            table, pairs, named, {one.condition: one.value for one in printed[table] if one.task == named}
        )
    return compared


def _beside(
    table: Literal["T2", "T7"],
    pairs: Mapping[tuple[str, str], CurveRow],
    published_task: str,
    theirs: Mapping[str, float | None],
) -> list[PublishedRow]:
    """The rows of one task: the untrained model, random neurons, its own."""
    own, rows = pairs["task", "zero_shot"], []
    values = {ours: theirs.get(name) for ours, name in _PRINTED.items()}
    conditions: tuple[Condition, ...] = ("zero_shot", "random", "task")
    for condition in conditions:
        gain = pairs.get((condition, "zero_shot"))
        over = pairs.get((condition, "random"))
        if gain is None and condition != "zero_shot":
            continue
        trained = condition != "zero_shot"
        rows.append(
            PublishedRow(
                table=table,
                suite=own.suite,
                model=own.model,
                estimator=own.estimator if trained else None,
                percent=own.percent if trained else None,
                selection=own.selection if trained else None,
                learning_rate=own.learning_rate if trained else None,
                steps=own.steps if trained else None,
                condition=condition,
                task=own.task,
                published_task=published_task,
                metric=own.metric,
                published=values[condition],
                value=own.against_value if gain is None else gain.value,
                published_gain=_less(values[condition], values["zero_shot"]) if trained else None,
                gain=gain.difference if gain else None,
                gain_low=gain.low if gain else None,
                gain_high=gain.high if gain else None,
                published_over_random=_less(values["task"], values["random"]) if condition == "task" else None,
                over_random=over.difference if over else None,
                over_random_low=over.low if over else None,
                over_random_high=over.high if over else None,
                decides=gain.decides if gain else None,
                seeds=own.seeds,
            )
        )
    return rows


def _less(value: float | None, other: float | None) -> float | None:
    """A difference of printed numbers: the paper prints one decimal, so it has no more."""
    return None if value is None or other is None else round(value - other, 1)


# Jobs


def tabulate(job: Job[NoSettings]) -> None:
    """Gather what the trained models score."""
    READINGS.write(job.outputs.one("table"), READINGS.gather(job.inputs["rows"]))


@dataclass(frozen=True)
class SummariseSettings:
    """Settings of `summarise`.

    Attributes:
        learning_rate: of the centre, whose values stand beside the paper's.
    """

    learning_rate: float


def summarise(job: Job[SummariseSettings]) -> None:
    """Curves with the readings that decide, areas under them, advantages, and our values beside Tables 2 and 7."""
    rows, tasks = READINGS.read(job.inputs.one("rows")), described_tasks(job.inputs["tasks"])
    printed = {name: printed_rows(SCORES, job.inputs["published"], name) for name in ("T2", "T7")}
    found = groups(rows, tasks)
    curves = curve_rows(found)
    CURVES.write(job.outputs.one("curves"), curves)
    AREAS.write(job.outputs.one("areas"), area_rows(found))
    ADVANTAGE.write(job.outputs.one("advantage"), advantage_rows(found, centre=job.settings.learning_rate))
    # results/models/<suite>/<model>/... of a model made here, results/models/imported/<model>/... of any other.
    architectures = {path.parts[3]: read_json(path)["architecture"] for path in job.inputs["checkpoints"]}
    rate = job.settings.learning_rate
    PUBLISHED.write(
        job.outputs.one("published"), training_published(curves, printed, tasks, architectures, learning_rate=rate)
    )
