"""Plants neurons into a model from random weights, proves by ablation what they carry, and scores them.

A plant that fails its own proof is not scored: its rows of the proof say why.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from torch import nn
from transformers import PreTrainedModel

from taskneurons.engine.attribution import ESTIMATORS, attribute
from taskneurons.engine.batches import permutation, with_shuffled_answers
from taskneurons.engine.effects import answered, batches_of, exact_effects, observe, outgoing_weights
from taskneurons.engine.execution import Execution, Schedule
from taskneurons.engine.input_path import on_path
from taskneurons.engine.neuron_gradients import first_order_effects
from taskneurons.engine.planting import Gates, plant, pruned
from taskneurons.engine.replay import exact_effects_of
from taskneurons.engine.task_by_task import encoded_split, progress
from taskneurons.errors import InputError
from taskneurons.evidence.runs import Run
from taskneurons.job import Job
from taskneurons.measures.ranking import rank_correlation, ranking, slope
from taskneurons.models.encoding import Batch, Encoded, encode
from taskneurons.models.ffn import neuron_shape
from taskneurons.models.kernels import fastest
from taskneurons.models.load import Checkpoint, load_checkpoint, save_checkpoint
from taskneurons.models.scratch import Shape, Vocabulary, new_model
from taskneurons.models.size import Architecture
from taskneurons.models.tokenizers import load_tokenizer
from taskneurons.neurons.controls import random_like
from taskneurons.neurons.scores import DERIVED, NeuronScores
from taskneurons.neurons.sets import NeuronSet, load_sets, save_sets
from taskneurons.studies.validation import estimators as made
from taskneurons.studies.validation.proof import IDLE, Evidence, Limits, holds, proof_rows
from taskneurons.studies.validation.rows import (
    AGREEMENT,
    DROPS,
    PROOF,
    RANKED,
    SAMPLED,
    TOGETHER,
    AgreementRow,
    DropRow,
    RankedRow,
    SampledRow,
    TogetherRow,
)
from taskneurons.studies.validation.sample import sampled
from taskneurons.tasks.plant.skills import Skills
from taskneurons.tasks.storage import read_split

Arrays = dict[str, dict[str, made.Scores]]
"""The scores of each estimator and task."""
Sets = Mapping[str, Mapping[str, NeuronSet]]
"""The set of each task, by what chose it."""

# Integrated gradients take more passes than all others together.
_CHEAP = tuple(name for name in ESTIMATORS if name != "integrated_gradients")
_CONTRASTS = (
    ("own", "others"),
    ("own", "non_members"),
    ("family", "non_members"),
    ("common", "non_members"),
    ("member", "non_members"),
)


@dataclass(frozen=True)
class NewModel:
    """A model from random weights.

    Attributes:
        architecture: llama or bloom.
        shape: its sizes.
        spread: standard deviation of its matrices. The usual 0.02 leaves the neurons of a narrow model almost silent.
    """

    architecture: Architecture
    shape: Shape
    spread: float

    def made(self, tokenizer: Any, seed: int) -> PreTrainedModel:
        """The model with the weights of a seed."""
        model = new_model(self.architecture, self.shape, Vocabulary.of(tokenizer), seed=seed)
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.detach().mul_(self.spread / model.config.initializer_range)
        return model


@dataclass(frozen=True, eq=False)
class Examples:
    """What a planted model is scored and tested on.

    Attributes:
        train: examples of each task that are scored.
        batches: the test examples of all tasks, task by task.
        task: of each test example.
        skill: that each test example asks for.
        batch_size: examples at once.
        pool: all training examples of each task, from which draws are made.
    """

    train: Mapping[str, Sequence[Encoded]]
    batches: Sequence[Batch]
    task: np.ndarray
    skill: np.ndarray
    batch_size: int
    pool: Mapping[str, Sequence[Encoded]]


def blocks(shape: tuple[int, int], names: Sequence[str], count: int, seed: int) -> dict[str, NeuronSet]:
    """Neurons for each name, as many in each layer, no neuron twice.

    Raises:
        InputError: a layer has too few neurons.
    """
    layers, width = shape
    if count * len(names) > width:
        raise InputError(
            f"{len(names)} skills of {count} neurons in each layer, which has {width}",
            where="validation.neurons",
            remedy=f"Write at most {width // len(names)}",
        )
    masks = {name: np.zeros(shape, dtype=bool) for name in names}
    for layer in range(layers):
        order = permutation(width, seed, layer)
        for place, name in enumerate(names):
            masks[name][layer, order[place * count : (place + 1) * count]] = True
    return {name: NeuronSet(mask) for name, mask in masks.items()}


def by_skill(folders: Mapping[str, Path], skills: Skills, tokenizer: Any, context: int) -> dict[str, list[Encoded]]:
    """The training examples of all tasks by the skill that they ask for."""
    found: dict[str, list[Encoded]] = defaultdict(list)
    for folder in folders.values():
        examples = read_split(folder, "train")
        for example, ready in zip(examples, encode(examples, tokenizer, context), strict=True):
            found[skills.skill_of(example.input)].append(ready)
    return dict(found)


def examples_of(
    loaded: Checkpoint, folders: Mapping[str, Path], skills: Skills, *, train: int, test: int, batch_size: int
) -> Examples:
    """The examples of all tasks: at most so many of each to score and to test."""
    tested, task, skill = [], [], []
    for name, folder in folders.items():
        tested += encoded_split(loaded, folder, "test", test)
        asked = [skills.skill_of(example.input) for example in read_split(folder, "test", limit=test)]
        skill += asked
        task += [name] * len(asked)
    pool = {name: encoded_split(loaded, folder, "train", None) for name, folder in folders.items()}
    scored = {name: ready[:train] for name, ready in pool.items()}
    batches = batches_of(tested, loaded.tokenizer.pad_token_id, batch_size)
    return Examples(scored, batches, np.array(task), np.array(skill), batch_size, pool)


# Scores


def scores_of(
    loaded: Checkpoint, examples: Examples, estimators: Sequence[str], seed: int
) -> tuple[Arrays, dict[str, NeuronScores]]:
    """Scores of everything but exact ablation, and the product's Taylor scores with what stands beside them.

    Args:
        loaded: the model.
        examples: of which the training ones are scored.
        estimators: of the product, `taylor` among them; others are made whatever is asked.
        seed: of random scores.
    """
    pad, tasks = loaded.tokenizer.pad_token_id, examples.train
    found = {
        task: attribute(loaded, ready, task=task, batch_size=examples.batch_size, estimators=estimators)
        for task, ready in tasks.items()
    }
    scores: Arrays = {name: {task: found[task][name].scores for task in tasks} for name in estimators}
    taylor = {task: found[task]["taylor"] for task in tasks}
    for name, derive in DERIVED.items():
        scores[name] = {task: one.scores for task, one in derive(taylor).items()}
    seen = {task: observe(loaded.model, batches_of(ready, pad, examples.batch_size)) for task, ready in tasks.items()}
    outgoing, rng = outgoing_weights(loaded.model), np.random.default_rng([seed, 0])
    scores |= made.unsigned(scores) | made.signed({task: one.effect for task, one in seen.items()})
    scores["wanda"] = {task: outgoing * one.norm for task, one in seen.items()}
    scores["lape"] = made.lape({task: one.active for task, one in seen.items()})
    scores["random"] = {task: rng.random(one.shape) for task, one in taylor.items()}
    return scores, taylor


def path_scores(loaded: Checkpoint, examples: Examples) -> Arrays:
    """The scores of captum that read neurons along the path of the input; see `on_path`."""
    pad = loaded.tokenizer.pad_token_id
    found = {
        task: on_path(loaded.model, batches_of(ready, pad, examples.batch_size))
        for task, ready in examples.train.items()
    }
    return {
        "conductance": {task: one.conductance for task, one in found.items()},
        "internal_influence": {task: one.influence for task, one in found.items()},
    }


def exact_scores(effects: Float[np.ndarray, "layer neuron example"], examples: Examples) -> Arrays:
    """The scores that follow from ablating each neuron alone."""
    of = {task: effects[..., examples.task == task] for task in examples.train}
    signed = {task: one.mean(-1) for task, one in of.items()}
    absolute = {task: np.abs(one).mean(-1) for task, one in of.items()}
    return {"exact_signed": signed, "exact_absolute": absolute, "exact_contrast": made.less_mean(signed)}


def ranked_rows(
    scores: Arrays, kinds: Mapping[str, Mapping[str, Bool[np.ndarray, "layer neuron"]]], run: Run
) -> Iterator[RankedRow]:
    """How well each estimator ranks the neurons of each task.

    Args:
        scores: of all estimators, the exact ones among them.
        kinds: for each task its own, family, common and member neurons.
        run: of the rows.
    """
    for estimator, of_tasks in scores.items():
        for task, of_task in of_tasks.items():
            row = RankedRow("validation", run.model, run.suite, run.seed, estimator, task, "")
            flat = np.asarray(of_task, dtype=np.float64).ravel()
            masks = {kind: mask.ravel() for kind, mask in kinds[task].items()}
            for positives, negatives in _CONTRASTS:
                among = masks[positives] | (~masks["member"] if negatives == "non_members" else True)
                found = ranking(flat[among], masks[positives][among])
                for measure in ("auroc", "average_precision", "precision"):
                    yield replace(
                        row,
                        measure=measure,
                        positives=positives,
                        negatives=negatives,
                        value=getattr(found, measure),
                        tied=found.tied if measure == "precision" else 0,
                        reason=found.reason,
                    )
            if estimator == "signed":
                yield replace(row, measure="slope", value=slope(flat, scores["exact_signed"][task].ravel()))
            for measure in ("exact_signed", "exact_absolute"):
                value = rank_correlation(flat, scores[measure][task].astype(np.float64).ravel())
                reason = "" if value is not None else "all scores are equal, so that they rank nothing"
                yield replace(row, measure=measure, value=value, reason=reason)


# Sets


def chosen_sets(
    scores: Arrays, taylor: Mapping[str, NeuronScores], own: Mapping[str, int], member: Mapping[str, int]
) -> dict[str, dict[str, NeuronSet]]:
    """The sets that scores choose, as many neurons as carry the own skill of a task.

    Args:
        scores: of all estimators.
        taylor: the product's scores, whose rule for equal scores is taken.
        own, member: how many neurons carry the own skill of each task, and any of its skills.
    """
    size = next(iter(taylor.values())).scores.size
    sets: dict[str, dict[str, NeuronSet]] = {}
    for name, of_tasks in scores.items():
        sets[name] = {
            task: replace(taylor[task], scores=of_task.astype(np.float32), estimator=name).top(100 * own[task] / size)
            for task, of_task in of_tasks.items()
        }
    tops = {task: one.top(100 * member[task] / size) for task, one in taylor.items()}
    sets["own_less_others"] = {
        task: NeuronSet(top.mask & ~np.any([other.mask for name, other in tops.items() if name != task], axis=0))
        for task, top in tops.items()
    }
    sets["bottom"] = {task: one.bottom(100 * own[task] / size) for task, one in taylor.items()}
    return sets


def null_sets(
    plants: Mapping[str, NeuronSet], taylor: Mapping[str, NeuronScores], outgoing: made.Scores, seed: int
) -> dict[str, dict[str, NeuronSet]]:
    """Random sets like the plants: as many in each layer, and there of like activations or like outgoing weights."""
    norm = np.asarray(outgoing, dtype=np.float32)
    return {
        "random_layer": {task: random_like(one, matching="layer", seed=seed, draw=0) for task, one in plants.items()},
        "random_magnitude": {
            task: random_like(one, matching="magnitude", seed=seed, draw=0, magnitude=taylor[task].activation)
            for task, one in plants.items()
        },
        "random_norm": {
            task: random_like(one, matching="magnitude", seed=seed, draw=0, magnitude=norm)
            for task, one in plants.items()
        },
    }


def drop_rows(model: nn.Module, examples: Examples, sets: Sets, state: str, run: Run) -> Iterator[DropRow]:
    """What each task loses without each set of each task."""
    whole = answered(model, examples.batches).losses
    known: dict[NeuronSet, Float[np.ndarray, " example"]] = {}
    for name, of_tasks in sets.items():
        for source, neurons in of_tasks.items():
            if neurons not in known:
                known[neurons] = answered(model, examples.batches, neurons).losses - whole
            for task in examples.train:
                value = float(known[neurons][examples.task == task].mean())
                yield DropRow(
                    "validation", run.model, run.suite, run.seed, state, name, source, task, value, len(neurons)
                )  # fmt: skip


def agreement_rows(
    loaded: Checkpoint, examples: Examples, sizes: Sequence[int], plants: Mapping[str, NeuronSet], run: Run
) -> Iterator[AgreementRow]:
    """How well estimators rank from few examples, and how far two draws that share none agree.

    Args:
        loaded: the model.
        examples: whose pool is drawn from, at its begin and at its end.
        sizes: examples of each draw.
        plants: the neurons of each task's own skill.
        run: of the rows.
    """
    own = {task: len(one) for task, one in plants.items()}
    for size in sizes:
        draws = [
            replace(examples, train={task: ready[part] for task, ready in examples.pool.items()})
            for part in (slice(size), slice(-size, None))
        ]
        scored = [scores_of(loaded, draw, _CHEAP, run.seed) for draw in draws]
        chosen = [chosen_sets(scores, taylor, own, own) for scores, taylor in scored]
        # Random scores are the same in both draws.
        for estimator in (name for name in scored[0][0] if name != "random"):
            for task, planted in plants.items():
                first, second = (scores[estimator][task].astype(np.float64).ravel() for scores, _ in scored)
                found = [ranking(one, planted.mask.ravel()) for one in (first, second)]
                aurocs = [one.auroc for one in found if one.auroc is not None]
                row = AgreementRow("validation", run.model, run.suite, run.seed, estimator, task, size, "auroc")
                reason = next((one.reason for one in found if one.reason), "")
                yield replace(row, value=fmean(aurocs) if len(aurocs) == len(found) else None, reason=reason)
                yield replace(row, measure="spearman", value=rank_correlation(first, second), reason=reason)
                jaccard = chosen[0][estimator][task].jaccard(chosen[1][estimator][task])
                yield replace(row, measure="jaccard", value=jaccard)


def judge(
    loaded: Checkpoint, examples: Examples, exact: Arrays, skills: Skills, members: Mapping[str, NeuronSet], run: Run
) -> tuple[list[RankedRow], list[DropRow]]:
    """How well every estimator ranks the neurons of a plant, and what every way to choose sets takes from the tasks."""
    scores, taylor = scores_of(loaded, examples, ESTIMATORS, run.seed)
    scores |= path_scores(loaded, examples) | exact
    carried = {task: [members[skill].mask for skill in skills.asked(task)] for task in skills.tasks}
    kinds = {
        task: {"common": masks[0], "family": masks[1], "own": masks[2], "member": np.any(masks, axis=0)}
        for task, masks in carried.items()
    }
    plants = {task: members[task] for task in skills.tasks}
    sets = {
        "plant": plants,
        "members": {task: NeuronSet(of["member"]) for task, of in kinds.items()},
        **chosen_sets(scores, taylor, *_sizes(skills, members)),
        **null_sets(plants, taylor, outgoing_weights(loaded.model), run.seed),
    }
    drops = drop_rows(loaded.model, examples, sets, "planted", run)
    return list(ranked_rows(scores, kinds, run)), list(drops)


def judge_noise(
    loaded: Checkpoint,
    untrained: PreTrainedModel,
    examples: Examples,
    sizes: tuple[Mapping[str, int], Mapping[str, int]],
    run: Run,
) -> Iterator[DropRow]:
    """What sets take from the tasks that are chosen with shuffled answers, or in a model that knows nothing."""
    dealt = {task: with_shuffled_answers(ready) for task, ready in examples.train.items()}
    shuffled = chosen_sets(*scores_of(loaded, replace(examples, train=dealt), _CHEAP, run.seed), *sizes)
    yield from drop_rows(loaded.model, examples, shuffled, "shuffled", run)
    with fastest(untrained):
        blank = replace(loaded, model=untrained, digest="untrained")
        chosen = chosen_sets(*scores_of(blank, examples, _CHEAP, run.seed), *sizes)
        yield from drop_rows(untrained, examples, chosen, "untrained", run)


def _sizes(skills: Skills, members: Mapping[str, NeuronSet]) -> tuple[dict[str, int], dict[str, int]]:
    """How many neurons carry the own skill of each task, and any of its skills."""
    own = {task: len(members[task]) for task in skills.tasks}
    return own, {task: sum(len(members[skill]) for skill in skills.asked(task)) for task in skills.tasks}


# Jobs


@dataclass(frozen=True)
class PlantSettings:
    """Settings of `plant_neurons`.

    Attributes:
        families: of the suite.
        model: from random weights.
        neurons: of each layer that may carry one skill.
        schedule: of the training; its seed is that of the run.
        gates: how its examples are seen.
        effect: rise of the loss from which a neuron is needed, nats an example; others are taken out.
    """

    families: int
    model: NewModel
    neurons: int
    schedule: Schedule
    gates: Gates
    effect: float


def plant_neurons(job: Job[PlantSettings]) -> None:
    """Train a model in which it is known which neurons carry which skill."""
    asked, tokenizer = job.settings, load_tokenizer(job.inputs.folder("tokenizer"))
    skills, model = Skills(asked.families), asked.model.made(tokenizer, job.seed)
    context = asked.model.shape.context
    given = blocks(neuron_shape(model), skills.names, asked.neurons, job.seed)
    found = by_skill(job.inputs.folders("tasks"), skills, tokenizer, context)
    encoded, pad_id = {name: found[name] for name in skills.names}, tokenizer.pad_token_id
    course, execution = replace(asked.schedule, seed=job.seed), Execution.of(job)
    plant(model, encoded, given, asked.gates, course, execution.resuming("first"), pad_id=pad_id)
    fewest = min(map(len, encoded.values()))
    alike = {name: ready[:fewest] for name, ready in encoded.items()}
    with fastest(model):
        members = pruned(model, alike, given, asked.effect, pad_id=pad_id)
    # What many small removals cost together, the members that are left learn anew.
    log = plant(model, encoded, members, asked.gates, course, execution.resuming("again"), pad_id=pad_id)
    carrying = np.any([one.mask for one in members.values()], axis=0)
    out = job.outputs.folder("checkpoint")
    log.write(out / "training.csv")
    digest = save_checkpoint(out, model, tokenizer, name=f"{job.model}-plant", context=context, parent=None)
    save_sets(job.outputs.one("members"), {**members, IDLE: NeuronSet(~carrying)}, {"model": digest})


@dataclass(frozen=True)
class MeasureSettings:
    """Settings of `measure`.

    Attributes:
        families: of the suite.
        model: as it was before neurons were planted.
        limits: what the proof asks.
        examples: training examples of each task that are scored, at most.
        test_examples: test examples of each task, at most.
        sizes: examples of each task in each of two draws, for their agreement.
        batch_size: examples at once.
    """

    families: int
    model: NewModel
    limits: Limits
    examples: int
    test_examples: int
    sizes: tuple[int, ...]
    batch_size: int


def measure(job: Job[MeasureSettings]) -> None:
    """Prove what the planted neurons carry, and if they do, judge every estimator and every way to choose a set."""
    asked, run = job.settings, Run(job.suite, job.model, job.seed)
    execution = Execution.of(job)
    loaded = load_checkpoint(job.inputs.folder("checkpoint"), device=execution.device)
    skills, members = Skills(asked.families), load_sets(job.inputs.one("members"))[0]
    examples = examples_of(
        loaded,
        job.inputs.folders("tasks"),
        skills,
        train=asked.examples,
        test=asked.test_examples,
        batch_size=asked.batch_size,
    )
    ranked: list[RankedRow] = []
    drops: list[DropRow] = []
    agreement: list[AgreementRow] = []
    with fastest(loaded.model):
        effects = exact_effects(loaded.model, examples.batches)
        proof = list(proof_rows(_evidence(loaded.model, examples, effects), skills, members, asked.limits, run))
        if holds(proof):
            exact = exact_scores(effects, examples)
            ranked, drops = judge(loaded, examples, exact, skills, members, run)
            plants = {task: members[task] for task in skills.tasks}
            agreement = list(agreement_rows(loaded, examples, asked.sizes, plants, run))
            untrained = asked.model.made(loaded.tokenizer, job.seed).eval().requires_grad_(False)
            untrained.to(execution.device)
            drops += judge_noise(loaded, untrained, examples, _sizes(skills, members), run)
    PROOF.write(job.outputs.one("proof"), proof)
    RANKED.write(job.outputs.one("ranked"), ranked)
    DROPS.write(job.outputs.one("drops"), drops)
    AGREEMENT.write(job.outputs.one("agreement"), agreement)


def _evidence(model: nn.Module, examples: Examples, effects: np.ndarray) -> Evidence:
    def without(neurons: NeuronSet | None) -> tuple[np.ndarray, np.ndarray]:
        found = answered(model, examples.batches, neurons)
        return found.losses, found.right

    return Evidence(without, effects, examples.task, examples.skill)


@dataclass(frozen=True)
class AblateSettings:
    """Settings of `ablate`.

    Attributes:
        neurons: of each kind, see `sampled`.
        examples: training examples of each task that are scored, at most.
        test_examples: of each task, on which neurons are ablated, at most.
        batch_size: examples at once.
    """

    neurons: int
    examples: int
    test_examples: int
    batch_size: int


def ablate(job: Job[AblateSettings]) -> None:
    """Ablate a sample of the neurons of a model one by one, and each kind at once, on every task of a suite."""
    asked, run, folders = job.settings, Run(job.suite, job.model, job.seed), job.inputs.folders("tasks")
    # In float32 whatever the model's own precision: most effects are below what bfloat16 tells apart.
    loaded = load_checkpoint(job.inputs.folder("checkpoint"), device=Execution.of(job).device)
    alone: list[SampledRow] = []
    together: list[TogetherRow] = []
    with fastest(loaded.model):
        scores = {}
        for task, folder in folders.items():
            ready = encoded_split(loaded, folder, "train", asked.examples)
            found = attribute(loaded, ready, task=task, batch_size=asked.batch_size)["taylor"]
            scores[task] = found.scores / found.examples
        for task, folder in progress(folders.items(), "exact ablation"):
            ready = encoded_split(loaded, folder, "test", asked.test_examples)
            batches = batches_of(ready, loaded.tokenizer.pad_token_id, asked.batch_size)
            whole = answered(loaded.model, batches).losses
            kinds = sampled(scores, task, asked.neurons, run.seed)
            # All at once: one pass tells all effects of first order, and what lies below is remembered once.
            taken = np.concatenate(list(kinds.values()))
            firsts = np.split(first_order_effects(loaded.model, batches, taken), len(kinds))
            exacts = np.split(exact_effects_of(loaded.model, batches, taken), len(kinds))
            for (kind, neurons), first, exact in zip(kinds.items(), firsts, exacts, strict=True):
                alone += [
                    SampledRow(
                        "validation", run.model, run.suite, run.seed, task, kind, layer, neuron,
                        scored=float(scores[task][layer, neuron]),
                        absolute=float(np.abs(first[place]).mean()),
                        signed=float(first[place].mean()),
                        exact_absolute=float(np.abs(exact[place]).mean()),
                        exact_signed=float(exact[place].mean()),
                        examples=len(ready),
                    )
                    for place, (layer, neuron) in enumerate(neurons.tolist())
                ]  # fmt: skip
                every = NeuronSet.from_indices([tuple(one) for one in neurons.tolist()], scores[task].shape)
                rise = float((answered(loaded.model, batches, every).losses - whole).mean())
                together.append(
                    TogetherRow("validation", run.model, run.suite, run.seed, task, kind, rise, len(neurons))
                )
    SAMPLED.write(job.outputs.one("sampled"), alone)
    TOGETHER.write(job.outputs.one("together"), together)
