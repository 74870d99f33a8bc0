"""Tables of the study that trains neurons: the learning rates that were tried, all values, what follows from them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Literal

from taskneurons.errors import InputError
from taskneurons.evidence.grid_search import RATE_TRIALS, with_edges
from taskneurons.evidence.papers import SCORES, PaperScore, mirrored, printed_rows
from taskneurons.evidence.tasks import SCORE, DescribedTask, described_tasks
from taskneurons.evidence.trained import TRAINED, gather_trained
from taskneurons.files import read_json
from taskneurons.job import Job, NoSettings
from taskneurons.studies.training.diagonal import training_diagonal
from taskneurons.studies.training.rows import (
    DIAGONAL,
    PUBLISHED,
    RATES,
    SUMMARY,
    PublishedRow,
    RateRow,
    SummaryRow,
)
from taskneurons.studies.training.summary import training_summary

_PRINTED_CONDITIONS = {"zero_shot": "zero_shot", "random": "train_random", "task": "train_task"}


def rate_table(files: Iterable[Path]) -> list[RateRow]:
    """Every training that was tried, in the order of the files.

    Args:
        files: `.../<suite>/<model>/rates/<study>.csv`.

    Raises:
        InputError: a file cannot be read, or no learning rate of an arm is chosen.
    """
    rows: list[RateRow] = []
    for path in files:
        suite, model = path.parts[-4:-2]
        trials = RATE_TRIALS.read(path)
        chosen = {(trial.arm, trial.learning_rate) for trial in trials if trial.chosen}
        if without := sorted({trial.arm for trial in trials} - {arm for arm, _ in chosen}):
            raise InputError(f"no learning rate is chosen for {', '.join(without)}", where=str(path))
        rows += with_edges([RateRow(suite, model, path.stem, **vars(trial)) for trial in trials], "learning_rate")
    return rows


def training_published(
    summary: Iterable[SummaryRow],
    printed: Mapping[str, Sequence[PaperScore]],
    tasks: Sequence[DescribedTask],
    architectures: Mapping[str, str],
) -> list[PublishedRow]:
    """Our values beside those of Table 2 (Llama-2-7b), or of Table 7 (Bloom-7b1) for models of the Bloom architecture.

    Each of our tasks stands beside the paper's task that it is or mirrors; tasks without one are left out, and so is
    the average over a kind unless our tasks stand for exactly the paper's. Accuracy is the freely generated one.

    Args:
        summary: of `training_summary`.
        printed: the rows of `T2` and `T7`.
        tasks: of every suite in the summary.
        architectures: architecture of each model, as its configuration names it.

    Raises:
        InputError: a model has no architecture.
    """
    mirrors = mirrored(tasks, printed["T2"])
    compared = []
    for row in summary:
        theirs = mirrors.get((row.suite, row.task))
        if theirs is None or row.kind == "all" or row.condition not in _PRINTED_CONDITIONS:
            continue
        if row.metric != SCORE[row.kind]:
            continue
        if row.model not in architectures:
            raise InputError(f"the architecture of model `{row.model}` is not given")
        table: Literal["T2", "T7"] = "T7" if architectures[row.model] == "bloom" else "T2"
        values = {one.condition: one.value for one in printed[table] if one.task == theirs}
        value = values.get(_PRINTED_CONDITIONS[row.condition])
        gained = over = None
        # The paper prints one decimal, so its differences have no more.
        if value is not None and "zero_shot" in values and row.condition in ("random", "task"):
            gained = round(value - values["zero_shot"], 1)
        if value is not None and "train_random" in values and row.condition == "task":
            over = round(value - values["train_random"], 1)
        ours = {field.name: getattr(row, field.name) for field in fields(row) if field.name in PUBLISHED.columns}
        compared.append(
            PublishedRow(
                table=table,
                published_task=theirs,
                published=value,
                published_gain=gained,
                published_over_random=over,
                **ours,
            )
        )
    return compared


# Jobs


def tabulate_rates(job: Job[NoSettings]) -> None:
    """Gather the learning rates that were tried for every arm of the studies that train neurons."""
    RATES.write(job.outputs.one("table"), rate_table(job.inputs["trials"]))


def tabulate(job: Job[NoSettings]) -> None:
    """Gather what the trained models score."""
    TRAINED.write(job.outputs.one("table"), gather_trained(job.inputs["rows"], "training"))


def summarise(job: Job[NoSettings]) -> None:
    """Gains with intervals, the test of the diagonals, and our values beside those of Tables 2 and 7."""
    rows, tasks = TRAINED.read(job.inputs.one("rows")), described_tasks(job.inputs["tasks"])
    printed = {name: printed_rows(SCORES, job.inputs["published"], name) for name in ("T2", "T7")}
    summary = training_summary(rows, tasks)
    SUMMARY.write(job.outputs.one("summary"), summary)
    DIAGONAL.write(job.outputs.one("diagonal"), training_diagonal(rows, tasks))
    # results/models/<suite>/<model>/... of a model made here, results/models/imported/<model>/... of any other.
    architectures = {path.parts[3]: read_json(path)["architecture"] for path in job.inputs["checkpoints"]}
    PUBLISHED.write(job.outputs.one("published"), training_published(summary, printed, tasks, architectures))
