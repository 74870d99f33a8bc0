"""What the rules of the layers study ask of models (Zhao et al. 2024): controls, generalists, comparisons, transfer.

For each task t the control model C_t is the base tuned on t alone. With the representations of the task's test
prompts, each role's model is compared with C_t layer by layer: the base, the experimental model (tuned on all tasks)
and the held-out model (tuned on some). Representations are kept for one task at a time.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from transformers import PreTrainedModel

from taskneurons.engine.changes import FACTS, Change, changed, load_change, save_change, trained_tasks
from taskneurons.engine.evaluation import Evaluation, PreparedTask, score_task
from taskneurons.engine.evaluation_study import prepare_task
from taskneurons.engine.execution import Execution, Schedule
from taskneurons.engine.fine_tuner import Folders
from taskneurons.engine.representations import Position, representations
from taskneurons.engine.task_by_task import naming, progress
from taskneurons.engine.tuning import Lora, tune
from taskneurons.errors import InputError
from taskneurons.measures.cka import Side, cka, jackknife, shuffled_pairs
from taskneurons.measures.spectrum import spectrum
from taskneurons.models.encoding import Encoded, encode
from taskneurons.models.ffn import transformer_layers
from taskneurons.models.kernels import fastest_on_cpu, fused_gelu
from taskneurons.models.load import Checkpoint, load_checkpoint
from taskneurons.tasks.held_out import choose_held_out
from taskneurons.tasks.storage import read_split, read_task

Row = dict[str, Any]


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
class Comparison(Representation):
    """How two models are compared layer by layer.

    Attributes:
        scored_examples: test examples of each task on which the models are scored, at most.
        standardise, blocks, permutations: see `Side`, `jackknife`, `shuffled_pairs`.
    """

    scored_examples: int
    standardise: bool
    blocks: int
    permutations: int


def adapter_form(tuning: Mapping[str, Any]) -> Lora | None:
    """What the parameters of a tuning say of adapters; None: all weights move."""
    return Lora(tuning["rank"], tuning["alpha"], tuning["targets"]) if tuning["method"] == "lora" else None


def tune_controls(
    base: str | Path,
    tasks: Folders,
    outs: Folders,
    schedule: Schedule,
    execution: Execution,
    *,
    lora: Lora | None = None,
) -> None:
    """Tune the base on each task alone and write what that changed.

    Args:
        base: checkpoint folder.
        tasks: data folders of the tasks.
        outs: folder to write for each task.
        schedule: of each training.
        execution: where it trains; full weights train in float32, with products in its precision. It has the folder of
            resume files.
        lora: the form of adapters; None: all weights move.
    """
    loaded = _load_to_tune(base, lora, execution)
    for task, folder in progress(tasks.items(), "control models"):
        examples = {task: _encoded(loaded, folder, "train")}
        resuming = execution.resuming(f"{task}.safetensors")
        result = tune(loaded, examples, "lora" if lora else "full", schedule, resuming, lora=lora)
        save_change(outs[task], result, base=loaded.digest, tasks=[task])


def tune_generalists(
    base: str | Path,
    tasks: Folders,
    outs: Folders,
    schedule: Schedule,
    execution: Execution,
    *,
    held_out: Mapping[str, int],
    lora: Lora | None = None,
) -> None:
    """Tune the base on many tasks together: the held-out model, and with LoRA the experimental one.

    Args:
        tasks: data folders of all tasks of the suite.
        outs: folder to write for each role, `held_out` or `experimental`.
        held_out: `families`, `tasks` and `seed` of `choose_held_out`.
        base, schedule, execution, lora: as for `tune_controls`.

    Raises:
        InputError: there are not enough families to leave some out.
    """
    families = {name: read_task(folder).family for name, folder in tasks.items()}
    unseen = choose_held_out(families, whole=held_out["families"], single=held_out["tasks"], seed=held_out["seed"])
    loaded = _load_to_tune(base, lora, execution)
    encoded = {name: _encoded(loaded, folder, "train") for name, folder in tasks.items()}
    for role, out in outs.items():
        seen = {name: examples for name, examples in encoded.items() if role == "experimental" or name not in unseen}
        resuming = execution.resuming(f"{role}.safetensors")
        result = tune(loaded, seen, "lora" if lora else "full", schedule, resuming, lora=lora)
        save_change(out, result, base=loaded.digest, tasks=list(seen))


def compare_tasks(
    models: Folders,
    tasks: Folders,
    controls: Folders,
    comparison: Comparison,
    execution: Execution,
    *,
    evaluation: Evaluation,
    seed: int,
) -> Iterator[tuple[str, list[Row]]]:
    """For each task: CKA between each role's model and the control model, spectra, and scores.

    Layer 0 is the input of the first transformer layer, layer l the output of the l-th.

    Args:
        models: folders of the roles `base`, `experimental`, `held_out`: checkpoints, or changes of the base.
        tasks: data folders of the tasks that are compared.
        controls: folders of their control models.
        comparison: how they are compared.
        execution: where the models run, and with which precision.
        evaluation: how answers are generated and scored.
        seed: of the blocks of the jackknife and of the shuffles.

    Yields:
        The task and its rows: `task`, `family`, `held_out` (whether the held-out model did not see it), `layer` (None
        for scores), `role`, `metric`, `value`, `low`, `high`, `null`, `null_high`, `p`, `n`, `dropped`, `reason`.

    Raises:
        InputError: the models have different depths, or a change is of another base.
    """
    base = load_checkpoint(models["base"], device=execution.device, dtype=execution.dtype)
    others = {role: _source(base, folder, execution) for role, folder in models.items() if role != "base"}
    seen = trained_tasks(models["held_out"])
    with _fast(base, *others.values()):
        for name, folder in progress(tasks.items(), "layers"):
            task, prepared = prepare_task(base, folder, evaluation.max_new_tokens, limit=comparison.scored_examples)
            encoded = _encoded(base, folder, "test", comparison.examples)
            sources = {"base": None, **others, "control": load_change(controls[name], base.model)}
            values, rows = {}, []
            for role, source in sources.items():
                with _model(base, source) as model:
                    values[role] = representations(
                        model,
                        encoded,
                        pad_id=base.tokenizer.pad_token_id,
                        batch_size=comparison.batch_size,
                        position=comparison.position,
                    )
                    found = score_task(model, name, prepared, evaluation)
                rows += [{"role": role, "metric": one.metric, "value": one.value, "n": one.n} for one in found]
            rows += compare_layers(
                values,
                standardise=comparison.standardise,
                blocks=comparison.blocks,
                permutations=comparison.permutations,
                seed=seed,
            )
            facts = {"task": name, "family": task.family, "held_out": name not in seen}
            yield name, [facts | row for row in rows]


def compare_layers(
    values: Mapping[str, np.ndarray], *, standardise: bool, blocks: int, permutations: int, seed: int
) -> Iterator[Row]:
    """Rows of CKA between each role's representations and those of the role `control`, and of the spectra of all.

    A number that is not available leaves its cells empty and says why in `reason`.

    Args:
        values: (layers, examples, width) of each role; widths may differ.
        standardise, blocks, permutations, seed: as for `compare_tasks`.

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
    variants = {"cka": False} | ({"cka_standardised": True} if standardise else {})
    for layer in range(depths["control"]):
        for role in values:
            found = spectrum(values[role][layer])
            shared = {"layer": layer, "role": role, "n": found.n, "dropped": found.dropped, "reason": found.reason}
            yield shared | {"metric": "effective_rank", "value": found.effective_rank}
            yield shared | {"metric": "components", "value": found.components}
        for metric, standardised in variants.items():
            control = Side(values["control"][layer], standardise=standardised)
            for role in values:
                if role != "control":
                    side = Side(values[role][layer], standardise=standardised)
                    for row in _similarity(side, control, blocks, permutations, seed):
                        yield row | {"layer": layer, "role": role, "metric": f"{metric}_{row['metric']}"}


def _similarity(side: Side, control: Side, blocks: int, permutations: int, seed: int) -> Iterator[Row]:
    """The unbiased and the biased CKA of two representations with what chance gives."""
    found = cka(side, control)
    counts = {"n": found.n, "dropped": found.dropped, "reason": found.reason}
    interval = jackknife(side, control, blocks=blocks, seed=seed)
    null = shuffled_pairs(side, control, permutations=permutations, seed=seed)
    if found.available and not interval.available:
        counts["reason"] = f"no interval: {interval.reason}"
    yield counts | {
        "metric": "unbiased",
        "value": found.unbiased,
        "low": interval.low,
        "high": interval.high,
        "null": null.unbiased_mean,
        "null_high": null.unbiased_quantile,
        "p": null.p_value,
    }
    yield counts | {
        "metric": "biased",
        "value": found.biased,
        "null": null.biased_mean,
        "null_high": null.biased_quantile,
        "reason": found.reason,
    }


def transfer_tasks(
    base: str | Path,
    sources: Sequence[str],
    tasks: Folders,
    controls: Folders,
    representation: Representation,
    execution: Execution,
    *,
    evaluation: Evaluation,
) -> Iterator[tuple[str, list[Row]]]:
    """For some control models C_s and every other task t: CKA(C_s, C_t) on t's prompts by layer, and C_s's scores on t.

    The representations of all tasks by their own control models are kept: tasks x layers x examples x width x 4 bytes,
    about twice with the copies that CKA makes.

    Args:
        base: checkpoint folder.
        sources: the tasks s.
        tasks: data folders of all tasks of the suite.
        controls: folders of all control models.
        representation: of the prompts; as many are scored.
        execution, evaluation: as for `compare_tasks`.

    Yields:
        The task s and its rows: `train_task` s, `test_task` t, `layer` (None for scores), `metric`, `value`, `n`,
        `reason`.
    """
    loaded = load_checkpoint(base, device=execution.device, dtype=execution.dtype)
    pad_id = loaded.tokenizer.pad_token_id
    encoded: dict[str, list[Encoded]] = {}
    prepared: dict[str, PreparedTask] = {}
    own: dict[str, list[Side]] = {}

    def represent(model: PreTrainedModel, task: str) -> np.ndarray:
        return representations(
            model,
            encoded[task],
            pad_id=pad_id,
            batch_size=representation.batch_size,
            position=representation.position,
        )

    with _fast(loaded):
        for task, folder in tasks.items():
            encoded[task] = _encoded(loaded, folder, "test", representation.examples)
            _, prepared[task] = prepare_task(loaded, folder, evaluation.max_new_tokens, limit=representation.examples)
            with _model(loaded, load_change(controls[task], loaded.model)) as model:
                own[task] = [Side(layer) for layer in represent(model, task)]
        for source in progress(sources, "transfer"):
            rows: list[Row] = []
            with _model(loaded, load_change(controls[source], loaded.model)) as model:
                for task in tasks:
                    if task == source:
                        continue
                    for layer, (values, side) in enumerate(zip(represent(model, task), own[task], strict=True)):
                        found = cka(values, side)
                        rows.append({"test_task": task, "layer": layer, "metric": "cka_unbiased"})
                        rows[-1] |= {"value": found.unbiased, "n": found.n, "reason": found.reason}
                    rows += [asdict(score) for score in score_task(model, task, prepared[task], evaluation)]
            yield source, [{"train_task": source, **row} for row in rows]


def _load_to_tune(base: str | Path, lora: Lora | None, execution: Execution) -> Checkpoint:
    # Full tuning needs float32 weights; adapters are float32 by themselves, whatever the weights beside them.
    return load_checkpoint(base, device=execution.device, dtype=execution.dtype if lora else "float32")


def _encoded(loaded: Checkpoint, folder: str | Path, split: str, limit: int | None = None) -> list[Encoded]:
    examples = read_split(folder, split, limit=limit)
    with naming(folder):
        return encode(examples, loaded.tokenizer, loaded.context)


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
def _model(base: Checkpoint, source: Checkpoint | Change | None) -> Iterator[PreTrainedModel]:
    """The model of a role: the base as it is, the base with a change on it, or another one."""
    with changed(base, source) if isinstance(source, Change) else nullcontext():
        yield source.model if isinstance(source, Checkpoint) else base.model


@contextmanager
def _fast(*sources: Checkpoint | Change) -> Iterator[None]:
    """Fast kernels in all models that are loaded."""
    with ExitStack() as stack:
        for source in sources:
            if isinstance(source, Checkpoint):
                stack.enter_context(fastest_on_cpu(source.model))
                stack.enter_context(fused_gelu(source.model))
        yield
