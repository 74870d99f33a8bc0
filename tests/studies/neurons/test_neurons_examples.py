import numpy as np
import pytest
import torch
from small_checkpoint import CONTEXT, ECHO, MOOD, TOKENIZER, lay_checkpoint, lay_task, small_model

from taskneurons.engine.execution import Execution
from taskneurons.errors import InputError
from taskneurons.evidence.top_examples import TOP_EXAMPLES
from taskneurons.job import Files, Job
from taskneurons.models.encoding import encode
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.sets import NeuronSet
from taskneurons.studies.neurons.examples import ExamplesSettings, find_examples, top_examples, top_neurons
from taskneurons.tasks.storage import read_split

SHAPE = (2, 32)


def scores(seed, task="mood"):
    values = np.random.default_rng(seed).random(SHAPE, dtype=np.float32)
    return NeuronScores(values, values, values, task, "d" * 64, "taylor", 8, 80)


@pytest.fixture(scope="module")
def laid(tmp_path_factory):
    folder = tmp_path_factory.mktemp("top_examples")
    lay_checkpoint(folder / "model")
    for task in (MOOD, ECHO):
        lay_task(folder / task.name, task)
    return folder


def each_alone(laid):
    """Every test example by itself, without padding, through hooks on the model's own down projections."""
    model, found = small_model(), []
    for task in ("mood", "echo"):
        examples = read_split(laid / task, "test")
        for example, ids in zip(examples, encode(examples, TOKENIZER, CONTEXT), strict=True):
            seen = []
            handles = [
                layer.mlp.down_proj.register_forward_pre_hook(lambda _, args, seen=seen: seen.append(args[0][0]))
                for layer in model.model.layers
            ]
            with torch.no_grad():
                model(torch.tensor([ids.prompt + ids.target[:-1]]))
            for handle in handles:
                handle.remove()
            values = torch.stack(seen).numpy()
            strongest = np.abs(values).argmax(axis=1)[:, None]
            found.append((task, example.id, np.take_along_axis(values, strongest, axis=1)[:, 0]))
    return found


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_the_examples_are_those_that_each_alone_activate_a_neuron_most(laid, batch_size):
    neurons = NeuronSet.from_indices([(0, 3), (0, 30), (1, 0), (1, 17)], SHAPE)
    folders = {"mood": laid / "mood", "echo": laid / "echo"}
    rows = top_examples(laid / "model", folders, neurons, Execution(), examples=3, batch_size=batch_size)
    assert len(rows) == 12
    alone = each_alone(laid)
    for layer, neuron in neurons.to_indices():
        own = [row for row in rows if (row.layer, row.neuron) == (layer, neuron)]
        assert [row.rank for row in own] == [1, 2, 3]
        expected = sorted((values[layer, neuron] for *_, values in alone), key=abs, reverse=True)[:3]
        np.testing.assert_allclose([row.activation for row in own], expected, rtol=6e-4)
        named = {(task, name): values[layer, neuron] for task, name, values in alone}
        for row in own:
            np.testing.assert_allclose(row.activation, named[row.task, row.example], rtol=6e-4)


def test_a_layer_without_chosen_neurons_is_left_out(laid):
    neurons = NeuronSet.from_indices([(1, 5)], SHAPE)
    rows = top_examples(laid / "model", {"mood": laid / "mood"}, neurons, Execution(), examples=2, batch_size=4)
    assert {(row.layer, row.neuron) for row in rows} == {(1, 5)}


def test_top_neurons_are_the_union_of_the_tasks_best():
    one, two = scores(0), scores(1, "echo")
    union = top_neurons([one, two], 5)
    expected = {tuple(place) for s in (one, two) for place in np.argwhere(s.scores >= np.sort(s.scores, axis=None)[-5])}
    assert {tuple(place) for place in union.to_indices()} == expected


def test_neurons_of_another_model_and_no_scores_are_refused(laid):
    with pytest.raises(InputError, match="2 x 32"):
        top_examples(laid / "model", {}, NeuronSet(np.ones((3, 32), bool)), Execution(), examples=1, batch_size=1)
    with pytest.raises(InputError, match="no scores"):
        top_neurons([], 3)


def test_the_job_finds_what_the_best_neurons_of_all_tasks_are_driven_by(laid, tmp_path):
    files = []
    for seed, task in enumerate(("mood", "echo")):
        files.append(tmp_path / f"{task}.safetensors")
        scores(seed, task).save(files[-1])
    out = tmp_path / "top_examples.csv"
    inputs = {
        "checkpoint": (laid / "model" / "config.json",),
        "tasks": tuple(laid / task / "task.json" for task in ("echo", "mood")),
        "scores": tuple(files),
    }
    settings = ExamplesSettings(("mood", "echo"), neurons=5, examples=3, dtype="float32")
    find_examples(Job(settings, Files(inputs), Files({"examples": (out,)}), {}, "identity", evaluation_batch_size=4))
    folders = {task: laid / task for task in ("mood", "echo")}
    neurons = top_neurons([scores(0), scores(1, "echo")], 5)
    expected = top_examples(laid / "model", folders, neurons, Execution(), examples=3, batch_size=4)
    assert TOP_EXAMPLES.read(out) == expected
