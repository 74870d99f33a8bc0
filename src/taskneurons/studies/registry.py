"""The one list of studies, in the order in which they build on each other.

The Snakefile, the report, the command line and the pages take it from here. A new study is one line.
"""

from taskneurons.evidence.study import Study
from taskneurons.studies.claims import study as claims
from taskneurons.studies.continual import study as continual
from taskneurons.studies.data import study as data
from taskneurons.studies.deactivation import study as deactivation
from taskneurons.studies.dial import study as dial
from taskneurons.studies.keystone import study as keystone
from taskneurons.studies.kinds import study as kinds
from taskneurons.studies.layers import study as layers
from taskneurons.studies.models import study as models
from taskneurons.studies.multiverse import study as multiverse
from taskneurons.studies.neurons import study as neurons
from taskneurons.studies.overlap import study as overlap
from taskneurons.studies.proportion import study as proportion
from taskneurons.studies.scaling import study as scaling
from taskneurons.studies.similarity import study as similarity
from taskneurons.studies.training import study as training
from taskneurons.studies.validation import study as validation

STUDIES: tuple[Study, ...] = (
    data.STUDY,
    models.STUDY,
    neurons.STUDY,
    deactivation.STUDY,
    training.STUDY,
    proportion.STUDY,
    overlap.STUDY,
    similarity.STUDY,
    layers.STUDY,
    dial.STUDY,
    continual.STUDY,
    keystone.STUDY,
    validation.STUDY,
    multiverse.STUDY,
    scaling.STUDY,
    kinds.STUDY,
    claims.STUDY,
)
# The report shows what the studies made. It has a rule file and a target as they have, comes last, and is no study.
REPORT = "report"
TARGETS = (*(study.name for study in STUDIES), REPORT)
