"""Planted models from files to rows: against ablations by hand, on a model that knows nothing."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from taskneurons.engine.attribution import attribute
from taskneurons.engine.effects import answered, exact_effects
from taskneurons.engine.execution import Schedule
from taskneurons.engine.planting import Gates
from taskneurons.engine.task_by_task import encoded_split
from taskneurons.errors import InputError
from taskneurons.evidence.runs import Run
from taskneurons.job import Files, Job
from taskneurons.models.load import load_checkpoint
from taskneurons.models.scratch import Shape
from taskneurons.models.tokenizers import save_tokenizer, train_word_tokenizer
from taskneurons.neurons.sets import load_sets
from taskneurons.studies.validation import measure
from taskneurons.studies.validation.estimators import BACKWARD
from taskneurons.studies.validation.measure import MeasureSettings, NewModel, PlantSettings, blocks
from taskneurons.studies.validation.proof import Limits
from taskneurons.studies.validation.rows import AGREEMENT, DROPS, PROOF, RANKED
from taskneurons.tasks.plant.skills import Skills
from taskneurons.tasks.plant.suite import plant_suite
from taskneurons.tasks.storage import read_split, write_task

SKILLS = Skills(2)
MODEL = NewModel("llama", Shape(16, 2, 2, 32, 16), 0.1)
SCHEDULE = Schedule(steps=2, batch_size=14, learning_rate=1e-3)
TABLES = (PROOF, RANKED, DROPS, AGREEMENT)
ASKS_NOTHING = Limits(learned=0, broken=100, spared=100, suffices=0, effect=0.01, members=0, others=100)
NAMES = ("proof", "ranked", "drops", "agreement")


@pytest.fixture(scope="module")
def planted(tmp_path_factory) -> tuple[Path, dict[str, Path]]:
    """A folder with a plant of two steps, and the folders of its tasks."""
    folder = tmp_path_factory.mktemp("planted")
    texts, tasks = [], {}
    for task, splits, counts in plant_suite(2, 30, 3, 15, 0):
        tasks[task.name] = folder / "tasks" / task.name
        write_task(tasks[task.name], task, splits, counts)
        texts += [f"{one.prompt} {one.target}" for one in splits["train"]]
    save_tokenizer(folder / "tokenizer", train_word_tokenizer(texts))
    # So little is asked of a neuron that most stay, though they know nothing.
    settings = PlantSettings(2, MODEL, 4, SCHEDULE, Gates(0.5, 0.25), effect=-1.0)
    measure.plant_neurons(
        job(folder, settings, tasks, checkpoint=folder / "plant" / "model.safetensors", members=folder / "members.st")
    )
    return folder, tasks


def job(folder: Path, settings, tasks, **outputs: Path) -> Job:
    inputs = {
        "tokenizer": (folder / "tokenizer" / "tokenizer.json",),
        "checkpoint": (folder / "plant" / "model.safetensors",),
        "members": (folder / "members.st",),
        "tasks": tuple(path / "train.jsonl" for path in tasks.values()),
    }
    made = {name: (path,) for name, path in outputs.items()}
    return Job(settings, Files(inputs), Files(made), {"run": "plant/small", "seed": "1"}, "x")


def measured(planted, limits: Limits):
    folder, tasks = planted
    settings = MeasureSettings(2, MODEL, limits, examples=12, test_examples=15, sizes=(3, 15), batch_size=40)
    outputs = {name: folder / f"{name}.csv" for name in NAMES}
    measure.measure(job(folder, settings, tasks, **outputs))
    return tuple(table.read(outputs[name]) for name, table in zip(NAMES, TABLES, strict=True))


def test_a_plant_that_fails_its_proof_is_not_judged(planted) -> None:
    proof, ranked, drops, agreement = measured(planted, replace(ASKS_NOTHING, learned=95))
    assert [row.check for row in proof if not row.holds] == ["learned"] * len(SKILLS.names)
    assert ranked == drops == agreement == []


def test_every_estimator_and_set_is_judged_by_what_ablation_says(planted) -> None:
    folder, tasks = planted
    _, ranked, drops, agreement = measured(planted, ASKS_NOTHING)
    assert {row.estimator for row in ranked} == set(BACKWARD)
    of_tasks = {(row.estimator, row.measure, row.positives, row.negatives): 0 for row in ranked}
    assert len(ranked) == len(of_tasks) * len(tasks)
    own = {row.measure: row.value for row in ranked if row.estimator == "exact_absolute" and row.task == "family0_a"}
    assert own["exact_absolute"] == pytest.approx(1)
    loaded, sets = load_checkpoint(folder / "plant"), load_sets(folder / "members.st")[0]
    examples = measure.examples_of(loaded, tasks, SKILLS, train=12, test=15, batch_size=40)
    here = examples.task == "family1_b"
    whole = answered(loaded.model, examples.batches).losses
    gone = answered(loaded.model, examples.batches, sets["family0_a"]).losses
    (found,) = (
        row.value
        for row in drops
        if (row.state, row.sets, row.train_task, row.test_task) == ("planted", "plant", "family0_a", "family1_b")
    )
    assert found == pytest.approx((gone - whole)[here].mean(), abs=1e-5)
    states = {
        state: {row.sets for row in drops if row.state == state} for state in ("planted", "shuffled", "untrained")
    }
    assert states["planted"] - states["shuffled"] == {
        "plant", "members", "random_layer", "random_magnitude", "random_norm",
        "exact_signed", "exact_absolute", "exact_contrast", "integrated_gradients",
        "conductance", "internal_influence",
    }  # fmt: skip
    assert states["shuffled"] == states["untrained"]
    sizes = {(row.train_task, row.neurons) for row in drops if row.sets not in ("members", "own_less_others")}
    assert sizes == {(task, len(sets[task])) for task in tasks}, "as many as carry the own skill of the task"
    # Draws of 3 and 15 of 30 examples: the two draws share none, so that the scores are those of each alone.
    assert {(row.examples, row.measure) for row in agreement} == {
        (size, measure) for size in (3, 15) for measure in ("auroc", "spearman", "jaccard")
    }
    first, second = (
        attribute(
            loaded,
            encoded_split(loaded, tasks["family1_a"], "train")[part],
            task="t",
            batch_size=40,
            estimators=["taylor"],
        )
        for part in (slice(15), slice(15, 30))
    )
    (found,) = (
        row.value
        for row in agreement
        if (row.estimator, row.task, row.examples, row.measure) == ("taylor", "family1_a", 15, "spearman")
    )
    assert found == pytest.approx(spearmanr(first["taylor"].scores.ravel(), second["taylor"].scores.ravel()).statistic)


def test_the_examples_of_a_skill_are_those_that_name_it(planted) -> None:
    folder, tasks = planted
    loaded = load_checkpoint(folder / "plant")
    found = measure.by_skill(tasks, SKILLS, loaded.tokenizer, 16)
    word = {name: loaded.tokenizer.convert_tokens_to_ids(one) for name, one in SKILLS.words.items()}
    assert {name: len(ready) for name, ready in found.items()} == {
        "common": 40, "family0": 20, "family1": 20, **dict.fromkeys(SKILLS.tasks, 10),
    }  # fmt: skip
    assert all(word[name] in one.prompt for name, ready in found.items() for one in ready)
    examples = measure.examples_of(loaded, tasks, SKILLS, train=12, test=15, batch_size=7)
    told = [SKILLS.skill_of(one.input) for task in tasks for one in read_split(tasks[task], "test")]
    assert examples.skill.tolist() == told and sum(map(len, examples.batches)) == 60


def test_exact_scores_are_means_over_the_examples_of_a_task(planted) -> None:
    folder, tasks = planted
    loaded = load_checkpoint(folder / "plant")
    examples = measure.examples_of(loaded, tasks, SKILLS, train=12, test=6, batch_size=40)
    effects = exact_effects(loaded.model, examples.batches)
    found = measure.exact_scores(effects, examples)
    np.testing.assert_allclose(found["exact_signed"]["family0_b"], effects[..., 6:12].mean(-1), rtol=1e-5)
    np.testing.assert_allclose(found["exact_absolute"]["family0_b"], np.abs(effects[..., 6:12]).mean(-1), rtol=1e-5)


def test_blocks_share_no_neuron_and_leave_the_rest_idle() -> None:
    found = blocks((2, 32), SKILLS.names, 4, 0)
    assert all(found[name].layers().tolist() == [4, 4] for name in SKILLS.names)
    assert np.sum([one.mask for one in found.values()], axis=0).max() == 1
    assert found["common"] != blocks((2, 32), SKILLS.names, 4, 1)["common"]
    with pytest.raises(InputError, match=r"7 skills of 5 neurons in each layer, which has 32\. Write at most 4"):
        blocks((2, 32), SKILLS.names, 5, 0)


def test_the_run_of_rows_is_that_of_the_job(planted) -> None:
    proof, *_ = measured(planted, replace(ASKS_NOTHING, learned=95))
    assert {Run(row.suite, row.model, row.seed) for row in proof} == {Run("plant", "small", 1)}


def test_the_matrices_of_a_new_model_are_as_wide_as_asked(planted) -> None:
    tokenizer = load_checkpoint(planted[0] / "plant").tokenizer
    for architecture, width in (("llama", 16), ("bloom", 8)):
        model = NewModel(architecture, replace(MODEL.shape, hidden_size=width), MODEL.spread).made(tokenizer, 0)
        entries = [weight.detach().numpy().ravel() for weight in model.parameters() if weight.dim() > 1]
        assert np.concatenate(entries).std() == pytest.approx(0.1, rel=0.05)
