"""What the layers study asks of models (Zhao et al. 2024): control models, generalists, comparisons, transfer.

For each task t the control model C_t is the base tuned on t alone. With the representations of the task's test
prompts, each role's model is compared with C_t layer by layer: the base, the experimental model (tuned on all tasks)
and the held-out model (tuned on some). Representations are kept for one task at a time.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float
from transformers import PreTrainedModel

from taskneurons.engine.changes import FACTS, Change, changed, load_change, trained_tasks
from taskneurons.engine.evaluation import Evaluation, PreparedTask, prepare_task, score_task
from taskneurons.engine.execution import Execution, Schedule
from taskneurons.engine.fine_tuner import Folders
from taskneurons.engine.merging import merge_adapter
from taskneurons.engine.representations import Position, representations
from taskneurons.engine.task_by_task import encoded_split, progress
from taskneurons.engine.tune_changes import tune_changes
from taskneurons.engine.tuning import Lora
from taskneurons.errors import InputError
from taskneurons.evidence.runs import Run
from taskneurons.job import Job
from taskneurons.measures.cka import cka, jackknife, shuffled_pairs
from taskneurons.measures.hsic import Side
from taskneurons.measures.spectrum import spectrum
from taskneurons.models.encoding import Encoded
from taskneurons.models.ffn import transformer_layers
from taskneurons.models.kernels import fastest
from taskneurons.models.load import Checkpoint, DType, load_checkpoint
from taskneurons.studies.layers.rows import COMPARED, TRANSFER, ComparedRow, Role, TransferRow
from taskneurons.tasks.held_out import choose_held_out
from taskneurons.tasks.storage import read_task


@dataclass(frozen=True, kw_only=True)
class Representation:
    """Which prompts of a task are represented, and how.

    Attributes:
        examples: test examples of each task, at most.
        batch_size: of representations.
        position: see `representations`.
    """

    examples: int
    batch_size: int
    position: Position


@dataclass(frozen=True, kw_only=True)
class Statistics:
    """How CKA is estimated.

    Attributes:
        standardise: also compare features divided by their deviations; see `Side`.
        blocks: of examples that the jackknife leaves out in turn.
        permutations: shuffles of the pairs of examples.
    """

    standardise: bool
    blocks: int
    permutations: int


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """How models are compared with a control model.

    Attributes:
        representation: of the prompts.
        statistics: of the representations.
        scored_examples: test examples of each task on which the models are scored, at most.
        evaluation: how answers are generated and scored.
    """

    representation: Representation
    statistics: Statistics
    scored_examples: int
    evaluation: Evaluation


@dataclass(frozen=True)
class HeldOut:
    """Which tasks the held-out model does not see; see `choose_held_out`.

    Attributes:
        families: left out as a whole.
        tasks: further tasks, each of another family.
        seed: of the choice.
    """

    families: int
    tasks: int
    seed: int


def generalist_tasks(tasks: Folders, held_out: HeldOut) -> dict[str, list[str]]:
    """The tasks that the `experimental` and the `held_out` model are tuned on.

    Args:
        tasks: data folders of all tasks of the suite.
        held_out: which tasks are left out.

    Raises:
        InputError: there are not enough families to leave some out.
    """
    families = {name: read_task(folder).family for name, folder in tasks.items()}
    unseen = choose_held_out(families, whole=held_out.families, single=held_out.tasks, seed=held_out.seed)
    return {"experimental": list(tasks), "held_out": [name for name in tasks if name not in unseen]}


def compare_tasks(
    models: Mapping[Role, str | Path],
    tasks: Folders,
    controls: Folders,
    comparison: Comparison,
    execution: Execution,
    *,
    run: Run,
) -> Iterator[tuple[str, list[ComparedRow]]]:
    """For each task: CKA between each role's model and the control model, spectra, and scores.

    Layer 0 is the input of the first transformer layer, layer l the output of the l-th.

    Args:
        models: folders of the roles `base`, `experimental`, `held_out`: checkpoints, or changes of the base.
        tasks: data folders of the tasks that are compared.
        controls: folders of their control models.
        comparison: how they are compared.
        execution: where the models run, and with which precision.
        run: of the rows; its seed is also that of the blocks of the jackknife and of the shuffles.

    Yields:
        The task and its rows.

    Raises:
        InputError: the models have different depths, or a change is of another base.
    """
    base = load_checkpoint(models["base"], device=execution.device, dtype=execution.dtype)
    others: dict[Role, Checkpoint | Change] = {
        role: _source(base, folder, execution) for role, folder in models.items() if role != "base"
    }
    seen = trained_tasks(models["held_out"])
    tokens, limit = comparison.evaluation.max_new_tokens, comparison.scored_examples
    with _fast(base, *others.values()):
        for name, folder in progress(tasks.items(), "layers"):
            task, prepared = prepare_task(base, folder, tokens, limit=limit)
            encoded = encoded_split(base, folder, "test", comparison.representation.examples)
            sources: Mapping[Role, Checkpoint | Change] = {
                "base": base, **others, "control": load_change(controls[name], base.model),
            }  # fmt: skip
            blank = ComparedRow(
                "layers", run.model, run.suite, run.seed, name, task.family, name not in seen, None, "base", ""
            )
            values: dict[Role, np.ndarray] = {}
            rows = []
            for role, source in sources.items():
                with _model(base, source) as model:
                    values[role] = _represented(base, model, encoded, comparison.representation)
                    scores = score_task(model, name, prepared, comparison.evaluation)
                rows += [replace(blank, role=role, metric=one.metric, value=one.value, n=one.n) for one in scores]
            yield name, [*rows, *compare_layers(values, blank, comparison.statistics)]


def compare_layers(
    values: Mapping[Role, Float[np.ndarray, "layer example width"]], blank: ComparedRow, statistics: Statistics
) -> Iterator[ComparedRow]:
    """Rows of CKA between each role's representations and those of the role `control`, and of the spectra of all.

    A number that is not available leaves its cells empty and says why in `reason`.

    Args:
        values: of each role; widths may differ.
        blank: a row of the task; its seed is that of the blocks of the jackknife and of the shuffles.
        statistics: how CKA is estimated.

    Raises:
        InputError: the models have different numbers of layers.
    """
    depths = {role: len(layers) for role, layers in values.items()}
    if len(set(depths.values())) > 1:
        named = ", ".join(f"{role} {depth - 1}" for role, depth in depths.items())
        raise InputError(
            f"models of different depth cannot be compared layer by layer (layers: {named})",
            where="layers study",
            remedy="Compare models that were tuned from one base",
        )
    variants = {"cka": False} | ({"cka_standardised": True} if statistics.standardise else {})
    for layer in range(depths["control"]):
        for role in values:
            found = spectrum(values[role][layer])
            row = replace(blank, layer=layer, role=role, n=found.n, dropped=found.dropped, reason=found.reason)
            yield replace(row, metric="effective_rank", value=found.effective_rank)
            yield replace(row, metric="components", value=found.components)
        for metric, standardised in variants.items():
            control = Side(values["control"][layer], standardise=standardised)
            for role in values:
                if role != "control":
                    side = Side(values[role][layer], standardise=standardised)
                    row = replace(blank, layer=layer, role=role, metric=metric)
                    yield from _similarity(side, control, row, statistics)


def _similarity(side: Side, control: Side, row: ComparedRow, statistics: Statistics) -> Iterator[ComparedRow]:
    """The unbiased and the biased CKA of two representations with what chance gives; the row names the metric."""
    found = cka(side, control)
    interval = jackknife(side, control, blocks=statistics.blocks, seed=row.seed)
    null = shuffled_pairs(side, control, permutations=statistics.permutations, seed=row.seed)
    row = replace(row, n=found.n, dropped=found.dropped, reason=found.reason)
    no_interval = found.available and not interval.available
    yield replace(
        row,
        metric=f"{row.metric}_unbiased",
        value=found.unbiased,
        low=interval.low,
        high=interval.high,
        null=null.unbiased_mean,
        null_high=null.unbiased_quantile,
        p=null.p_value,
        reason=f"no interval: {interval.reason}" if no_interval else found.reason,
    )
    yield replace(
        row,
        metric=f"{row.metric}_biased",
        value=found.biased,
        null=null.biased_mean,
        null_high=null.biased_quantile,
    )


def transfer_tasks(
    base: str | Path,
    sources: Sequence[str],
    tasks: Folders,
    controls: Folders,
    representation: Representation,
    execution: Execution,
    *,
    evaluation: Evaluation,
    run: Run,
) -> Iterator[tuple[str, list[TransferRow]]]:
    """For some control models C_s and every other task t: CKA(C_s, C_t) on t's prompts by layer, and C_s's scores on t.

    The representations of all tasks by their own control models are kept: tasks x layers x examples x width x 4 bytes,
    about twice with the copies that CKA makes.

    Args:
        base: checkpoint folder.
        sources: the tasks s.
        tasks: data folders of all tasks of the suite.
        controls: folders of all control models.
        representation: of the prompts; as many are scored.
        execution: where the models run, and with which precision.
        evaluation: how answers are generated and scored.
        run: of the rows.

    Yields:
        The task s and its rows.
    """
    loaded = load_checkpoint(base, device=execution.device, dtype=execution.dtype)
    encoded: dict[str, list[Encoded]] = {}
    prepared: dict[str, PreparedTask] = {}
    own: dict[str, list[Side]] = {}
    with _fast(loaded):
        for task, folder in tasks.items():
            encoded[task] = encoded_split(loaded, folder, "test", representation.examples)
            _, prepared[task] = prepare_task(loaded, folder, evaluation.max_new_tokens, limit=representation.examples)
            with _model(loaded, load_change(controls[task], loaded.model)) as model:
                own[task] = [Side(layer) for layer in _represented(loaded, model, encoded[task], representation)]
        for source in progress(sources, "transfer"):
            rows: list[TransferRow] = []
            with _model(loaded, load_change(controls[source], loaded.model)) as model:
                for task in (name for name in tasks if name != source):
                    blank = TransferRow("layers", run.model, run.suite, run.seed, source, task, None, "")
                    values = _represented(loaded, model, encoded[task], representation)
                    for layer, side in enumerate(own[task]):
                        found = cka(values[layer], side)
                        row = replace(blank, layer=layer, metric="cka_unbiased", value=found.unbiased)
                        rows.append(replace(row, n=found.n, reason=found.reason))
                    for score in score_task(model, task, prepared[task], evaluation):
                        rows.append(replace(blank, metric=score.metric, value=score.value, n=score.n))
            yield source, rows


def _represented(
    base: Checkpoint, model: PreTrainedModel, encoded: Sequence[Encoded], representation: Representation
) -> Float[np.ndarray, "layer example width"]:
    return representations(
        model,
        encoded,
        pad_id=base.tokenizer.pad_token_id,
        batch_size=representation.batch_size,
        position=representation.position,
    )


def _source(base: Checkpoint, folder: str | Path, execution: Execution) -> Checkpoint | Change:
    """A model of its own, or what makes one of the base."""
    if (Path(folder) / FACTS).is_file():
        return load_change(folder, base.model)
    found = load_checkpoint(folder, device=execution.device, dtype=execution.dtype)
    depths = [len(transformer_layers(model)) for model in (base.model, found.model)]
    if depths[0] != depths[1]:
        raise InputError(
            f"has {depths[1]} layers, the base has {depths[0]}: layers cannot be compared one by one",
            where=str(folder),
            remedy="Compare models that were tuned from one base",
        )
    return found


@contextmanager
def _model(base: Checkpoint, source: Checkpoint | Change) -> Iterator[PreTrainedModel]:
    """The model of a role: one that is loaded, or the base with a change on it."""
    with changed(base, source) if isinstance(source, Change) else nullcontext():
        yield source.model if isinstance(source, Checkpoint) else base.model


@contextmanager
def _fast(*sources: Checkpoint | Change) -> Iterator[None]:
    """Fast kernels in all models that are loaded."""
    with ExitStack() as stack:
        for source in sources:
            if isinstance(source, Checkpoint):
                stack.enter_context(fastest(source.model))
        yield


# Jobs


@dataclass(frozen=True)
class TuneControlsSettings:
    """Settings of `tune_controls`.

    Attributes:
        schedule: of each training; the seed is that of the run.
        lora: the form of adapters; None: all weights move.
        dtype: precision of the products.
    """

    schedule: Schedule
    lora: Lora | None
    dtype: DType


def tune_controls(job: Job[TuneControlsSettings]) -> None:
    """Tune the base on each of some tasks alone: the control models."""
    tune_changes(
        job.inputs.folder("base"),
        job.inputs.folders("tasks"),
        {folder: [task] for task, folder in job.outputs.folders("changes").items()},
        replace(job.settings.schedule, seed=job.seed),
        Execution.of(job, job.settings.dtype),
        lora=job.settings.lora,
    )


@dataclass(frozen=True)
class TuneGeneralistsSettings:
    """Settings of `tune_generalists`.

    Attributes:
        held_out: which tasks the held-out model does not see.
        schedule: of each training; the seed is that of the run.
        lora: the form of adapters; None: all weights move.
        dtype: precision of the products.
    """

    held_out: HeldOut
    schedule: Schedule
    lora: Lora | None
    dtype: DType


def tune_generalists(job: Job[TuneGeneralistsSettings]) -> None:
    """Tune the base on many tasks together: the held-out model, and with LoRA the experimental one."""
    tasks = job.inputs.folders("tasks")
    seen = generalist_tasks(tasks, job.settings.held_out)
    tune_changes(
        job.inputs.folder("base"),
        tasks,
        {folder: seen[role] for role, folder in job.outputs.folders("changes").items()},
        replace(job.settings.schedule, seed=job.seed),
        Execution.of(job, job.settings.dtype),
        lora=job.settings.lora,
    )


@dataclass(frozen=True)
class MergeSettings:
    """Settings of `merge`.

    Attributes:
        dtype: precision of the merged weights.
    """

    dtype: DType


def merge(job: Job[MergeSettings]) -> None:
    """Put the adapter of the experimental model into the weights of its base: a checkpoint with neurons of its own."""
    merge_adapter(
        job.inputs.folder("base"),
        job.inputs.folder("adapter"),
        job.outputs.folder("checkpoint"),
        Execution.of(job, job.settings.dtype),
        name=f"{job.model}-experimental",
    )


@dataclass(frozen=True)
class CompareSettings:
    """Settings of `compare`.

    Attributes:
        comparison: how models are compared.
        dtype: precision in which they run.
    """

    comparison: Comparison
    dtype: DType


def compare(job: Job[CompareSettings]) -> None:
    """Compare base, experimental and held-out model with the control model of each of some tasks, layer by layer."""
    paths = job.outputs.by_stem("rows")
    roles: tuple[Role, ...] = ("base", "experimental", "held_out")
    for task, rows in compare_tasks(
        {role: job.inputs.folder(role) for role in roles},
        job.inputs.folders("tasks"),
        job.inputs.folders("controls"),
        job.settings.comparison,
        Execution.of(job, job.settings.dtype),
        run=Run(job.suite, job.model, job.seed),
    ):
        COMPARED.write(paths[task], rows)


@dataclass(frozen=True)
class TransferSettings:
    """Settings of `measure_transfer`.

    Attributes:
        representation: of the prompts; as many are scored.
        evaluation: how answers are generated and scored.
        dtype: precision in which the models run.
    """

    representation: Representation
    evaluation: Evaluation
    dtype: DType


def measure_transfer(job: Job[TransferSettings]) -> None:
    """What the control models of some tasks do on every other task, and how like its own control model they are."""
    paths = job.outputs.by_stem("rows")
    for task, rows in transfer_tasks(
        job.inputs.folder("base"),
        list(paths),
        job.inputs.folders("tasks"),
        job.inputs.folders("controls"),
        job.settings.representation,
        Execution.of(job, job.settings.dtype),
        evaluation=job.settings.evaluation,
        run=Run(job.suite, job.model, job.seed),
    ):
        TRANSFER.write(paths[task], rows)
