"""Which examples drive a neuron hardest: for some neurons, the test examples with the greatest activation."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from taskneurons.engine.batching import in_batches
from taskneurons.engine.execution import Execution
from taskneurons.engine.forward import forward
from taskneurons.engine.task_by_task import naming, progress
from taskneurons.errors import InputError
from taskneurons.evidence.top_examples import TOP_EXAMPLES, TopExample
from taskneurons.job import Job
from taskneurons.models.encoding import Batch, collate, encode
from taskneurons.models.ffn import FFN, ffn_layers
from taskneurons.models.kernels import fastest
from taskneurons.models.load import DType, load_checkpoint
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.sets import NeuronSet
from taskneurons.tasks.storage import read_split


def top_neurons(scores: Sequence[NeuronScores], count: int) -> NeuronSet:
    """The union over tasks of the `count` neurons with the highest scores, ranked over the model.

    Raises:
        InputError: there are no scores, or they belong to models of different shapes.
    """
    if not scores:
        raise InputError("there are no scores to choose neurons by", where="top neurons")
    sets = [
        NeuronSet.from_indices(
            zip(*np.unravel_index(np.argsort(-one.scores, axis=None, kind="stable")[:count], one.shape), strict=True),
            one.shape,
        )
        for one in scores
    ]
    union = sets[0]
    for other in sets[1:]:
        union = union | other
    return union


def top_examples(
    checkpoint: str | Path,
    tasks: Mapping[str, str | Path],
    neurons: NeuronSet,
    execution: Execution,
    *,
    examples: int,
    batch_size: int,
) -> list[TopExample]:
    """For each neuron the test examples of all tasks that activate it most.

    The activation of an example is the value w (the input of the down projection) at that token of prompt or correct
    answer where |w| is greatest.

    Args:
        checkpoint: folder of the model.
        tasks: folder of each task, by name.
        neurons: the neurons of interest.
        execution: where the model runs, and with which precision.
        examples: kept for each neuron.
        batch_size: examples at once; halved where the device's memory does not suffice.

    Returns:
        By neuron, then by rank. Activations have four significant digits, so that the batch size changes hardly one.

    Raises:
        InputError: the neurons are those of a model of another shape, or a file is unreadable.
    """
    loaded = load_checkpoint(checkpoint, device=execution.device, dtype=execution.dtype)
    ffns = ffn_layers(loaded.model)
    if neurons.shape != (len(ffns), ffns[0].width):
        raise InputError(
            f"{neurons!r} are not neurons of a model of {len(ffns)} x {ffns[0].width}", where="top_examples"
        )
    best = np.zeros((len(neurons), 0), np.float32)
    places = np.zeros((len(neurons), 0), np.int64)
    names: list[tuple[str, str]] = []
    for task in progress(tasks, "top examples"):
        read = read_split(tasks[task], "test")
        with naming(tasks[task]):
            encoded = encode(read, loaded.tokenizer, loaded.context)
        found = np.zeros((len(neurons), len(encoded)), np.float32)
        order = sorted(range(len(encoded)), key=lambda index: len(encoded[index].prompt), reverse=True)

        def run(begin: int, end: int) -> tuple[list[int], np.ndarray]:
            chosen = order[begin:end]  # noqa: B023
            batch = collate([encoded[index] for index in chosen], loaded.tokenizer.pad_token_id).to(execution.device)  # noqa: B023
            return chosen, _strongest(loaded.model, ffns, batch, neurons.mask).cpu().numpy().T

        with fastest(loaded.model):
            for chosen, values in in_batches(len(order), batch_size, run):
                found[:, chosen] = values
        best = np.concatenate([best, found], axis=1)
        places = np.concatenate([places, np.tile(np.arange(len(read)) + len(names), (len(neurons), 1))], axis=1)
        names += [(task, example.id) for example in read]
        # A stable sort keeps equal activations in the order of tasks and examples.
        first = np.argsort(-np.abs(best), axis=1, kind="stable")[:, :examples]
        best, places = np.take_along_axis(best, first, axis=1), np.take_along_axis(places, first, axis=1)
    rows = []
    for (layer, neuron), values, kept in zip(neurons.to_indices(), best, places, strict=True):
        for rank, (value, place) in enumerate(zip(values, kept, strict=True), start=1):
            of_task, example = names[place]
            rows.append(TopExample(int(layer), int(neuron), rank, of_task, example, float(f"{value:.4g}")))
    return rows


@torch.inference_mode()
def _strongest(
    model: nn.Module, ffns: Sequence[FFN], batch: Batch, mask: Bool[np.ndarray, "layer neuron"]
) -> Float[Tensor, "batch member"]:
    """For each example the activation of greatest magnitude over its real tokens, of the members by layer."""
    kept: dict[int, Tensor] = {}

    def strongest(ffn: FFN, value: Tensor, members: Tensor) -> None:
        w = value.reshape(len(batch), -1, ffn.width)[..., members].float()
        w = w.masked_fill(~batch.attention_mask.bool()[..., None], 0.0)
        kept[ffn.layer] = w.gather(1, w.abs().argmax(1, keepdim=True))[:, 0]

    with ExitStack() as hooks:
        for ffn in ffns:
            members = torch.from_numpy(np.flatnonzero(mask[ffn.layer])).to(batch.input_ids.device)
            if len(members):
                handle = ffn.output.module.register_forward_pre_hook(
                    lambda _, args, ffn=ffn, members=members: strongest(ffn, args[0], members)
                )
                hooks.callback(handle.remove)
        forward(model, batch.input_ids, batch.attention_mask, batch.position_ids, keep=1)
    return torch.cat([kept[layer] for layer in sorted(kept)], dim=1)


# Jobs


@dataclass(frozen=True)
class ExamplesSettings:
    """Settings of `find_examples`.

    Attributes:
        tasks: names of the tasks, in the order of the suite.
        neurons: with the highest scores of each task.
        examples: kept for each neuron.
        dtype: precision in which the model is loaded.
    """

    tasks: tuple[str, ...]
    neurons: int
    examples: int
    dtype: DType


def find_examples(job: Job[ExamplesSettings]) -> None:
    """Find the test examples that activate the top neurons of a run most, for the cards of the report's atlas."""
    settings, folders = job.settings, job.inputs.folders("tasks")
    rows = top_examples(
        job.inputs.folder("checkpoint"),
        {task: folders[task] for task in settings.tasks},
        top_neurons([NeuronScores.load(path) for path in job.inputs["scores"]], settings.neurons),
        Execution.of(job, settings.dtype),
        examples=settings.examples,
        batch_size=job.evaluation_batch_size,
    )
    TOP_EXAMPLES.write(job.outputs.one("examples"), rows)
