"""The dial's measurements from files to rows: against merged checkpoints, their own scores and flat vectors."""

import numpy as np
import pytest
from safetensors.torch import load_file
from small_checkpoint import ECHO, MOOD, lay_checkpoint, lay_task, small_model

from taskneurons.engine.attribution import attribute
from taskneurons.engine.batches import with_shuffled_answers
from taskneurons.engine.changes import save_change
from taskneurons.engine.evaluation import Evaluation, evaluate_tasks
from taskneurons.engine.execution import Execution, Schedule
from taskneurons.engine.task_by_task import encoded_split
from taskneurons.engine.training import TrainingLog
from taskneurons.engine.tune_changes import tune_changes
from taskneurons.engine.tuning import FullWeights, Tuned
from taskneurons.errors import InputError
from taskneurons.evidence.runs import Run
from taskneurons.models.load import load_checkpoint
from taskneurons.neurons.selection import Selection
from taskneurons.neurons.sets import NeuronSet
from taskneurons.studies.dial.measure import (
    SIMILARITIES,
    Measures,
    change_cosines,
    measure_models,
    similarities,
)
from taskneurons.studies.dial.rows import MEASURED, MeasuredRow

EVALUATION = Evaluation(batch_size=3, max_new_tokens=4)
SELECTIONS = (Selection("taylor", 10, "model"), Selection("taylor", 25, "layer"))
TASKS = {"mood": MOOD, "echo": ECHO}
# Steps so large that the tuned models are other models than the base.
SCHEDULE = Schedule(steps=3, batch_size=4, learning_rate=0.05)
MEASURES = Measures(SELECTIONS, examples=6, batch_size=4, test_examples=8, evaluation=EVALUATION)


def shared(first, second):
    """How many skills two tasks share; these two have none of a ring."""
    return 3 if first == second else 1


def measured(base, tasks, changes):
    run = Run("mine", "small", 0)
    return measure_models(base, tasks, changes, MEASURES, Execution(), shared=shared, run=run)


@pytest.fixture(scope="module")
def laid(tmp_path_factory):
    """A folder with a base, two tasks and the models that were tuned on one of them each."""
    folder = tmp_path_factory.mktemp("laid")
    lay_checkpoint(folder / "base")
    tasks = {name: lay_task(folder / "data" / name, task) for name, task in TASKS.items()}
    changes = {name: folder / "tuned" / name for name in TASKS}
    trained = {change: [name] for name, change in changes.items()}
    tune_changes(folder / "base", tasks, trained, SCHEDULE, Execution(resume=folder / "resume"))
    for name, change in changes.items():
        model = load_checkpoint(folder / "base").model
        assert not any(model.load_state_dict(load_file(change / "weights.safetensors"), strict=False))
        lay_checkpoint(folder / "merged" / name, model)
    found = {model.name: model for model in measured(folder / "base", tasks, changes)}
    return folder, tasks, changes, found


def test_scores_and_sets_are_those_of_the_model_that_was_tuned(laid):
    folder, tasks, _, found = laid
    assert list(found) == ["base", "shuffled", "mood", "echo"]
    for source in ("base", *TASKS):
        rows, sets = found[source].rows, found[source].sets
        checkpoint = folder / ("base" if source == "base" else f"merged/{source}")
        for task, expected in evaluate_tasks(checkpoint, list(tasks.values()), EVALUATION, Execution()):
            own = {row.metric: row.value for row in rows if row.test_task == task and not row.sets}
            for row in expected:
                assert own[row.metric] == pytest.approx(row.value, abs=1e-5)
        loaded = load_checkpoint(checkpoint)
        for task, folder_of_task in tasks.items():
            scores = attribute(loaded, encoded_split(loaded, folder_of_task, "train", 6), task=task, batch_size=4)
            for selection in SELECTIONS:
                assert sets[f"{selection.slug}.{task}"] == selection.of(scores["taylor"])
    assert found["base"].digest == load_checkpoint(folder / "base").digest
    assert found["mood"].sets != found["base"].sets


def test_the_control_keeps_prompts_and_answers_and_parts_them(laid):
    folder, tasks, _, found = laid
    loaded = load_checkpoint(folder / "base")
    examples = encoded_split(loaded, tasks["echo"], "train", 6)
    shuffled = with_shuffled_answers(examples)
    assert [example.prompt for example in shuffled] == [example.prompt for example in examples]
    assert sorted(example.target for example in shuffled) == sorted(example.target for example in examples)
    assert [example.target for example in shuffled] != [example.target for example in examples]
    assert shuffled == with_shuffled_answers(examples)
    control, base = found["shuffled"], found["base"]
    assert not control.rows and control.digest == base.digest and control.sets.keys() == base.sets.keys()
    by_hand = attribute(loaded, shuffled, task="echo", batch_size=4)["taylor"]
    order = np.argsort(-by_hand.scores.ravel(), kind="stable")[:6]
    assert set(order) == set(np.flatnonzero(control.sets["taylor-10-model.echo"].mask.ravel()))


def test_parameters_are_those_of_the_source_model_and_sets_of_either(laid):
    folder, _, _, found = laid
    model = load_checkpoint(folder / "merged" / "mood").model
    rows = found["mood"].rows
    for origin, sets in (("base", found["base"].sets), ("source", found["mood"].sets)):
        expected = []
        for layer, block in enumerate(model.model.layers):
            values = np.concatenate(
                [block.mlp.gate_proj.weight, block.mlp.up_proj.weight, block.mlp.down_proj.weight.T], axis=1
            ).astype(np.float64)
            long = [
                (values * sets[f"taylor-25-layer.{task}"].mask[layer][:, None]).ravel() for task in ("mood", "echo")
            ]
            expected.append(long[0] @ long[1] / np.linalg.norm(long[0]) / np.linalg.norm(long[1]))
        found_rows = [
            row for row in rows if (row.metric, row.sets, row.selection) == ("masked_cosine", origin, "taylor-25-layer")
        ]
        assert [(row.test_task, row.n) for row in found_rows] == [("echo", 2)]
        assert found_rows[0].value == pytest.approx(np.mean(expected), abs=1e-6)
    assert {row.metric for row in rows if row.sets} == set(SIMILARITIES)


def test_the_cosine_of_changes_is_that_of_flat_vectors(laid):
    folder, _, changes, found = laid
    base = load_checkpoint(folder / "base").model.state_dict()
    flat = []
    for folder in changes.values():
        after = load_file(folder / "weights.safetensors")
        flat.append(np.concatenate([(after[name] - base[name]).double().numpy().ravel() for name in after]))
    expected = flat[0] @ flat[1] / np.linalg.norm(flat[0]) / np.linalg.norm(flat[1])
    found_rows = [row for row in found["mood"].rows if row.metric == "change_cosine"]
    assert [row.test_task for row in found_rows] == ["echo"]
    assert found_rows[0].value == pytest.approx(expected, abs=1e-9)


def test_rows_are_a_table(laid, tmp_path):
    _, _, _, found = laid
    for source, model in found.items():
        MEASURED.write(tmp_path / f"{source}.csv", model.rows)
        assert MEASURED.read(tmp_path / f"{source}.csv") == model.rows
    gathered = MEASURED.gather(sorted(tmp_path.iterdir()))
    assert {(row.suite, row.model, row.seed) for row in gathered} == {("mine", "small", 0)}
    for row in gathered:
        assert row.shared == (shared(row.train_task, row.test_task) if row.train_task else None)


def test_a_tuning_that_changed_nothing_has_no_cosine(laid, tmp_path):
    folder, _, changes, _ = laid
    base = load_checkpoint(folder / "base")
    still = Tuned(FullWeights({name: p.detach() for name, p in base.model.named_parameters()}), TrainingLog(()))
    save_change(tmp_path / "still", still, base=base.digest, tasks=["echo"])
    names, cosines = change_cosines(base.model, {"mood": changes["mood"], "echo": tmp_path / "still"})
    assert names == ["mood", "echo"] and cosines[0, 0] == pytest.approx(1) and np.isnan(cosines[0, 1])


def test_a_change_of_another_base_is_refused(laid, tmp_path):
    _, tasks, changes, _ = laid
    lay_checkpoint(tmp_path / "other", small_model(seed=1))
    with pytest.raises(InputError, match="does not fit the model"):
        list(measured(tmp_path / "other", tasks, changes))


def test_an_empty_layer_is_said_to_have_no_similarity():
    nothing = NeuronSet(np.zeros((2, 4), dtype=bool))
    blank = MeasuredRow("dial", "small", "mine", 0, "mood", "echo", 1)
    rows = list(similarities([np.ones((4, 3))] * 2, nothing, nothing, blank))
    assert [row.metric for row in rows] == list(SIMILARITIES)
    assert {row.reason for row in rows} == {"a set has no neurons in this layer"}
    assert all(row.value is None and row.n == 0 for row in rows)
