"""The jobs that make the tables of continual learning."""

from collections.abc import Mapping
from dataclasses import dataclass

from taskneurons.evidence.papers import ORDERS, printed_rows
from taskneurons.evidence.papers import STREAMS as PRINTED
from taskneurons.evidence.tasks import described_tasks
from taskneurons.job import Job, NoSettings
from taskneurons.studies.continual.published import published_streams
from taskneurons.studies.continual.rates import rate_table
from taskneurons.studies.continual.rows import MEASURES, METHOD_MEANS, PUBLISHED, RATES, STREAMS, SUMMARY
from taskneurons.studies.continual.streams import gather_streams, sequences
from taskneurons.studies.continual.summary import average_methods, measure_streams, summarise_streams


def tabulate(job: Job[NoSettings]) -> None:
    """Gather the rows of all streams of tasks, and what was tried on the development order."""
    STREAMS.write(job.outputs.one("rows"), gather_streams(job.inputs["rows"]))
    RATES.write(job.outputs.one("rates"), rate_table(job.inputs["rates"]))


@dataclass(frozen=True)
class SummariseSettings:
    """Settings of `summarise`.

    Attributes:
        benchmarks: the orders of each benchmark of each suite.
        learned_percent: the share of Per-Task FT from which on a method has learned its tasks.
    """

    benchmarks: Mapping[str, Mapping[str, tuple[str, ...]]]
    learned_percent: float


def summarise(job: Job[SummariseSettings]) -> None:
    """Measure every stream, average over seeds and over orders, set our values beside those of Table 5."""
    rows = STREAMS.read(job.inputs.one("rows"))
    measures = measure_streams(rows, job.settings.benchmarks)
    MEASURES.write(job.outputs.one("measures"), measures)
    summary = summarise_streams(measures)
    SUMMARY.write(job.outputs.one("summary"), summary)
    METHOD_MEANS.write(job.outputs.one("methods"), average_methods(measures, job.settings.learned_percent))
    papers = job.inputs["published"]
    compared = published_streams(
        summary,
        printed_rows(PRINTED, papers, "T5"),
        printed_rows(ORDERS, papers, "T14"),
        sequences(rows),
        described_tasks(job.inputs["tasks"]),
    )
    PUBLISHED.write(job.outputs.one("published"), compared)
