"""What tests ask of two processes that do a job together: torchrun runs this file, pytest calls `results` alone.

`python several_processes.py` prints the table of docs/scale.md.
"""

import gc
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from architectures import PAD, checkpoint
from patches import BASE, some_neurons
from test_tuning import examples, model_of, run

from taskneurons import processes
from taskneurons.engine import training
from taskneurons.engine.attribution import attribute
from taskneurons.engine.batches import MixedTasks
from taskneurons.engine.evaluation import evaluate_examples, prepare
from taskneurons.engine.execution import Execution
from taskneurons.engine.representations import representations
from taskneurons.engine.signed_attribution import attribute_signed
from taskneurons.models.encoding import Encoded
from taskneurons.neurons.patches import NeuronPatch
from taskneurons.workflow.together import start

TRAININGS = {
    "neurons": ("neurons", Execution()),
    "neurons in passes": ("neurons", Execution(micro_batch_size=1)),
    "ffn": ("ffn", Execution()),
    "ffn in passes": ("ffn", Execution(micro_batch_size=1)),
    "lora": ("lora", Execution()),
    "lora in passes": ("lora", Execution(micro_batch_size=1)),
    "full": ("full", Execution()),
    "full in passes": ("full", Execution(micro_batch_size=1)),
    "full checkpointed": ("full", Execution(gradient_checkpointing=True)),
    "full of five": ("full", Execution(micro_batch_size=2)),
}


class Seen:
    """Counts the sequences that go through a model in trainings, and their passes without any."""

    def __init__(self) -> None:
        self.sequences = 0
        self._loss = training._Gradients._loss
        seen = self

        def loss(self, batch):
            seen.sequences += len(batch) if batch.weights.any() else 0
            return seen._loss(self, batch)

        training._Gradients._loss = loss


def trained(model, name):
    method, execution = TRAININGS[name]
    extra = {"neurons": some_neurons(model)} if method == "neurons" else {}
    batch = {"batch_size": 5} if name.endswith("of five") else {}
    result = run(model, method, execution=execution, readings=(3,), **extra, **batch)
    found = {}
    for step, change in {3: result.readings[3], 6: result.change}.items():
        values = change.weights if isinstance(change, NeuronPatch) else change.tensors
        found |= {f"{name}/{step}/{key}": np.asarray(array) for key, array in values.items()}
    return found | {f"{name}/loss": np.array([loss for _, loss, _ in result.log.rows])}


def measured(model):
    data = examples(11)
    of = checkpoint(model, BASE)
    found = {
        f"attribution/{name}": scores.scores
        for name, scores in attribute(
            of, data, task="t", batch_size=3, estimators=("taylor", "activation", "taylor_global")
        ).items()
    }
    signed = attribute_signed(of, data, task="t", batch_size=3)
    found |= {"attribution/signed": signed.scores, "attribution/counts": np.array([signed.examples, signed.tokens])}
    found["representations"] = representations(model, data, pad_id=PAD, batch_size=3)
    labelled = [Encoded(one.prompt, (5 + n % 2, 2)) for n, one in enumerate(data)]
    task = prepare("classification", labelled, of.tokenizer, options=((5, 2), (6, 2)))
    scores = evaluate_examples(model, task, batch_size=3)
    return found | {f"evaluation/{name}": values for name, values in scores.items()}


def resumed(model, folder):
    """A training of all weights that ends after four steps, and goes on from its file."""
    file = folder / "tuning.safetensors"
    execution, original = Execution(resume=file, checkpoint_minutes=0), MixedTasks.__getitem__

    def stopping(order, step):
        if step == 4:
            raise InterruptedError
        return original(order, step)

    MixedTasks.__getitem__ = stopping
    try:
        run(model, "full", execution=execution)
    except InterruptedError:
        processes.wait()
    finally:
        MixedTasks.__getitem__ = original
    assert file.exists()
    result = run(model, "full", execution=execution)
    assert not file.exists()
    return {f"resumed/6/{name}": tensor.numpy() for name, tensor in result.change.tensors.items()}


def results(folder):
    """By name, what the job makes; and how many sequences this process trained on."""
    model, seen = model_of("mistral"), Seen()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    found = {}
    for name in TRAININGS:
        found |= trained(model, name)
    sequences = seen.sequences
    found |= resumed(model, folder)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    return found | measured(model), sequences


def together(folder):
    """What each of two processes made, by name."""
    here = Path(__file__).resolve()
    paths = [str(here.parent), str(here.parent.parent), os.environ.get("PYTHONPATH", "")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(paths))
        start([str(here), str(folder)], 2, Path(folder))
    return [dict(np.load(Path(folder) / f"{place}.npz")) for place in range(2)]


def difference(found, expected, name, other=None):
    """The largest difference of two results of a name, relative to the largest number of the second."""
    keys = [key for key in expected if key.split("/")[0] == (other or name)]
    pairs = [(found[key.replace(other, name, 1) if other else key], expected[key]) for key in keys]
    return max(np.abs(one - two).max() / max(np.abs(two).max(), 1e-30) for one, two in pairs)


def table():
    """Print how far passes, checkpointing and two processes are from one process with whole batches."""
    with tempfile.TemporaryDirectory() as folder:
        alone, _ = results(Path(folder))
        both = together(folder)[0]
    print("| what | against one pass | against one process |\n|---|---|---|")
    for name in (*TRAININGS, "resumed", "attribution", "representations", "evaluation"):
        whole = name.removesuffix(" in passes").removesuffix(" checkpointed")
        passes = f"{difference(alone, alone, name, whole):.1e}" if whole != name else "-"
        print(f"| {name} | {passes} | {difference(both, alone, name):.1e} |")


def main():
    """Do the job as one of the processes, or print the table."""
    torch.set_num_threads(1)
    if len(sys.argv) < 2:
        table()
        return
    folder = Path(sys.argv[1])
    # accelerate collects garbage after each training, and walks through all that was imported.
    gc.freeze()
    processes.join(cpu=True)
    made, sequences = results(folder)
    np.savez(folder / f"{processes.place()}.npz", sequences=sequences, **made)
    processes.leave()


if __name__ == "__main__":
    main()
