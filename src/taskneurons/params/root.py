"""The whole of the parameters: sections side by side and the rules between them."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Never, Self

from taskneurons.params.evaluation import Evaluation
from taskneurons.params.figures import Figures
from taskneurons.params.groups import TaskGroups
from taskneurons.params.models import Model, ScratchModel
from taskneurons.params.runs import Run, Study, Workflow
from taskneurons.params.section import Inconsistency, Named, Section, described
from taskneurons.params.selection import DERIVED_FROM
from taskneurons.params.suites import DialSuite, PlantSuite, Suite
from taskneurons.studies.continual.params import Continual, Streams
from taskneurons.studies.deactivation.params import Deactivation
from taskneurons.studies.dial.params import Dial
from taskneurons.studies.keystone.params import Keystone
from taskneurons.studies.kinds.params import Kinds
from taskneurons.studies.layers.params import Layers
from taskneurons.studies.models.params import Multitask
from taskneurons.studies.multiverse.params import Multiverse
from taskneurons.studies.neurons.params import Attribution, Neurons
from taskneurons.studies.overlap.params import Overlap
from taskneurons.studies.proportion.params import Proportion
from taskneurons.studies.scaling.params import Scaling
from taskneurons.studies.similarity.params import Similarity
from taskneurons.studies.training.params import Curves, Training
from taskneurons.studies.validation.params import Validation

# The sections that each study reads, beside those that every run reads.
SECTIONS: Mapping[Study, tuple[str, ...]] = MappingProxyType(
    {
        "deactivation": ("deactivation",),
        "training": ("groups", "training", "curves"),
        "proportion": ("groups", "training", "proportion"),
        "overlap": ("groups", "training", "overlap"),
        "similarity": ("groups", "training", "similarity"),
        "layers": ("layers",),
        # The estimator of its neurons is that of the studies that train neurons.
        "dial": ("training", "dial"),
        "continual": ("streams", "continual"),
        "keystone": ("keystone",),
        "validation": ("validation",),
        # Neutral text and the bound of a model's health are those of the study of keystone neurons.
        "multiverse": ("keystone", "multiverse"),
        "scaling": ("scaling",),
        # It holds the overlap of neurons against what the study of similarity measured.
        "kinds": ("groups", "training", "similarity", "kinds"),
    }
)
# They train on some tasks of a suite and test on others.
GROUPED: tuple[Study, ...] = tuple(study for study, sections in SECTIONS.items() if "groups" in sections)
# They study the model that is tuned on all tasks of its suite, or the pre-trained one where `multitask` is null; the
# others train what starts from the pre-trained one.
TUNED: tuple[Study, ...] = ("deactivation", "layers", "dial", "keystone", "multiverse", "scaling")
# What a section tells of a suite, where it has an entry for each.
BY_SUITE = {"groups": "which of its tasks to train on", "streams": "in which orders its tasks come"}
# `results/models/imported/` holds the models that were not trained here.
RESERVED_SUITES = frozenset({"imported"})


def _nothing() -> Mapping[str, Never]:
    return MappingProxyType({})


class Params(Section):
    """Every number that decides a result. A section that no run needs may be absent, and is None then."""

    workflow: Workflow = described("how the work is cut into jobs", "-")
    runs: tuple[Run, ...] = described("which models are studied on which suites", "-")
    suites: Named[Suite] = described("task suites by name", "-")
    models: Named[Model] = described("models by name", "-")
    multitask: Multitask | None = described(
        "fine-tuning on all tasks together; null: models are studied as they are", "-"
    )
    attribution: Attribution = described("scores of neurons", "-")
    neurons: Neurons = described("sets of neurons", "-")
    deactivation: Deactivation | None = described("deactivation of neurons", "-", default=None)
    groups: Named[TaskGroups] = described(
        "tasks to train on and tasks to test, by suite", "-", default_factory=_nothing
    )
    training: Training | None = described("training of neurons", "-", default=None)
    curves: Curves | None = described("curves of what trained neurons learn", "-", default=None)
    proportion: Proportion | None = described("training of growing shares of the neurons", "-", default=None)
    overlap: Overlap | None = described("overlap of neuron sets", "-", default=None)
    similarity: Similarity | None = described("similarity of the parameters of neurons", "-", default=None)
    layers: Layers | None = described("comparison of models layer by layer", "-", default=None)
    dial: Dial | None = described("shared skills, transfer and neurons", "-", default=None)
    streams: Named[Streams] = described(
        "orders in which tasks are learned one after another, by suite", "-", default_factory=_nothing
    )
    continual: Continual | None = described("continual learning", "-", default=None)
    keystone: Keystone | None = described("what every task needs, and what is special to one", "-", default=None)
    validation: Validation | None = described("planted neurons, and what finds them", "-", default=None)
    multiverse: Multiverse | None = described("the paper's open choices, crossed", "-", default=None)
    scaling: Scaling | None = described("models of several sizes and architectures", "-", default=None)
    kinds: Kinds | None = described("overlap and transfer across kinds of task", "-", default=None)
    evaluation: Evaluation = described("generation and scoring of answers", "-")
    figures: Figures = described("drawing of figures", "-")

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """Names exist, runs do not repeat and have what their studies need, every score that is ranked is computed."""
        if not self.runs:
            yield Inconsistency(("runs",), "no run is given", "Give at least one {suite, model, seeds, studies}")
        for name in RESERVED_SUITES & set(self.suites):
            yield Inconsistency(("suites", name), f"`{name}` is a reserved name", "Choose another name")
        pairs: dict[tuple[str, str], int] = {}
        for index, run in enumerate(self.runs):
            if (run.suite, run.model) in pairs:
                first = pairs[run.suite, run.model]
                yield Inconsistency(
                    ("runs", index),
                    f"runs {first} and {index} are both model `{run.model}` on suite `{run.suite}`",
                    "Join their seeds in one run",
                )
            pairs.setdefault((run.suite, run.model), index)
            yield from self._unknown_names(index, run)
            yield from self._absent_sections(index, run)
            yield from self._unfit(index, run)
        asked = {section for run in self.runs for study in run.studies for section in SECTIONS[study]}
        # What no run needs may be of suites of other files.
        for section in asked & set(BY_SUITE):
            for name in set(getattr(self, section)) - set(self.suites):
                yield Inconsistency((section, name), f"there is no suite `{name}`", nearest(name, self.suites))
        yield from self._unknown_sizes()
        for index, selection in enumerate(self.neurons.selections):
            needed = DERIVED_FROM if selection.estimator in ("contrast", "entropy") else selection.estimator
            if needed not in self.attribution.estimators:
                yield Inconsistency(
                    ("neurons", "selections", index, "estimator"),
                    f"`{selection.estimator}` needs the scores of `{needed}`, which are not computed",
                    f"Add {needed} to attribution.estimators",
                )

    def _unknown_names(self, index: int, run: Run) -> Iterator[Inconsistency]:
        """Yield the suite and the model of a run that the parameters do not have."""
        for key, known in (("suite", self.suites), ("model", self.models)):
            if (name := getattr(run, key)) not in known:
                yield Inconsistency(("runs", index, key), f"there is no {key} `{name}`", nearest(name, known))

    def _absent_sections(self, index: int, run: Run) -> Iterator[Inconsistency]:
        """Yield the sections that a run's studies need and the parameters do not have."""
        for place, study in enumerate(run.studies):
            for section in SECTIONS[study]:
                at = ("runs", index, "studies", place)
                if section in BY_SUITE and run.suite not in getattr(self, section):
                    yield Inconsistency(
                        at,
                        f"study `{study}` needs to know of suite `{run.suite}` {BY_SUITE[section]}",
                        f"Write {section}.{run.suite}",
                    )
                elif getattr(self, section) is None:
                    meaning = type(self).model_fields[section].description
                    yield Inconsistency(
                        at,
                        f"study `{study}` needs the section `{section}` ({meaning})",
                        "Write it, or leave out the study",
                    )

    def _unknown_sizes(self) -> Iterator[Inconsistency]:
        """Yield the models that the study of scale is to compare and the parameters do not have."""
        asked = any("scaling" in run.studies for run in self.runs)
        for key in ("sizes", "architectures") if self.scaling and asked else ():
            for place, name in enumerate(getattr(self.scaling, key)):
                if name not in self.models:
                    remedy = nearest(name, self.models)
                    yield Inconsistency(("scaling", key, place), f"there is no model `{name}`", remedy)

    def _unfit(self, index: int, run: Run) -> Iterator[Inconsistency]:
        """Yield where a run's suite and model do not go with each other or with its studies."""
        suite, model = self.suites.get(run.suite), self.models.get(run.model)
        penalised = self.continual.penalised() if self.continual else []
        if "continual" in run.studies and penalised and getattr(model, "dtype", "") == "float16":
            yield Inconsistency(
                ("runs", index, "model"),
                f"the penalty of {' and '.join(penalised)} needs an unscaled loss, float16 a scaled one",
                f"Set models.{run.model}.dtype to bfloat16 or float32",
            )
        if "dial" in run.studies and suite is not None and not isinstance(suite, DialSuite):
            yield Inconsistency(
                ("runs", index, "studies"),
                f"study `dial` needs to know how many skills two tasks of suite `{run.suite}` share",
                "Name a suite whose source is `dial`",
            )
        if "keystone" in run.studies and DERIVED_FROM not in self.attribution.estimators:
            yield Inconsistency(
                ("runs", index, "studies"),
                f"study `keystone` ranks neurons by the scores of `{DERIVED_FROM}`, which are not computed",
                f"Add {DERIVED_FROM} to attribution.estimators",
            )
        if "validation" in run.studies:
            yield from self._not_plantable(index, run)
        if self.multitask is None:
            yield from self._untuned(index, run)
        if isinstance(model, ScratchModel) and suite is not None and suite.corpus is None:
            yield Inconsistency(
                ("suites", run.suite, "corpus"),
                f"model `{run.model}` is trained from scratch on this suite, which has no pre-training text",
                "Write a number of documents",
            )

    def _not_plantable(self, index: int, run: Run) -> Iterator[Inconsistency]:
        """Yield why neurons cannot be planted into the model of a run, or those that it has not be sampled."""
        suite, model = self.suites.get(run.suite), self.models.get(run.model)
        if suite is not None and not isinstance(suite, PlantSuite):
            if self.validation and self.validation.sample is None:
                yield Inconsistency(
                    ("runs", index, "studies"),
                    f"study `validation` needs to know which skills the tasks of suite `{run.suite}` ask, or how many "
                    "neurons to ablate",
                    "Name a suite whose source is `plant`, or write validation.sample",
                )
        elif model is not None and not isinstance(model, ScratchModel):
            yield Inconsistency(
                ("runs", index, "model"),
                f"study `validation` plants neurons into random weights, and model `{run.model}` has others",
                "Name a model whose source is `scratch`",
            )
        elif isinstance(suite, PlantSuite) and self.validation and 2 * max(self.validation.sizes) > suite.train:
            yield Inconsistency(
                ("validation", "sizes"),
                f"two draws of {max(self.validation.sizes)} examples share some, suite `{run.suite}` has {suite.train}",
                f"Write at most {suite.train // 2}",
            )

    def _untuned(self, index: int, run: Run) -> Iterator[Inconsistency]:
        """Yield the studies of a run that compare a model with the one that was tuned on all tasks."""
        compared = {"dial"} | ({"layers"} if self.layers and self.layers.tuning.method == "full" else set())
        for place, study in enumerate(run.studies):
            if study in compared:
                yield Inconsistency(
                    ("runs", index, "studies", place),
                    f"study `{study}` compares the model with one that was tuned on all tasks, and `multitask` is null",
                    "Write the section `multitask`, or leave out the study",
                )

    def without_unused(self) -> Self:
        """The same parameters without the suites, models, groups and streams that no run names.

        A file may keep definitions for other files and later runs; nothing is made of them.
        """
        suites, models = {run.suite for run in self.runs}, {run.model for run in self.runs}
        named = {"suites": suites, "models": models, "groups": suites, "streams": suites}
        kept = {
            section: MappingProxyType({name: one for name, one in getattr(self, section).items() if name in names})
            for section, names in named.items()
        }
        return self.model_copy(update=kept)


def nearest(name: str, known: object) -> str:
    """Say which of the known names is meant, or list them where none is near."""
    names = sorted(str(one) for one in known)  # type: ignore[attr-defined]
    close = get_close_matches(name, names, 1, cutoff=0.6)
    return f"Did you mean `{close[0]}`?" if close else f"Known: {', '.join(names) or 'none'}"
