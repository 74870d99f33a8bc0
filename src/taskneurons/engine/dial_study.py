"""What models that were tuned as a whole on one task each do on every other task, and which neurons carry which task.

The sets of a task are selected in the base, and anew in each tuned model. The parameters of two sets are compared in
the model that was tuned on the first task, as in Figure 3 of Leng & Xiong 2025. A control selects sets in the base with
the answers of each task shuffled among its prompts: two tasks then share their words as before, and no skill.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from safetensors import safe_open
from torch import nn
from transformers import PreTrainedModel

from taskneurons.engine.attribution import attribute
from taskneurons.engine.changes import WEIGHTS, changed, load_change
from taskneurons.engine.evaluation import Evaluation, score_task
from taskneurons.engine.evaluation_study import prepare_task
from taskneurons.engine.execution import Execution
from taskneurons.engine.task_by_task import naming, progress
from taskneurons.engine.training import permutation
from taskneurons.files import sha256
from taskneurons.measures.similarity import parameter_similarity
from taskneurons.models.encoding import Encoded, encode
from taskneurons.models.kernels import fastest_on_cpu, fused_gelu
from taskneurons.models.load import Checkpoint, load_checkpoint
from taskneurons.models.neuron_weights import layer_parameters
from taskneurons.neurons.selection import Selection
from taskneurons.neurons.sets import NeuronSet
from taskneurons.tasks.storage import read_split

Row = dict[str, Any]
Sets = Mapping[str, NeuronSet]
"""The set of each task under each selection, by `<selection>.<task>`."""

BASE, SHUFFLED = "base", "shuffled"
SIMILARITIES = ("masked_cosine", "mean_cosine", "mean_cosine_outside", "best_match_outside")


@dataclass(frozen=True)
class Sample:
    """Training examples of a task that are scored.

    Attributes:
        examples: how many, at most.
        batch_size: how many at once; see `attribute`.
    """

    examples: int
    batch_size: int


def measure_models(
    base: str | Path,
    tasks: Mapping[str, str | Path],
    changes: Mapping[str, str | Path],
    execution: Execution,
    *,
    selections: Sequence[Selection],
    scored: Sample,
    test_examples: int,
    evaluation: Evaluation,
) -> Iterator[tuple[str, list[Row], Sets, Mapping[str, str]]]:
    """Scores on all tasks, neuron sets of all tasks and similarities of parameters, in the base and each tuned model.

    Args:
        base: checkpoint folder.
        tasks: data folders of all tasks.
        changes: for each source task the folder of what full tuning on it made of the base.
        execution: where the models run, and with which precision.
        selections: of the sets.
        scored: training examples of each task.
        test_examples: test examples of each task, at most.
        evaluation: how answers are generated and scored.

    Yields:
        First `base`, then `shuffled` (the base, without rows), then each source task: this name, its rows, the sets of
        all tasks, and the header of their file: `model`, the digest of the weights. Rows: `test_task`, `sets` (base or
        source: the model whose scores made the sets), `selection`, `metric`, `value`, `n`, `reason`; scores leave
        `sets` and `selection` empty. Similarities are means over the layers that have a value.

    Raises:
        InputError: a change is of another base.
    """
    loaded = load_checkpoint(base, device=execution.device, dtype=execution.dtype)
    prepared = {
        task: prepare_task(loaded, folder, evaluation.max_new_tokens, limit=test_examples)[1]
        for task, folder in tasks.items()
    }
    encoded = {}
    for task, folder in tasks.items():
        few = read_split(folder, "train", limit=scored.examples)
        with naming(folder):
            encoded[task] = encode(few, loaded.tokenizer, loaded.context)

    def scores(model: PreTrainedModel) -> list[Row]:
        return [asdict(score) for task in tasks for score in score_task(model, task, prepared[task], evaluation)]

    estimators = list(dict.fromkeys(selection.estimator for selection in selections))

    def select(model: Checkpoint, *, shuffled: bool = False) -> dict[str, NeuronSet]:
        sets = {}
        for task in tasks:
            found = attribute(
                model,
                with_shuffled_answers(encoded[task]) if shuffled else encoded[task],
                task=task,
                batch_size=scored.batch_size,
                estimators=estimators,
            )
            for selection in selections:
                sets[f"{selection.slug}.{task}"] = selection.of(found[selection.estimator])
        return sets

    with fastest_on_cpu(loaded.model), fused_gelu(loaded.model):
        in_base = select(loaded)
        yield BASE, scores(loaded.model), in_base, {"model": loaded.digest}
        yield SHUFFLED, [], select(loaded, shuffled=True), {"model": loaded.digest}
        names, cosines = change_cosines(loaded.model, changes)
        for source, folder in progress(changes.items(), "dial"):
            digest = sha256(Path(folder) / WEIGHTS)
            with changed(loaded, load_change(folder, loaded.model)):
                rows = scores(loaded.model)
                own = select(replace(loaded, digest=digest))
                parameters = layer_parameters(loaded.model)
            for task, cosine in zip(names, cosines[names.index(source)], strict=True):
                if task != source:
                    rows.append({"test_task": task, "metric": "change_cosine"})
                    rows[-1] |= {"value": float(cosine)} if np.isfinite(cosine) else {"reason": "nothing was changed"}
            for origin, sets in (("base", in_base), ("source", own)):
                for selection in selections:
                    for task in tasks:
                        if task != source:
                            pair = (sets[f"{selection.slug}.{source}"], sets[f"{selection.slug}.{task}"])
                            cells = {"test_task": task, "sets": origin, "selection": selection.slug}
                            rows += [cells | row for row in similarities(parameters, *pair)]
            yield source, rows, own, {"model": digest}


def with_shuffled_answers(examples: Sequence[Encoded]) -> list[Encoded]:
    """The same prompts with the same answers in another order, always the same one."""
    order = permutation(len(examples), 0)
    return [replace(example, target=examples[index].target) for example, index in zip(examples, order, strict=True)]


def similarities(parameters: Sequence[np.ndarray], first: NeuronSet, second: NeuronSet) -> list[Row]:
    """Rows of each similarity of two sets' parameters: its mean over the layers in which it has a value.

    Args:
        parameters: (neurons, width) of each layer.
        first, second: the sets.
    """
    layers = [
        parameter_similarity(values, one, other)
        for values, one, other in zip(parameters, first.mask, second.mask, strict=True)
    ]
    rows = []
    for metric in SIMILARITIES:
        values = [value for layer in layers if (value := getattr(layer, metric)) is not None]
        rows.append({"metric": metric, "n": len(values)})
        if values:
            rows[-1]["value"] = float(np.mean(values))
        else:
            rows[-1]["reason"] = "; ".join(sorted({layer.reason for layer in layers}))
    return rows


def change_cosines(
    model: nn.Module, changes: Mapping[str, str | Path]
) -> tuple[list[str], Float[np.ndarray, "task task"]]:
    """Cosines of what full tuning on two tasks changed of all parameters, taken as one vector (of task arithmetic).

    Args:
        model: the base.
        changes: for each source task the folder of its new weights.

    Returns:
        The tasks, and their cosines; NaN where a tuning changed nothing.
    """
    gram = np.zeros((len(changes), len(changes)))
    with ExitStack() as stack:
        files = [stack.enter_context(safe_open(Path(folder) / WEIGHTS, framework="pt")) for folder in changes.values()]
        for name, before in model.named_parameters():
            moved = [(file.get_tensor(name).double() - before.cpu().double()).flatten().numpy() for file in files]
            gram += np.array([[one @ other for other in moved] for one in moved])
    norms = np.sqrt(np.diagonal(gram))
    with np.errstate(invalid="ignore", divide="ignore"):
        return list(changes), gram / np.outer(norms, norms)
