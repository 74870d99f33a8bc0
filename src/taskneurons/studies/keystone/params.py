"""Parameters of the study of keystone neurons: what every task needs, and what is special to one."""

from collections.abc import Iterator
from typing import Literal

from pydantic import PositiveFloat, PositiveInt

from taskneurons.params.folders import FolderPath
from taskneurons.params.section import Inconsistency, Section, described, repeated
from taskneurons.params.selection import Within, shares

Special = Literal["top", "top_less_keystone", "top_less_others", "contrast", "signed"]


class NeutralText(Section):
    """Text that asks nothing. Some of it is scored, the rest is tested: the health of the model."""

    source: Literal["inputs", "english", "file"] = described(
        "inputs: those of the validation examples of all tasks, without instruction and answer; english: generated "
        "plain English sentences; file: the lines of a file",
        "-",
    )
    path: FolderPath | None = described("the file, one text a line; null: none", "-")
    texts: PositiveInt = described("texts that are scored, at most, and as many others that are tested", "texts")
    tokens: int = described("tokens of a text that are used, at most", "tokens", ge=2)

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """A file is named where it is read."""
        if (self.source == "file") != (self.path is not None):
            yield Inconsistency(
                ("path",),
                f"`source` is {self.source}"
                + (", and no file is named" if self.path is None else ", which reads none"),
                "Name the file beside `source: file`, else write null",
            )


class Keystone(Section):
    """What is switched off: sets of each task's own and of another task, keystone and random neurons, over shares.

    Neurons are ranked by the scores of Eq. 3 (`taylor`). The keystone neurons of a share are those in the top of every
    task and of neutral text. All sets are deactivated by activation zero.
    """

    within: Within = described("neurons are ranked over the whole model or inside each layer", "-")
    percents: tuple[float, ...] = described("shares", "% of the neurons")
    sets: tuple[Special, ...] = described(
        "sets of a task: its top; its top without keystone neurons, or without the tops of all other tasks; the "
        "highest contrast with other tasks; the highest signed scores (another pass over the scored examples)",
        "-",
    )
    random_draws: PositiveInt = described("random sets of each top's size and layers", "draws")
    test_examples: PositiveInt = described("test examples of each task, at most", "examples")
    scores: bool = described(
        "also measure accuracy or ROUGE-L, for which answers are generated and options compared; else the loss alone",
        "-",
    )
    neutral: NeutralText = described("neutral text", "-")
    health_percent: PositiveFloat = described(
        "a model is healthy as long as its loss on neutral text rises by no more than this", "% of the loss"
    )
    listed: PositiveInt = described("keystone neurons of the largest share that are listed, at most", "neurons")

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """The top is always measured, and nothing twice."""
        if "top" not in self.sets:
            yield Inconsistency(("sets",), "`top` is missing", "Add it: the others are compared with it")
        yield from repeated(self.sets, "sets")
        if not self.percents:
            yield Inconsistency(("percents",), "no share is given", "Give at least one")
        yield from shares(self.percents, "percents")
