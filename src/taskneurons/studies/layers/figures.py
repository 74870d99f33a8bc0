"""The figures of the layers study, each drawn by a module of its own."""

from dataclasses import dataclass

from taskneurons.job import Job
from taskneurons.studies.layers.families_figure import draw_families
from taskneurons.studies.layers.joint_figure import JointTables, draw_joint
from taskneurons.studies.layers.map_figure import draw_layer_map
from taskneurons.studies.layers.rows import COMPARED, JOINT, MAPS, PAIRS
from taskneurons.studies.layers.similarity_figure import draw_similarity

# Jobs


@dataclass(frozen=True)
class PlotSettings:
    """Settings of `plot`.

    Attributes:
        selection: slug of the neurons whose overlap is drawn.
        histogram: slug of the neurons whose layers are drawn.
        dpi: dots an inch of the PNG.
    """

    selection: str
    histogram: str
    dpi: int


def plot(job: Job[PlotSettings]) -> None:
    """Draw one model's layers: Z1 to Z4 of Zhao et al. 2024, the map, neurons beside representations."""
    rows, maps = COMPARED.read(job.inputs.one("rows")), MAPS.read(job.inputs.one("map"))
    tables = JointTables(JOINT.read(job.inputs.one("joint")), PAIRS.read(job.inputs.one("pairs")), maps)
    outputs, suite, model, dpi = job.outputs, job.suite, job.model, job.settings.dpi
    draw_similarity(rows, outputs["similarity"], suite=suite, model=model, dpi=dpi)
    draw_layer_map(rows, maps, outputs["map"], suite=suite, model=model, dpi=dpi)
    draw_families(rows, outputs["families"], suite=suite, model=model, dpi=dpi)
    draw_joint(
        tables,
        outputs["joint"],
        selection=job.settings.selection,
        histogram=job.settings.histogram,
        suite=suite,
        model=model,
        dpi=dpi,
    )
