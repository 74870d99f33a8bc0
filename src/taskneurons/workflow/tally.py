"""What a job does, added up: what it trains, attributes, tests and keeps. Each study says it in its `needs.py`.

A function there has the name of the job's function, and calls what `Tally` offers with numbers from the job's settings.
The formulas are in `costs`; `needs` makes resources of the sums.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from taskneurons.workflow.costs import (
    ADAPTERS,
    BYTES,
    GPU,
    Method,
    Rates,
    Size,
    cache_bytes,
    kept_bytes,
    resume_bytes,
    training_bytes,
    training_flops,
    whole,
)

if TYPE_CHECKING:
    # A study that imports this does not know the sections of the others.
    from taskneurons.params.root import Params

# ASSUME: an example has so many tokens, or a quarter of the context. A batch is padded to its longest example, which
# is as long as the context where documents are summarised.
MEAN_TOKENS, MEAN_SHARE = 200, 4
# ASSUME: half of the tasks generate answers, which end after half of the tokens that they may have.
GENERATED = 1 / 4
# ASSUME: of a suite that takes all test examples there are so many.
ALL = 1000
# ASSUME: a disk writes 200 MB a second.
DISK = 2e8
MICRO = "workflow.micro_batch_size"
"""What trainings of any study have in one pass."""


@dataclass(frozen=True)
class Part:
    """What one of a job's trainings or measurements holds at its peak.

    Attributes:
        fixed: bytes whatever the batch.
        per_token: bytes for each token of the batch.
        batch: examples.
        key: of the batch in the parameters.
        other: what else the parameters could say, with what is fixed then; None: there is no such job then.
    """

    fixed: float
    per_token: float = 0
    batch: int = 1
    key: str = ""
    other: tuple[tuple[str, float | None], ...] = ()

    def bytes(self, context: int) -> float:
        """At the peak, where the longest example of a batch is as long as the context."""
        return whole(self.fixed + self.per_token * self.batch * context)


@dataclass
class Tally:
    """Adds up what a job does.

    Attributes:
        params: of the workflow.
        size: of the model.
        dtype: precision of the products.
        context: longest sequence, tokens.
        settings: of the job.
        tasks: of the suite.
        outputs: files that the job writes.
        name: of the model in the parameters.
        rates: of the device.
        parts: what its trainings and measurements hold.
        seconds: that it is expected to take.
        resume: bytes of the file that it leaves when it is stopped.
        disk: bytes that it leaves.
        loaded: bytes of host memory at most.
        computes: whether it runs a model at all, and so gains by a GPU.
        undivided: whether each of its processes must hold all weights, because it reads or changes some.
    """

    params: "Params"
    size: Size
    dtype: str
    context: int
    settings: Mapping[str, Any]
    tasks: int
    outputs: Sequence[str]
    name: str
    rates: Rates = GPU
    parts: list[Part] = field(default_factory=list)
    seconds: float = 0
    resume: float = 0
    disk: float = 0
    loaded: float = 0
    computes: bool = True
    undivided: bool = False

    @property
    def tokens(self) -> float:
        """Of an example, on average."""
        return min(MEAN_TOKENS, self.context / MEAN_SHARE)

    @property
    def may_share(self) -> bool:
        """Whether its processes may share out the weights; a training shares out what it trains by itself."""
        return self.computes and not self.undivided and not self.resume

    @property
    def weights(self) -> float:
        """Bytes of the model as it is used."""
        return self.size.parameters * BYTES[self.dtype]

    @property
    def neurons(self) -> float:
        """Neurons of all layers, of FFNs with three matrices."""
        return self.size.ffn / (3 * self.size.width)

    @property
    def test_examples(self) -> int:
        """Of a task of the suite."""
        test = self._suite.test
        return ALL if test == "all" else int(test)

    def train_examples(self, asked: int) -> int:
        """Of those asked for, what a task of the suite has."""
        return min(asked, int(self._suite.train))

    @property
    def _suite(self) -> Any:
        return self.params.suites[self.outputs[0].split("/")[2]]

    def copy(self) -> None:
        """The weights are read and written, and no model is run."""
        self.disk += self.weights
        self.seconds += 2 * self.weights / DISK
        self.computes = False

    def train(
        self,
        method: Method,
        steps: int,
        batch: int,
        *,
        times: float = 1,
        share: float = 1,
        readings: int = 0,
        other: tuple[tuple[str, float | None], ...] = (),
    ) -> None:
        """Some trainings of the same form; readings of a training of all weights lie on the host."""
        workflow = self.params.workflow
        fixed = training_bytes(self.size, method, self.dtype, share=share, processes=workflow.processes_per_job)
        per_token = kept_bytes(
            self.size, self.dtype, 1, moving=method != "lora", checkpointing=workflow.gradient_checkpointing
        )
        own = -(-batch // workflow.processes_per_job)
        self.parts.append(Part(fixed, per_token, min(own, workflow.micro_batch_size or own), MICRO, other))
        flops = training_flops(self.size, method, steps * batch * self.tokens, share)
        self._spend(times * flops, 3 * times * steps)
        self.resume = max(self.resume, resume_bytes(self.size, method, share))
        kept = 1 + readings if method == "full" else 1
        loaded = 4 * kept * self.size.parameters if method in ("whole", "full") else self.weights
        self.loaded = max(self.loaded, loaded)

    def test(self, tasks: float, examples: int | None, *, generated: float = GENERATED) -> None:
        """Answers to the test examples of some tasks, of which a share of the tokens they may have is generated."""
        number, batch = examples or ALL, self.params.workflow.evaluation_batch_size
        new = self.settings.get("evaluation", {}).get("max_new_tokens") or self.params.evaluation.max_new_tokens
        self.parts.append(
            Part(self.weights, cache_bytes(self.size, self.dtype, 1), batch, "workflow.evaluation_batch_size")
        )
        passes = tasks * -(-number // batch) * (1 + generated * new)
        flops = 2 * self.size.parameters * tasks * number * (self.tokens + generated * new)
        self._spend(flops, passes, passes * self.weights)

    def attribute(self, tasks: float, examples: int, batch: int, key: str, estimators: int = 1) -> None:
        """Scores of the neurons on the training examples of some tasks: forward, and back through activations."""
        self.parts.append(Part(self.weights, kept_bytes(self.size, self.dtype, 1, moving=False), batch, key))
        number = tasks * examples * estimators
        self._spend(4 * self.size.parameters * number * self.tokens, 3 * number / batch)

    def read(self, examples: float, batch: int, key: str) -> None:
        """A forward pass over some prompts, whose representations go to the host."""
        self.parts.append(Part(self.weights, cache_bytes(self.size, self.dtype, 1), batch, key))
        self._spend(2 * self.size.parameters * examples * self.tokens, examples / batch)

    def tune_changes(self, trainings: int, *, or_adapters: bool = False) -> None:
        """Fine-tunings whose results are kept as files, and which could be of adapters."""
        course, lora = self.settings["schedule"], self.settings.get("lora")
        method: Method = "lora" if lora else "full"
        adapters = training_bytes(self.size, "lora", self.dtype)
        other = (("layers.tuning.method: lora", adapters),) if or_adapters and not lora else ()
        self.train(method, course["steps"], course["batch_size"], times=trainings, other=other)
        self.disk += trainings * 4 * self.size.parameters * (ADAPTERS if lora else 1)

    def _spend(self, flops: float, passes: float, read: float = 0) -> None:
        self.seconds += self.rates.seconds(self.size, flops, passes, read)
