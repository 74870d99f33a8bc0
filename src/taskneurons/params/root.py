"""The whole of the parameters: sections side by side and the rules between them."""

from collections.abc import Iterator
from difflib import get_close_matches

from taskneurons.params.evaluation import Evaluation
from taskneurons.params.figures import Figures
from taskneurons.params.groups import TaskGroups
from taskneurons.params.models import Model, ScratchModel
from taskneurons.params.runs import Run, Study, Workflow
from taskneurons.params.section import Inconsistency, Named, Section, described
from taskneurons.params.selection import DERIVED_FROM
from taskneurons.params.suites import DialSuite, Suite
from taskneurons.studies.continual.params import Continual, Streams
from taskneurons.studies.deactivation.params import Deactivation
from taskneurons.studies.dial.params import Dial
from taskneurons.studies.layers.params import Layers
from taskneurons.studies.models.params import Multitask
from taskneurons.studies.neurons.params import Attribution, Neurons
from taskneurons.studies.overlap.params import Overlap
from taskneurons.studies.proportion.params import Proportion
from taskneurons.studies.similarity.params import Similarity
from taskneurons.studies.training.params import Training

# They train on some tasks of a suite and test on others.
GROUPED: tuple[Study, ...] = ("training", "proportion", "overlap", "similarity")
# `results/models/imported/` holds the models that were not trained here.
RESERVED_SUITES = frozenset({"imported"})


class Params(Section):
    """Every number that decides a result."""

    workflow: Workflow = described("how the work is cut into jobs", "-")
    runs: tuple[Run, ...] = described("which models are studied on which suites", "-")
    suites: Named[Suite] = described("task suites by name", "-")
    models: Named[Model] = described("models by name", "-")
    multitask: Multitask = described("fine-tuning on all tasks together", "-")
    attribution: Attribution = described("scores of neurons", "-")
    neurons: Neurons = described("sets of neurons", "-")
    deactivation: Deactivation = described("deactivation of neurons", "-")
    groups: Named[TaskGroups] = described("tasks to train on and tasks to test, by suite", "-")
    training: Training = described("training of neurons", "-")
    proportion: Proportion = described("training of growing shares of the neurons", "-")
    overlap: Overlap = described("overlap of neuron sets", "-")
    similarity: Similarity = described("similarity of the parameters of neurons", "-")
    layers: Layers = described("comparison of models layer by layer", "-")
    dial: Dial = described("shared skills, transfer and neurons", "-")
    streams: Named[Streams] = described("orders in which tasks are learned one after another, by suite", "-")
    continual: Continual = described("continual learning", "-")
    evaluation: Evaluation = described("generation and scoring of answers", "-")
    figures: Figures = described("drawing of figures", "-")

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """References exist, runs do not repeat, and every score that a selection ranks by is computed."""
        if not self.runs:
            yield Inconsistency(("runs",), "no run is given", "Give at least one {suite, model, seeds, studies}")
        for name in RESERVED_SUITES & set(self.suites):
            yield Inconsistency(("suites", name), f"`{name}` is a reserved name", "Choose another name")
        pairs: dict[tuple[str, str], int] = {}
        for index, run in enumerate(self.runs):
            for key, known in (("suite", self.suites), ("model", self.models)):
                if (name := getattr(run, key)) not in known:
                    yield Inconsistency(("runs", index, key), f"there is no {key} `{name}`", nearest(name, known))
            if (run.suite, run.model) in pairs:
                first = pairs[run.suite, run.model]
                yield Inconsistency(
                    ("runs", index),
                    f"runs {first} and {index} are both model `{run.model}` on suite `{run.suite}`",
                    "Join their seeds in one run",
                )
            pairs.setdefault((run.suite, run.model), index)
            for study in run.studies:
                if study in GROUPED and run.suite not in self.groups:
                    yield Inconsistency(
                        ("runs", index, "studies"),
                        f"study `{study}` needs to know which tasks of suite `{run.suite}` to train on",
                        f"Write groups.{run.suite}",
                    )
            if "continual" in run.studies and run.suite not in self.streams:
                yield Inconsistency(
                    ("runs", index, "studies"),
                    f"study `continual` needs to know in which orders the tasks of suite `{run.suite}` come",
                    f"Write streams.{run.suite}",
                )
            suite, model = self.suites.get(run.suite), self.models.get(run.model)
            scaled = {"ewc", "olora"} & set(self.continual.methods)
            if "continual" in run.studies and scaled and getattr(model, "dtype", "") == "float16":
                yield Inconsistency(
                    ("runs", index, "model"),
                    f"the penalty of {' and '.join(sorted(scaled))} needs an unscaled loss, float16 a scaled one",
                    f"Set models.{run.model}.dtype to bfloat16 or float32",
                )
            if "dial" in run.studies and suite is not None and not isinstance(suite, DialSuite):
                yield Inconsistency(
                    ("runs", index, "studies"),
                    f"study `dial` needs to know how many skills two tasks of suite `{run.suite}` share",
                    "Name a suite whose source is `dial`",
                )
            if isinstance(model, ScratchModel) and suite is not None and suite.corpus is None:
                yield Inconsistency(
                    ("suites", run.suite, "corpus"),
                    f"model `{run.model}` is trained from scratch on this suite, which has no pre-training text",
                    "Write a number of documents",
                )
        for section in ("groups", "streams"):
            for name in set(getattr(self, section)) - set(self.suites):
                yield Inconsistency((section, name), f"there is no suite `{name}`", nearest(name, self.suites))
        for index, selection in enumerate(self.neurons.selections):
            needed = DERIVED_FROM if selection.estimator in ("contrast", "entropy") else selection.estimator
            if needed not in self.attribution.estimators:
                yield Inconsistency(
                    ("neurons", "selections", index, "estimator"),
                    f"`{selection.estimator}` needs the scores of `{needed}`, which are not computed",
                    f"Add {needed} to attribution.estimators",
                )


def nearest(name: str, known: object) -> str:
    """Say which of the known names is meant, or list them where none is near."""
    names = sorted(str(one) for one in known)  # type: ignore[attr-defined]
    close = get_close_matches(name, names, 1, cutoff=0.6)
    return f"Did you mean `{close[0]}`?" if close else f"Known: {', '.join(names) or 'none'}"
