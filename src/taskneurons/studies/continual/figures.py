"""The jobs that draw the figures of continual learning."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from taskneurons.evidence.tasks import described_tasks
from taskneurons.job import Job
from taskneurons.studies.continual.cost_figure import draw_cost
from taskneurons.studies.continual.methods_figure import draw_methods
from taskneurons.studies.continual.rates_figure import draw_rates
from taskneurons.studies.continual.retention_figure import draw_retention
from taskneurons.studies.continual.rows import MEASURES, METHOD_MEANS, PUBLISHED, RATES, STREAMS, SUMMARY
from taskneurons.studies.continual.stages_figure import draw_stages


@dataclass(frozen=True)
class PlotSettings:
    """Settings of `plot`.

    Attributes:
        benchmarks: the orders of each benchmark of the suite.
        order: whose stages are drawn.
        dpi: dots an inch of the PNG.
    """

    benchmarks: Mapping[str, tuple[str, ...]]
    order: str
    dpi: int


def plot(job: Job[PlotSettings]) -> None:
    """Draw accuracy at the end, Figure 4 of the paper, every stage, what it costs, and what was tried."""
    settings, suite, model, dpi = job.settings, job.suite, job.model, job.settings.dpi
    rows, summary = STREAMS.read(job.inputs.one("rows")), SUMMARY.read(job.inputs.one("summary"))

    def paths(name: str) -> list[Path]:
        return [path for path in job.outputs["figures"] if path.stem == name]

    means = METHOD_MEANS.read(job.inputs.one("methods"))
    measures, printed = MEASURES.read(job.inputs.one("measures")), PUBLISHED.read(job.inputs.one("published"))
    draw_methods(measures, means, printed, paths("methods"), suite=suite, model=model, dpi=dpi)
    draw_retention(rows, paths("retention"), suite=suite, model=model, benchmarks=settings.benchmarks, dpi=dpi)
    tasks = described_tasks(job.inputs["tasks"])
    draw_stages(rows, tasks, paths("stages"), suite=suite, model=model, order=settings.order, dpi=dpi)
    draw_cost(summary, paths("cost"), suite=suite, model=model, dpi=dpi)
    draw_rates(RATES.read(job.inputs.one("rates")), paths("rates"), suite=suite, model=model, dpi=dpi)
