"""The tables of the data: what was read, kept and dropped of every task, and how answers are scored."""

from collections.abc import Iterator

from taskneurons.job import Job, NoSettings
from taskneurons.studies.data.rows import ANSWERS, DATA, OutcomeRow
from taskneurons.tasks.storage import Counts, read_counts


def outcomes(suite: str, task: str, counts: Counts) -> Iterator[OutcomeRow]:
    """One row for each outcome of the records of a split: read, kept, unused, or dropped for a reason."""
    for split, of_split in sorted(counts.splits.items()):
        yield OutcomeRow("data", suite, task, split, "read", "", of_split.read)
        yield OutcomeRow("data", suite, task, split, "kept", "", of_split.kept)
        yield OutcomeRow("data", suite, task, split, "unused", "", of_split.unused)
        for reason, number in of_split.dropped.items():
            yield OutcomeRow("data", suite, task, split, "dropped", reason, number)


# Jobs


def tabulate_answers(job: Job[NoSettings]) -> None:
    """Gather how the answers of every generation task are scored into one table."""
    ANSWERS.write(job.outputs.one("table"), ANSWERS.gather(job.inputs["rows"]))


def tabulate(job: Job[NoSettings]) -> None:
    """Gather what was read, kept and dropped of every task of every suite into one table."""
    # .../<suite>/tasks/<task>/counts.json
    folders = [path.parent for path in job.inputs["counts"]]
    rows = [row for folder in folders for row in outcomes(folder.parts[-3], folder.name, read_counts(folder))]
    DATA.write(job.outputs.one("table"), rows)
