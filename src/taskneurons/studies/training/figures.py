"""The figures of the study that trains neurons: curves, the map of where own neurons are ahead, Figure 5 c-d."""

from dataclasses import dataclass

from taskneurons.evidence.tasks import described_tasks
from taskneurons.job import Job
from taskneurons.studies.training.curve_figure import draw_curves
from taskneurons.studies.training.map_figure import draw_map
from taskneurons.studies.training.rows import CURVES
from taskneurons.studies.training.specificity_figure import draw_specificity

# Jobs


@dataclass(frozen=True)
class CentreCell:
    """The cell that the cross goes through.

    Attributes:
        percent: share of the neurons.
        learning_rate: of the training.
    """

    percent: float
    learning_rate: float


@dataclass(frozen=True)
class PlotSettings:
    """Settings of `plot`.

    Attributes:
        centre: the rate of the figures of shares, the share of the figures of rates.
        dpi: dots an inch of the PNG.
    """

    centre: CentreCell
    dpi: int


def plot(job: Job[PlotSettings]) -> None:
    """Draw Tables 2 and 7 as curves, the map of the grid, and Figure 5 c-d."""
    rows = [row for row in CURVES.read(job.inputs.one("curves")) if (row.suite, row.model) == (job.suite, job.model)]
    centre, dpi = job.settings.centre, job.settings.dpi
    of_rate = [row for row in rows if row.learning_rate == centre.learning_rate]
    of_share = [row for row in rows if row.percent == centre.percent]
    for name, some in (("shares", of_rate), ("rates", of_share)):
        for measure in ("score", "loss"):
            stem = name if measure == "score" else f"{name}-loss"
            paths = [path for path in job.outputs["figures"] if path.stem == stem]
            draw_curves(some, paths, by=name, measure=measure, dpi=dpi)  # type: ignore[arg-type]
    draw_map(rows, [path for path in job.outputs["figures"] if path.stem == "map"], dpi=dpi)
    draw_specificity(
        of_rate,
        described_tasks(job.inputs["tasks"]),
        [path for path in job.outputs["figures"] if path.stem == "specificity"],
        dpi=dpi,
    )
