"""The jobs that make the tables of continual learning."""

from collections.abc import Mapping
from dataclasses import dataclass

from taskneurons.evidence.papers import ORDERS, printed_rows
from taskneurons.evidence.papers import STREAMS as PRINTED
from taskneurons.evidence.tasks import described_tasks
from taskneurons.job import Job, NoSettings
from taskneurons.studies.continual.costs import gather_costs, summarise_costs
from taskneurons.studies.continual.published import published_streams
from taskneurons.studies.continual.rates import rate_table
from taskneurons.studies.continual.rows import COST_ROWS, COST_SUMMARY, PUBLISHED, RANKS, RATES, STREAMS, SUMMARY
from taskneurons.studies.continual.streams import gather_streams, sequences
from taskneurons.studies.continual.summary import rank_methods, summarise_streams


def tabulate(job: Job[NoSettings]) -> None:
    """Gather the rows of all streams of tasks, and what was tried on the development order."""
    STREAMS.write(job.outputs.one("rows"), gather_streams(job.inputs["rows"]))
    RATES.write(job.outputs.one("rates"), rate_table(job.inputs["rates"]))


@dataclass(frozen=True)
class SummariseSettings:
    """Settings of `summarise`.

    Attributes:
        benchmarks: the orders of each benchmark of each suite.
    """

    benchmarks: Mapping[str, Mapping[str, tuple[str, ...]]]


def summarise(job: Job[SummariseSettings]) -> None:
    """Measure every stream, rank the methods over orders, set our values beside those of Table 5."""
    rows = STREAMS.read(job.inputs.one("rows"))
    summary = summarise_streams(rows, job.settings.benchmarks)
    SUMMARY.write(job.outputs.one("summary"), summary)
    RANKS.write(job.outputs.one("methods"), rank_methods(summary))
    papers = job.inputs["published"]
    compared = published_streams(
        summary,
        printed_rows(PRINTED, papers, "T5"),
        printed_rows(ORDERS, papers, "T14"),
        sequences(rows),
        described_tasks(job.inputs["tasks"]),
    )
    PUBLISHED.write(job.outputs.one("published"), compared)


@dataclass(frozen=True)
class CostSettings:
    """Settings of `tabulate_costs`.

    Attributes:
        benchmarks: the tasks of each order of each benchmark of each suite.
    """

    benchmarks: Mapping[str, Mapping[str, Mapping[str, tuple[str, ...]]]]


def tabulate_costs(job: Job[CostSettings]) -> None:
    """Gather the training times of all streams, and their means, apart from what is the same in every run."""
    rows = gather_costs(job.inputs["costs"])
    COST_ROWS.write(job.outputs.one("costs"), rows)
    COST_SUMMARY.write(job.outputs.one("summary"), summarise_costs(rows, job.settings.benchmarks))
