"""A step in several passes is the step in one pass, for every method; memory that runs out decides the passes alone."""

import pytest
import torch
from accelerate import Accelerator
from architectures import tiny_model
from patches import BASE, random_patch, some_neurons
from test_tuning import BATCH, model_of, run, trained_by_hand

from taskneurons.engine import training
from taskneurons.engine.batches import WeightedBatch
from taskneurons.engine.execution import Execution
from taskneurons.engine.tuning import METHODS, FullWeights
from taskneurons.errors import InputError
from taskneurons.models.adapters import Adapter
from taskneurons.models.patching import patched
from taskneurons.neurons.patches import NeuronPatch


def moved(result, model):
    """What a training changed, as one vector."""
    change = result.change
    if isinstance(change, FullWeights):
        # The bias of Bloom's keys has no gradient but rounding, which AdamW blows up to full steps.
        named = [(name, p) for name, p in model.named_parameters() if not name.endswith("query_key_value.bias")]
        return torch.cat([(change.tensors[name] - p).flatten() for name, p in named]).double()
    values = change.weights if isinstance(change, NeuronPatch) else change.tensors
    assert isinstance(change, NeuronPatch | Adapter)
    found = torch.cat([torch.tensor(values[name]).flatten() for name in sorted(values)]).double()
    if isinstance(change, Adapter):
        return found
    before = model_values(model, change)
    return found - before


def model_values(model, change):
    own = random_patch(model, neurons=change.neurons, scale=0.0).weights
    return torch.cat([torch.tensor(own[name]).flatten() for name in sorted(own)]).double()


def assert_near(found, expected, tolerance=1e-4):
    """Relative to what moved: AdamW makes steps of one size of gradients that are nothing but rounding."""
    assert ((found - expected).norm() / expected.norm()).item() < tolerance


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("architecture", ["mistral", "bloom"])
def test_the_size_of_a_pass_changes_rounding_alone(architecture, method):
    model = model_of(architecture)
    extra = {"neurons": some_neurons(model)} if method == "neurons" else {}
    whole = moved(run(model, method, **extra), model)
    assert torch.equal(
        moved(run(model, method, execution=Execution(micro_batch_size=BATCH + 5), **extra), model), whole
    )
    for size in (1, 3):
        assert_near(moved(run(model, method, execution=Execution(micro_batch_size=size), **extra), model), whole)


def test_passes_give_the_gradient_of_plain_torch_on_the_whole_batch():
    model = model_of("mistral")
    found = moved(run(model, "full", execution=Execution(micro_batch_size=1)), model)
    before = torch.cat([parameter.detach().flatten() for parameter in model.parameters()])
    trained_by_hand(model.requires_grad_(True), list(model.parameters()))
    after = torch.cat([parameter.detach().flatten() for parameter in model.parameters()])
    assert_near(found, (after - before).double())


def test_neurons_on_top_of_patches_train_the_same_in_passes():
    model = tiny_model("llama")
    with patched(model, random_patch(model, scale=0.01), base=BASE):
        neurons = some_neurons(model, seed=1)
        whole = moved(run(model, neurons=neurons), model)
        assert_near(moved(run(model, neurons=neurons, execution=Execution(micro_batch_size=1)), model), whole)


def test_weights_of_a_pass_are_those_of_the_whole_batch():
    lengths = torch.tensor([2, 5, 3])
    ids = torch.arange(15).reshape(3, 5)
    batch = WeightedBatch(ids, ids, torch.rand(3, 5), lengths)
    part = batch.rows(2, 3)
    assert part.input_ids.shape == (1, 3)
    assert torch.equal(part.weights, batch.weights[2:3, :3])
    assert batch.rows(0, 3) is batch


@pytest.mark.parametrize("fails", ["forward", "backward"])
def test_a_step_that_does_not_fit_is_taken_anew_in_halves(fails, monkeypatch, caplog):
    """Also where the backward pass fails, which leaves gradients behind."""
    model = model_of("llama")
    expected = moved(run(model, "full", execution=Execution(micro_batch_size=1)), model)
    loss_of, backward, seen = training._Gradients._loss, Accelerator.backward, []

    def loss(self, batch):
        seen.append(len(batch))
        if len(batch) > 1 and fails == "forward":
            raise torch.OutOfMemoryError("CUDA out of memory")
        return loss_of(self, batch)

    def back(self, loss, **kwargs):
        backward(self, loss, **kwargs)
        if seen[-1] > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(training._Gradients, "_loss", loss)
    if fails == "backward":
        monkeypatch.setattr(Accelerator, "backward", back)
    found = moved(run(model, "full"), model)
    assert seen == [4, 2, *[1] * 24], "the size stays what fitted"
    assert torch.equal(found, expected)
    assert "out of memory with 2 examples at once: going on with 1" in caplog.text


def test_a_training_of_which_no_example_fits_says_so(monkeypatch):
    def full(self, batch):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(training._Gradients, "_loss", full)
    with pytest.raises(InputError, match="memory does not hold this model with one example"):
        run(model_of("llama"), "full")
    with pytest.raises(InputError, match="micro_batch_size: a pass needs at least one example, not 0"):
        Execution(micro_batch_size=0)
