"""The figures of the study that trains neurons: gains of every task, and matrices of gains."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from taskneurons.evidence.tasks import described_tasks
from taskneurons.evidence.trained import TRAINED
from taskneurons.job import Job
from taskneurons.studies.training.gains_figure import Measure, draw_gains
from taskneurons.studies.training.matrix_figure import draw_matrix
from taskneurons.studies.training.rows import Matrix, Setting

# Jobs


@dataclass(frozen=True)
class Drawn:
    """What one figure shows.

    Attributes:
        shows: score or loss of every task; or the matrix pairs or transfer.
        setting: which sets of neurons.
    """

    shows: Measure | Matrix
    setting: Setting


@dataclass(frozen=True)
class PlotSettings:
    """Settings of `plot`.

    Attributes:
        drawn: what each figure shows, by its name.
        dpi: dots an inch of the PNG.
    """

    drawn: Mapping[str, Drawn]
    dpi: int


def plot(job: Job[PlotSettings]) -> None:
    """Draw Tables 2 and 7 and Figure 5 c-d: what training neurons gives to every task."""
    rows, tasks = TRAINED.read(job.inputs.one("rows")), described_tasks(job.inputs["tasks"])
    run: dict[Literal["suite", "model"], str] = {"suite": job.suite, "model": job.model}
    for name, figure in job.settings.drawn.items():
        paths = [path for path in job.outputs["figures"] if path.stem == name]
        if figure.shows == "pairs" or figure.shows == "transfer":
            draw_matrix(rows, tasks, paths, matrix=figure.shows, setting=figure.setting, dpi=job.settings.dpi, **run)
        else:
            draw_gains(rows, tasks, paths, measure=figure.shows, setting=figure.setting, dpi=job.settings.dpi, **run)
