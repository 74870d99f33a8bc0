"""What tests ask of two processes that do a job together: torchrun runs this file, pytest calls `results` alone.

`python several_processes.py` prints the table of docs/scale.md.
"""

import gc
import itertools
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
import warm
from architectures import PAD, checkpoint
from patches import BASE, some_neurons
from test_tuning import examples, model_of, run
from torch.distributed.tensor import DTensor

from taskneurons import processes
from taskneurons.engine import training
from taskneurons.engine.attribution import attribute
from taskneurons.engine.batches import MixedTasks
from taskneurons.engine.deactivation import deactivated
from taskneurons.engine.evaluation import evaluate_examples, prepare
from taskneurons.engine.execution import Execution
from taskneurons.engine.representations import representations
from taskneurons.engine.signed_attribution import attribute_signed
from taskneurons.errors import InputError
from taskneurons.files import read_json
from taskneurons.models.encoding import Encoded
from taskneurons.models.sharing import share_out
from taskneurons.neurons.patches import NeuronPatch
from taskneurons.workflow.together import JOB, said, start_until_it_fits

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


class Held:
    """Bytes of weights that move, of their gradients and moments that this process holds when an optimizer steps."""

    def __init__(self) -> None:
        self.bytes = 0

    def __enter__(self):
        self._step = torch.optim.AdamW.step
        held = self

        def step(optimizer, *args, **kwargs):
            result = held._step(optimizer, *args, **kwargs)
            moved = [parameter for group in optimizer.param_groups for parameter in group["params"]]
            moments = [optimizer.state[one][name] for one in moved for name in ("exp_avg", "exp_avg_sq")]
            tensors = [*moved, *(one.grad for one in moved), *moments]
            parts = [one.to_local() if isinstance(one, DTensor) else one for one in tensors]
            held.bytes = sum(part.nbytes for part in parts)
            return result

        torch.optim.AdamW.step = step
        return self

    def __exit__(self, *_) -> None:
        torch.optim.AdamW.step = self._step


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


def on_and_off(model):
    """The same twice, once without some neurons."""
    found = measured(model)
    with deactivated(model, some_neurons(model)):
        return found | {f"off {name}": values for name, values in measured(model).items()}


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


def halved(model, file, micro_batch_size):
    """A training of all weights in which the second process has no room for two examples, once three steps are done."""
    original, passes = training._Gradients._pass, itertools.count(1)

    def with_little_room(gradients, batch):
        if processes.place() == 1 and len(batch) > 1 and next(passes) > 3:
            raise torch.OutOfMemoryError("made up")
        return original(gradients, batch)

    training._Gradients._pass = with_little_room
    try:
        goes_on = file.exists()
        execution = Execution(resume=file, checkpoint_minutes=0, micro_batch_size=micro_batch_size)
        result = run(model, "full", execution=execution)
    finally:
        training._Gradients._pass = original
    found = {f"halved/6/{name}": tensor.numpy() for name, tensor in result.change.tensors.items()}
    return found | {"goes on": np.array(goes_on), "micro batch": np.array(micro_batch_size or 0)}


def results(folder, micro_batch_size=None):
    """By name, what the job makes; and how many sequences this process trained on."""
    model = model_of("mistral")
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    found = halved(model, folder / "halved.safetensors", micro_batch_size)
    seen = Seen()
    for name in TRAININGS:
        with Held() as held:
            found |= trained(model, name)
        found[f"held/{name}"] = np.array(held.bytes)
    found["parameters"] = np.array(model.num_parameters())
    sequences = seen.sequences
    found |= resumed(model, folder)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    return found | on_and_off(model), sequences


def together(folder):
    """What each of two processes made, by name."""
    here, job = Path(__file__).resolve(), Path(folder) / "job"
    description = {"resources": {"micro_batch_size": 0}}
    paths = [str(here.parent), str(here.parent.parent), os.environ.get("PYTHONPATH", "")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(paths))
        # One of the two is a new process, which has an order of sets of its own.
        python = Path(folder, "python")
        lines = f'[ $LOCAL_RANK = 0 ] && exec {sys.executable} "$@"', f'exec {warm.python_of_models()} "$@"'
        python.write_text("\n".join(["#!/bin/sh", *lines]))
        python.chmod(0o755)
        patch.setenv("PYTHON_EXEC", str(python))
        patch.setattr(sys, "executable", warm.python_of_models())
        start_until_it_fits([str(here), str(job)], description, 2, job)
    return [dict(np.load(job / f"{place}.npz")) for place in range(2)]


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
    for name in (*TRAININGS, "resumed", "halved", "attribution", "representations", "evaluation"):
        whole = name.removesuffix(" in passes").removesuffix(" checkpointed")
        passes = f"{difference(alone, alone, name, whole):.1e}" if whole != name else "-"
        print(f"| {name} | {passes} | {difference(both, alone, name):.1e} |")
    print("\n| what moves | bytes a parameter, alone | of two processes |\n|---|---|---|")
    for name in ("neurons", "lora", "full"):
        print(f"| {name} |" + "".join(f" {one[f'held/{name}'] / one['parameters']:.2f} |" for one in (alone, both)))


def of_shared_weights(model):
    """What all processes make together of a model of which each keeps a part; bytes of this part, and of all."""
    whole = sum(parameter.nbytes for parameter in model.parameters())
    with processes.in_step():
        share_out(model, torch.device("cpu"), processes.sharing_weights())
        assert [processes.number(), processes.place()] == [1, 0]
        # As a job that tests before it attributes.
        with torch.inference_mode():
            model(torch.tensor([[1, 5, 6]]))
        found = {f"shared {name}": values for name, values in on_and_off(model).items()}
        edits = deactivated(model, some_neurons(model), intervention="parameters")
        with pytest.raises(InputError, match="share_weights: this job edits weights"), edits:
            pass
    part = sum(parameter.to_local().nbytes for parameter in model.parameters())
    return found | {"shared bytes": np.array([part, whole])}


def main():
    """Do the job as one of the processes, or print the table."""
    torch.set_num_threads(1)
    if len(sys.argv) < 2:
        table()
        return
    folder = Path(sys.argv[1])
    # accelerate collects garbage after each training, and walks through all that was imported.
    gc.freeze()
    micro_batch_size = read_json(folder / JOB)["resources"]["micro_batch_size"]
    with said(folder):
        processes.join(cpu=True)
        made, sequences = results(folder.parent, micro_batch_size or None)
        made |= of_shared_weights(model_of("mistral"))
        np.savez(folder / f"{processes.place()}.npz", sequences=sequences, **made)
        processes.leave()


if __name__ == "__main__":
    main()
