"""One training loop, through accelerate: pre-training on text and tuning on all tasks differ in their batches alone.

A batch is a pure function of (seed, step), see `batches`, so that a run which was killed and resumed ends with the same
bits as one that was not. Its resume file is safetensors: the weights, AdamW's moments, the step, the log.
"""

import hashlib
import json
import logging
import math
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import torch
from accelerate import Accelerator
from accelerate.optimizer import AcceleratedOptimizer
from accelerate.utils import DistributedDataParallelKwargs
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import PreTrainedModel

from taskneurons import processes
from taskneurons.engine.batches import TrainingData, WeightedBatch, mixed_tasks, shuffled_text
from taskneurons.engine.batching import Batching, out_of_memory
from taskneurons.engine.counting import counted
from taskneurons.engine.execution import Execution, Schedule
from taskneurons.engine.spreading import Spread, laid_as, spread, whole
from taskneurons.errors import InputError, TooLittleMemory
from taskneurons.files import replacing
from taskneurons.models.corpus import tokenize_corpus
from taskneurons.models.encoding import IGNORED, Encoded
from taskneurons.models.kernels import FreeMemory, fastest
from taskneurons.models.padding import without_pads
from taskneurons.table import Column, Table

log = logging.getLogger(__name__)

LOG_POINTS = 100
# ASSUME: the usual second moment of language-model pre-training; torch's 0.999 forgets the first steps too slowly for
# trainings of a few hundred steps.
BETAS = (0.9, 0.95)
LARGEST_GRADIENT = 1.0


class Diverged(InputError):
    """The loss of a training is NaN, infinite or has exploded."""


@dataclass(frozen=True)
class StepRow:
    """A point of the course of a training, in training.csv beside what was trained.

    Attributes:
        step: from 1.
        loss: mean since the row before.
    """

    step: Annotated[int, Column(unit="steps", low=1)]
    loss: Annotated[float, Column(unit="nats a token", measured=True)]


STEPS = Table(StepRow)


@dataclass(frozen=True)
class TrainingLog:
    """The course of a training at about a hundred points.

    Attributes:
        rows: (step, mean loss since the row before, seconds of training so far); steps count from 1.
    """

    rows: tuple[tuple[int, float, float], ...]

    def write(self, path: str | Path) -> None:
        """Write it as CSV: step, loss. Seconds are left out, so that equal trainings write equal bytes."""
        STEPS.write(path, (StepRow(step, loss) for step, loss, _ in self.rows))


@dataclass(frozen=True)
class Trainable:
    """What a training moves.

    Attributes:
        parameters: by name; they need not be parameters of the model.
        publish: called whenever they have changed, and never between a forward pass and its backward.
        read: called with the step after each step that the schedule names; it must change nothing.
    """

    parameters: Mapping[str, nn.Parameter]
    publish: Callable[[], None] | None = None
    read: Callable[[int], None] | None = None


def train(
    model: PreTrainedModel,
    data: TrainingData,
    schedule: Schedule,
    execution: Execution,
    *,
    trainable: Trainable | None = None,
    explosion: float = math.inf,
    name: str = "training",
) -> TrainingLog:
    """Train a model in place with AdamW without weight decay, clipped gradients, and the rates of the schedule.

    Args:
        model: moved to the device; returned in evaluation mode with frozen parameters.
        data: what it sees.
        schedule: its steps, learning rates and readings; the batch size and the seed are those of the data.
        execution: its resume file is written every `checkpoint_minutes` and at SIGTERM, continued from if it is there
            and belongs to this very training, removed at the end. The weights stay in their own precision. A pass of
            its `micro_batch_size` is halved where the memory does not suffice.
        trainable: what moves; None: all parameters of the model.
        explosion: a loss above this counts as diverged.
        name: of the training, where it says how far it is.

    Raises:
        Diverged: the loss of a step is NaN, infinite or above `explosion`; the message names the step.
        InputError: one example does not fit the memory; there are fewer examples in a step than processes.
    """
    cpu = torch.device(execution.device).type == "cpu"
    accelerator = Accelerator(
        cpu=cpu,
        mixed_precision=execution.mixed_precision,
        kwargs_handlers=[DistributedDataParallelKwargs(broadcast_buffers=False)],
    )
    model.train()
    if trainable is None:
        trainable = Trainable(dict(model.requires_grad_(True).named_parameters()))
    publish, resume, steps = trainable.publish, execution.resume, schedule.steps
    settings = {
        "steps": steps,
        "learning_rate": schedule.learning_rate,
        "warmup": schedule.warmup,
        "decay": schedule.decay,
        "mixed_precision": execution.mixed_precision,
        "data": data.digest,
        "start": _digest(trainable.parameters) if resume else "",
    }
    prepared = spread(accelerator, model, trainable.parameters)
    parameters = prepared.parameters
    optimizer = torch.optim.AdamW(
        parameters.values(), lr=schedule.learning_rate, betas=BETAS, weight_decay=0.0, fused=True
    )
    prepared_optimizer = accelerator.prepare(optimizer)
    state = _Progress.begin(resume, settings, parameters, optimizer)
    if publish and state.step:
        publish()
    log_every = max(1, steps // LOG_POINTS)
    memory = FreeMemory()
    first = data.batch(0)
    size = min(execution.micro_batch_size or len(first), len(first))
    with (
        _released(accelerator, prepared.called, model),
        _terminated() as stop,
        _checkpointing(prepared.model, execution.gradient_checkpointing),
        _loss_rows_only(prepared.model) as select,
        fastest(prepared.model, rows=first.rows(0, size).input_ids.numel()),
        without_pads(prepared.model, autocast=execution.mixed_precision != "no") as leave_out,
    ):
        gradients = _Gradients(accelerator, prepared, prepared_optimizer, (leave_out, select), Batching(size))
        bar = counted(name=name, unit="step", total=steps, initial=state.step)
        written = began = time.monotonic()
        before = state.seconds
        for step in range(state.step, steps):
            for group in optimizer.param_groups:
                group["lr"] = schedule.learning_rate * _share_of_rate(step, schedule)
            value = gradients.add(data.batch(step))
            _refuse_divergence(value, explosion, f"step {step + 1} of {steps}", name)
            accelerator.clip_grad_norm_(parameters.values(), LARGEST_GRADIENT)
            prepared_optimizer.step()
            prepared_optimizer.zero_grad(set_to_none=True)
            if publish:
                publish()
            if trainable.read and step + 1 in schedule.readings:
                prepared.collect()
                trainable.read(step + 1)
            state.step, state.seconds = step + 1, before + time.monotonic() - began
            state.losses += value
            bar.update()
            if state.step % log_every == 0 or state.step == steps:
                state.log()
                memory.return_to_system()
                bar.set_postfix(loss=f"{state.rows[-1][1]:.3f}", refresh=False)
            due = time.monotonic() - written > 60 * execution.checkpoint_minutes
            due, stopped = processes.any_of([due, stop.is_set()], accelerator.device)
            if resume and state.step < steps and (due or stopped):
                state.write(resume, settings, parameters, optimizer)
                written = time.monotonic()
            if stopped:
                # The first process may still write: when another one ends, torchrun ends it.
                processes.wait()
                raise SystemExit(128 + signal.SIGTERM)
        bar.close()
        prepared.collect()
    if resume:
        _remove(resume)
    return TrainingLog(tuple(state.rows))


def _refuse_divergence(loss: float, explosion: float, at: str, name: str) -> None:
    if not math.isfinite(loss) or loss > explosion:
        raise Diverged(
            f"the loss is {loss} at {at}",
            where=name,
            remedy="The training diverged: lower the learning rate or lengthen the warm-up",
        )


def pretrain(
    model: PreTrainedModel,
    tokenizer: Any,
    documents: Iterable[Mapping[str, Any]],
    schedule: Schedule,
    execution: Execution,
    *,
    focus_weight: float,
    context: int,
) -> TrainingLog:
    """Train a language model on documents {"segments": [[text, focus], ...]}.

    The loss of a batch is the mean cross-entropy of its tokens + focus_weight * that of its focus tokens.

    Args:
        schedule: its batch size is the sequences of a step.
        execution: see `train`.
        focus_weight: weight of the second mean; 0: none.
        context: longest sequence, tokens; longer documents are cut.

    Raises:
        InputError: as `train`, or a document of another form.
    """
    corpus = tokenize_corpus(documents, tokenizer, context)
    data = shuffled_text(corpus, schedule, tokenizer.pad_token_id, focus_weight)
    return train(model, data, schedule, execution, name="pre-training")


def tune_multitask(
    model: PreTrainedModel,
    encoded: Mapping[str, Sequence[Encoded]],
    schedule: Schedule,
    execution: Execution,
    *,
    pad_id: int,
) -> TrainingLog:
    """Fine-tune on all tasks together: every task gives the same share of each batch, the loss is on answers alone.

    The loss of a batch is the mean cross-entropy of its answer tokens.

    Raises:
        InputError: as `train`, or a task has no examples.
    """
    return train(model, mixed_tasks(encoded, schedule, pad_id), schedule, execution, name="multi-task tuning")


@dataclass(frozen=True)
class _Gradients:
    """Gradients of whole batches, each the sum over passes that fit the memory, and over processes.

    Attributes:
        accelerator: of the training.
        prepared: the model.
        optimizer: that the accelerator prepared.
        before: are called before each call of the model, with the lengths of the sequences and with the positions that
            the language head must see.
        batching: how many sequences a pass has.
    """

    accelerator: Accelerator
    prepared: Spread
    optimizer: AcceleratedOptimizer
    before: tuple[Callable[[Tensor], None], Callable[[Tensor], None]]
    batching: Batching

    def add(self, batch: WeightedBatch) -> float:
        """Leave the gradient of a batch's loss with the parameters, which have none yet, and return the loss.

        Raises:
            InputError: one sequence does not fit the memory, or the passes of several processes do not; there are fewer
                sequences than processes.
        """
        if processes.number() > 1:
            return self._add_together(batch)
        losses = self.batching.over(
            len(batch),
            lambda begin, end: self._pass(batch.rows(begin, end)),
            undo=lambda: self.optimizer.zero_grad(set_to_none=True),
        )
        return float(sum(loss.item() for loss in losses))

    def _add_together(self, batch: WeightedBatch) -> float:
        """The same by all processes, each with its share of the batch and with as many passes."""
        own = batch.rows(*processes.share(len(batch)))
        size = self.batching.size
        ends = range(size, -(-len(batch) // processes.number()) + size, size)
        total = torch.zeros((), device=self.accelerator.device)
        for end in ends:
            empty = len(own) <= end - size
            part = own.rows(0, 1).counting_nothing() if empty else own.rows(end - size, min(end, len(own)))
            last_or_shared = end == ends[-1] or self.prepared.shared_out
            try:
                with nullcontext() if last_or_shared else self.accelerator.no_sync(self.prepared.called):
                    total += self._pass(part)
            except (RuntimeError, MemoryError) as error:
                if not out_of_memory(error):
                    raise
                # `workflow.together` starts all processes anew with half as many.
                raise TooLittleMemory(
                    len(part),
                    where="workflow.micro_batch_size",
                    remedy="Use bfloat16, a shorter context, workflow.gradient_checkpointing or more memory",
                ) from None
        processes.add_up([total])
        return total.item()

    def _pass(self, batch: WeightedBatch) -> Float[Tensor, ""]:
        loss = self._loss(batch)
        self.accelerator.backward(loss * processes.number() if self.prepared.averages else loss)
        return loss.detach()

    def _loss(self, batch: WeightedBatch) -> Float[Tensor, ""]:
        """The weighted sum of cross-entropies; the language head sees only the positions that predict something."""
        device = self.accelerator.device
        lengths, positions = self.before
        lengths(batch.lengths.to(device))
        counted = batch.labels != IGNORED
        positions(counted.to(device))
        logits = self.prepared.called(input_ids=batch.input_ids.to(device), use_cache=False).logits
        losses = nn.functional.cross_entropy(logits.float(), batch.labels[counted].to(device), reduction="none")
        return losses @ batch.weights[counted].to(device)


def _share_of_rate(step: int, schedule: Schedule) -> float:
    """The share of the highest learning rate at a step: linear to 1 in the warm-up, then a cosine towards 0, or 1."""
    warmup = schedule.warmup
    if step < warmup:
        return (step + 1) / warmup
    if schedule.decay == "none":
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / (schedule.steps - warmup)))


@contextmanager
def _loss_rows_only(model: PreTrainedModel) -> Iterator[Callable[[Tensor], None]]:
    """Hand the language head only selected positions, whatever the architecture does to the logits afterwards.

    Yields a function that takes the mask (batch, tokens); the model's logits are then (selected, vocabulary).
    """
    chosen: list[Tensor] = []

    def keep(mask: Tensor) -> None:
        chosen[:] = [mask]

    def hook(_: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (inputs[0][chosen[0]], *inputs[1:])

    handle = model.get_output_embeddings().register_forward_pre_hook(hook)
    try:
        yield keep
    finally:
        handle.remove()


@contextmanager
def _checkpointing(model: PreTrainedModel, wanted: bool) -> Iterator[None]:
    """Gradient checkpointing inside the block; the reentrant kind would need gradients at the model's input."""
    if not wanted:
        yield
        return
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    try:
        yield
    finally:
        model.gradient_checkpointing_disable()


@contextmanager
def _released(accelerator: Accelerator, prepared: nn.Module, model: PreTrainedModel) -> Iterator[None]:
    """Take the model back from accelerate after the block, in evaluation mode with frozen parameters."""
    try:
        yield
    finally:
        accelerator.unwrap_model(prepared, keep_fp32_wrapper=False)
        accelerator.free_memory()
        model.eval().requires_grad_(False)


@contextmanager
def _terminated() -> Iterator[threading.Event]:
    """An event that SIGTERM sets, instead of ending the process at once; only the main thread can have it."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return

    def note(_number: int, _frame: FrameType | None) -> None:
        event.set()

    before = signal.signal(signal.SIGTERM, note)
    try:
        yield event
    finally:
        signal.signal(signal.SIGTERM, before)


@dataclass
class _Progress:
    """How far a training is; with the weights and moments, all that a resumed run needs."""

    step: int = 0
    seconds: float = 0.0
    losses: float = 0.0
    rows: list[tuple[int, float, float]] = field(default_factory=list)

    def log(self) -> None:
        """Add a row: the mean of the losses since the row before."""
        steps = self.step - (self.rows[-1][0] if self.rows else 0)
        self.rows.append((self.step, self.losses / steps, round(self.seconds, 3)))
        self.losses = 0.0

    @classmethod
    def begin(
        cls,
        path: str | Path | None,
        settings: Mapping[str, Any],
        parameters: Mapping[str, nn.Parameter],
        optimizer: torch.optim.Optimizer,
    ) -> "_Progress":
        """The progress in the resume file, put into the parameters and the optimizer; or the very beginning."""
        fresh = cls()
        if path is None or not Path(path).exists():
            return fresh
        try:
            # Mapped, the whole file would count as memory of this process, beside what is read from it.
            with safe_open(path, framework="pt", backend="pread") as file:
                header = file.metadata() or {}
                if header.get("settings") != _fingerprint(settings):
                    log.warning("%s belongs to another training: starting anew", path)
                    return fresh
                with torch.no_grad():
                    for name, parameter in parameters.items():
                        moments = {moment: torch.empty_like(parameter) for moment in ("exp_avg", "exp_avg_sq")}
                        for kind, target in {"weight": parameter, **moments}.items():
                            target.copy_(laid_as(parameter, file.get_tensor(f"{kind}/{name}")))
                        step = torch.tensor(float(header["step"]), device=parameter.device)
                        optimizer.state[parameter] = {"step": step, **moments}
        except SafetensorError as error:
            log.warning("%s is damaged (%s): starting anew", path, error)
            return fresh
        log.info("resuming from step %s (%s)", header["step"], path)
        rows = [(int(step), float(loss), float(seconds)) for step, loss, seconds in json.loads(header["rows"])]
        return cls(int(header["step"]), float(header["seconds"]), float(header["losses"]), rows)

    def write(
        self,
        path: str | Path,
        settings: Mapping[str, Any],
        parameters: Mapping[str, nn.Parameter],
        optimizer: torch.optim.Optimizer,
    ) -> None:
        """Write the resume file atomically; of several processes the first one does, and all must call this."""
        tensors = {}
        for name, parameter in parameters.items():
            tensors[f"weight/{name}"] = whole(parameter.detach()).cpu().contiguous()
            for moment in ("exp_avg", "exp_avg_sq"):
                tensors[f"{moment}/{name}"] = whole(optimizer.state[parameter][moment]).cpu().contiguous()
        if processes.place():
            return
        header = {
            "settings": _fingerprint(settings),
            "step": str(self.step),
            "seconds": repr(self.seconds),
            "losses": repr(self.losses),
            "rows": json.dumps(self.rows),
        }
        with replacing(path) as partial:
            save_file(tensors, partial, header)


def _remove(resume: Path) -> None:
    """Remove the resume file, and the partial ones that a kill in the middle of a write left beside it."""
    processes.wait()
    for file in (resume, *resume.parent.glob(f".{resume.name}.*.partial")):
        file.unlink(missing_ok=True)
    processes.wait()


def _fingerprint(settings: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def _digest(parameters: Mapping[str, nn.Parameter]) -> str:
    """SHA-256 over the names and bytes of the parameters."""
    content = hashlib.sha256()
    for name, parameter in sorted(parameters.items()):
        content.update(name.encode())
        content.update(parameter.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return content.hexdigest()
