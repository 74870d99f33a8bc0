"""The job that draws the figures of one model: similarity by layer (Figure 3), beside transfer (Table 4)."""

from dataclasses import dataclass

from taskneurons.evidence.tasks import described_tasks
from taskneurons.evidence.trained import TRAINED
from taskneurons.job import Job
from taskneurons.studies.similarity.correlation import gather_transfer
from taskneurons.studies.similarity.correlation_figure import draw_correlations
from taskneurons.studies.similarity.layer_figure import draw_similarity_layers
from taskneurons.studies.similarity.rows import CORRELATIONS, LAYERS, SIMILARITIES
from taskneurons.studies.similarity.transfer_figure import draw_transfer

# Jobs


@dataclass(frozen=True)
class PlotSettings:
    """Settings of `plot`.

    Attributes:
        dpi: dots an inch of the PNG.
    """

    dpi: int


def plot(job: Job[PlotSettings]) -> None:
    """Draw similarity by layer, similarity beside transfer, and the correlations of the two."""
    suite, model, dpi = job.suite, job.model, job.settings.dpi
    tasks, found = described_tasks(job.inputs["tasks"]), CORRELATIONS.read(job.inputs.one("correlation"))
    cells = SIMILARITIES.read(job.inputs.one("cells"))
    own = [row for row in cells if (row.suite, row.model) == (suite, model)]
    transfers = gather_transfer(own, TRAINED.read(job.inputs.one("transfer")), tasks)
    layers = LAYERS.read(job.inputs.one("layers"))
    draw_similarity_layers(layers, job.outputs["layers"], suite=suite, model=model, dpi=dpi)
    draw_transfer(transfers, found, tasks, job.outputs["transfer"], suite=suite, model=model, dpi=dpi)
    draw_correlations(found, tasks, job.outputs["correlation"], suite=suite, model=model, dpi=dpi)
