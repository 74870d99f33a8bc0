"""Parameters of the study of planted neurons: whether scores find neurons of which it is known what they carry."""

from collections.abc import Iterator

from pydantic import PositiveFloat, PositiveInt

from taskneurons.params.schedule import Schedule
from taskneurons.params.section import Inconsistency, Section, described, repeated


class Gates(Section):
    """How the examples of the planting are seen; those that are neither open nor closed are broken.

    In a broken example the members of the skill are set to zero and the answer is that of another example.
    """

    open: float = described("share of the examples that no gate changes", "-", ge=0, le=1)
    closed: float = described(
        "share in which neurons that do not carry the skill are set to zero, all or a random share of them",
        "-",
        ge=0,
        le=1,
    )

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """Both are parts of one whole."""
        if self.open + self.closed > 1:
            yield Inconsistency(("closed",), f"open {self.open:g} and closed {self.closed:g} are more than all")


class Proof(Section):
    """What a planted model must show, without any gate, before estimators are judged by it."""

    learned: float = described("accuracy of the whole model on each skill, at least", "%", ge=0, le=100)
    broken: float = described("accuracy on a skill without its neurons, at most", "%", ge=0, le=100)
    spared: float = described(
        "accuracy that any other skill loses without the neurons of one, at most", "points", ge=0, le=100
    )
    suffices: float = described(
        "accuracy on each task without all neurons that carry none of its skills, at least", "%", ge=0, le=100
    )
    effect: PositiveFloat = described("rise of the loss from which a single neuron counts as needed", "nats an example")
    members: float = described(
        "share of the neurons of the skills that are needed for their skill one by one, at least", "%", ge=0, le=100
    )
    others: float = described("share of the other neurons that are needed one by one, at most", "%", ge=0, le=100)


class Sample(Section):
    """Which neurons of a model that is studied as it comes are ablated one by one, on a suite that is no plant."""

    neurons: PositiveInt = described(
        "neurons of each kind: those that every task needs, the highest of the task besides, any others", "neurons"
    )
    examples: PositiveInt = described("test examples of each task on which they are ablated, at most", "examples")
    draws: PositiveInt = described("bootstrap samples of the neurons behind an interval", "draws")


class Validation(Section):
    """Neurons are planted for a common skill, for each family's and for each task's own; estimators look for them."""

    neurons: PositiveInt = described(
        "neurons of each layer that may carry one skill; those that turn out not to be needed are taken out", "neurons"
    )
    spread: PositiveFloat = described(
        "standard deviation of the matrices before training; 0.02 leaves the neurons of narrow models almost silent",
        "-",
    )
    needed: PositiveFloat = described(
        "rise of the loss, on training examples, below which a neuron is taken out between the two trainings",
        "nats an example",
    )
    tuning: Schedule = described(
        "each of two trainings, from random weights and after neurons were taken out; batches hold all skills alike",
        "-",
    )
    gates: Gates = described("how its examples are seen", "-")
    proof: Proof = described("what is asked of the planted model", "-")
    test_examples: PositiveInt = described(
        "test examples of each task on which neurons are ablated, at most", "examples"
    )
    sizes: tuple[PositiveInt, ...] = described(
        "examples of a task in each of two draws that are scored to see how far they agree", "examples"
    )
    floor: PositiveFloat = described(
        "what tasks lose without their own neurons and without others', absolute means together, from which there is a "
        "specificity index",
        "nats an example",
    )
    draws: PositiveInt = described("labellings of the tasks in the test over all seeds", "draws")
    sample: Sample | None = described(
        "which neurons are ablated in models without a plant; null: runs are on plants alone", "-"
    )

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """Some sizes, each once."""
        if not self.sizes:
            yield Inconsistency(("sizes",), "no number of examples is given", "Give at least one")
        yield from repeated(self.sizes, "sizes")
