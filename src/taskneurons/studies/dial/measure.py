"""What models that were tuned as a whole on one task each do on every other task, and which neurons carry which task.

The sets of a task are selected in the base, and anew in each tuned model. The parameters of two sets are compared in
the model that was tuned on the first task, as in Figure 3 of Leng & Xiong 2025. A control selects sets in the base with
the answers of each task shuffled among its prompts: two tasks then share their words as before, and no skill.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float
from safetensors import safe_open
from torch import nn

from taskneurons.engine.attribution import attribute
from taskneurons.engine.batches import with_shuffled_answers
from taskneurons.engine.changes import WEIGHTS, changed, load_change
from taskneurons.engine.evaluation import Evaluation, prepare_task, score_task
from taskneurons.engine.execution import Execution, Schedule
from taskneurons.engine.fine_tuner import Folders
from taskneurons.engine.task_by_task import encoded_split, progress
from taskneurons.engine.tune_changes import tune_changes
from taskneurons.evidence.runs import Run
from taskneurons.files import sha256
from taskneurons.job import Job
from taskneurons.measures.similarity import parameter_similarity
from taskneurons.models.encoding import Encoded
from taskneurons.models.kernels import fastest
from taskneurons.models.load import Checkpoint, DType, load_checkpoint
from taskneurons.models.neuron_weights import layer_parameters
from taskneurons.neurons.selection import Selection
from taskneurons.neurons.sets import NeuronSet, save_sets
from taskneurons.studies.dial.rows import MEASURED, MeasuredRow
from taskneurons.tasks.dial.ring import Ring

Sets = Mapping[str, NeuronSet]
"""The set of each task under each selection, by `<selection>.<task>`."""

Shared = Callable[[str, str], int]
"""How many skills two tasks share."""

BASE, SHUFFLED = "base", "shuffled"
SIMILARITIES = ("masked_cosine", "mean_cosine", "mean_cosine_outside", "best_match_outside")


@dataclass(frozen=True)
class Measures:
    """What is measured of every model.

    Attributes:
        selections: of the sets.
        examples: training examples of each task that are scored, at most.
        batch_size: how many of them at once; see `attribute`.
        test_examples: test examples of each task, at most.
        evaluation: how answers are generated and scored.
    """

    selections: tuple[Selection, ...]
    examples: int
    batch_size: int
    test_examples: int
    evaluation: Evaluation


@dataclass(frozen=True)
class MeasuredModel:
    """What was measured of one model.

    Attributes:
        name: `base`, `shuffled` for the sets of the base with shuffled answers, or the task that it was tuned on.
        rows: scores and similarities of parameters; none of `shuffled`.
        sets: of all tasks.
        digest: of its weights.
    """

    name: str
    rows: Sequence[MeasuredRow]
    sets: Sets
    digest: str


def measure_models(
    base: str | Path,
    tasks: Folders,
    changes: Folders,
    measures: Measures,
    execution: Execution,
    *,
    shared: Shared,
    run: Run,
) -> Iterator[MeasuredModel]:
    """Scores on all tasks, neuron sets of all tasks and similarities of parameters, in the base and each tuned model.

    Args:
        base: checkpoint folder.
        tasks: data folders of all tasks.
        changes: for each source task the folder of what full tuning on it made of the base.
        measures: what is measured.
        execution: where the models run, and with which precision.
        shared: how many skills two tasks share.
        run: of the rows.

    Yields:
        First `base`, then `shuffled`, then each source task. Similarities are means over the layers that have a value.

    Raises:
        InputError: a change is of another base.
    """
    loaded = load_checkpoint(base, device=execution.device, dtype=execution.dtype)
    tokens, limit = measures.evaluation.max_new_tokens, measures.test_examples
    prepared = {task: prepare_task(loaded, folder, tokens, limit=limit)[1] for task, folder in tasks.items()}
    encoded = {task: encoded_split(loaded, folder, "train", measures.examples) for task, folder in tasks.items()}

    def blank(source: str, task: str) -> MeasuredRow:
        """A row of two tasks that says nothing yet; the source is empty for the base."""
        count = shared(source, task) if source else None
        return MeasuredRow("dial", run.model, run.suite, run.seed, source, task, count)

    def scores(source: str = "") -> list[MeasuredRow]:
        return [
            replace(blank(source, task), metric=score.metric, value=score.value, n=score.n)
            for task in tasks
            for score in score_task(loaded.model, task, prepared[task], measures.evaluation)
        ]

    with fastest(loaded.model):
        in_base = select(loaded, encoded, measures)
        yield MeasuredModel(BASE, scores(), in_base, loaded.digest)
        shuffled = {task: with_shuffled_answers(examples) for task, examples in encoded.items()}
        yield MeasuredModel(SHUFFLED, [], select(loaded, shuffled, measures), loaded.digest)
        names, cosines = change_cosines(loaded.model, changes)
        for source, folder in progress(changes.items(), "dial"):
            digest = sha256(Path(folder) / WEIGHTS)
            with changed(loaded, load_change(folder, loaded.model)):
                rows = scores(source)
                own = select(replace(loaded, digest=digest), encoded, measures)
                parameters = layer_parameters(loaded.model)
            for task, cosine in zip(names, cosines[names.index(source)], strict=True):
                if task != source:
                    row = replace(blank(source, task), metric="change_cosine")
                    known = np.isfinite(cosine)
                    rows.append(
                        replace(row, value=float(cosine)) if known else replace(row, reason="nothing was changed")
                    )
            for origin, sets in (("base", in_base), ("source", own)):
                for selection in measures.selections:
                    for task in (name for name in tasks if name != source):
                        pair = (sets[f"{selection.slug}.{source}"], sets[f"{selection.slug}.{task}"])
                        row = replace(blank(source, task), sets=origin, selection=selection.slug)
                        rows += similarities(parameters, *pair, row)
            yield MeasuredModel(source, rows, own, digest)


def select(model: Checkpoint, encoded: Mapping[str, Sequence[Encoded]], measures: Measures) -> dict[str, NeuronSet]:
    """The sets of all tasks in a model, by `<selection>.<task>`."""
    estimators = list(dict.fromkeys(selection.estimator for selection in measures.selections))
    sets = {}
    for task, examples in encoded.items():
        found = attribute(model, examples, task=task, batch_size=measures.batch_size, estimators=estimators)
        for selection in measures.selections:
            sets[f"{selection.slug}.{task}"] = selection.of(found[selection.estimator])
    return sets


def similarities(
    parameters: Sequence[Float[np.ndarray, "neuron width"]], first: NeuronSet, second: NeuronSet, row: MeasuredRow
) -> Iterator[MeasuredRow]:
    """A row of each similarity of two sets' parameters: its mean over the layers in which it has a value.

    Args:
        parameters: of each layer.
        first, second: the sets.
        row: without a metric.
    """
    layers = [
        parameter_similarity(values, one, other)
        for values, one, other in zip(parameters, first.mask, second.mask, strict=True)
    ]
    for metric in SIMILARITIES:
        values = [value for layer in layers if (value := getattr(layer, metric)) is not None]
        found = replace(row, metric=metric, n=len(values))
        if values:
            yield replace(found, value=float(np.mean(values)))
        else:
            yield replace(found, reason="; ".join(sorted({layer.reason for layer in layers})))


def change_cosines(model: nn.Module, changes: Folders) -> tuple[list[str], Float[np.ndarray, "task task"]]:
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


# Jobs


@dataclass(frozen=True)
class TuneSettings:
    """Settings of `tune`.

    Attributes:
        schedule: of each training; the seed is that of the run.
        dtype: precision of the products.
    """

    schedule: Schedule
    dtype: DType


def tune(job: Job[TuneSettings]) -> None:
    """Tune the base as a whole on each task alone."""
    tune_changes(
        job.inputs.folder("base"),
        job.inputs.folders("tasks"),
        {folder: [task] for task, folder in job.outputs.folders("changes").items()},
        replace(job.settings.schedule, seed=job.seed),
        Execution.of(job, job.settings.dtype),
    )


@dataclass(frozen=True)
class MeasureSettings:
    """Settings of `measure`.

    Attributes:
        ring: which skills two tasks share.
        measures: what is measured of every model.
        dtype: precision in which the models run.
    """

    ring: Ring
    measures: Measures
    dtype: DType


def measure(job: Job[MeasureSettings]) -> None:
    """Scores, neuron sets and similarities of parameters in a base and in the models tuned on one task each."""
    tables, sets = job.outputs.by_stem("rows"), job.outputs.by_stem("sets")
    for model in measure_models(
        job.inputs.folder("base"),
        job.inputs.folders("tasks"),
        job.inputs.folders("changes"),
        job.settings.measures,
        Execution.of(job, job.settings.dtype),
        shared=job.settings.ring.shared,
        run=Run(job.suite, job.model, job.seed),
    ):
        save_sets(sets[model.name], model.sets, {"model": model.digest})
        if model.name in tables:
            MEASURED.write(tables[model.name], model.rows)
