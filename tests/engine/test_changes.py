"""Fine-tunings kept as what they change of a base: read as they were written, each made of the base alone."""

import pytest
import torch
from safetensors.torch import load_file
from small_checkpoint import ECHO, MOOD, lay_checkpoint, lay_task, small_model

from taskneurons.engine.changes import load_change, save_change, trained_tasks
from taskneurons.engine.execution import Execution, Schedule
from taskneurons.engine.training import TrainingLog
from taskneurons.engine.tune_changes import tune_changes
from taskneurons.engine.tuning import FullWeights, Lora, Tuned
from taskneurons.errors import InputError
from taskneurons.files import read_json, write_json


def test_full_weights_come_back_bit_for_bit_and_others_are_refused(tmp_path):
    model = small_model()
    tensors = {name: parameter.detach() + 1 for name, parameter in model.named_parameters()}
    save_change(tmp_path, Tuned(FullWeights(tensors), TrainingLog(((1, 0.5, 0.1),))), base="abc", tasks=["t"])
    read = load_change(tmp_path, model).values
    assert all(torch.equal(read.tensors[name], tensor) for name, tensor in tensors.items())
    assert read_json(tmp_path / "change.json") == {"base": "abc", "method": "full", "tasks": ["t"]}
    with pytest.raises(InputError, match="other parameters than the model"):
        load_change(tmp_path, torch.nn.Linear(2, 2))
    write_json(tmp_path / "change.json", {"base": "abc", "method": "full", "tasks": ["t"]})
    (tmp_path / "weights.safetensors").write_bytes(b"broken")
    with pytest.raises(InputError, match="not a readable safetensors file"):
        load_change(tmp_path, model)
    tensors[next(iter(tensors))][0] = float("nan")
    with pytest.raises(InputError, match="finite float32 weights"):
        save_change(tmp_path, Tuned(FullWeights(tensors), TrainingLog(())), base="abc", tasks=["t"])


@pytest.mark.parametrize("lora", [None, Lora(rank=2)], ids=["full", "lora"])
def test_every_tuning_begins_at_the_base_whatever_was_tuned_before(tmp_path, lora):
    lay_checkpoint(tmp_path / "base")
    tasks = {name: lay_task(tmp_path / name, task, test=4) for name, task in (("mood", MOOD), ("echo", ECHO))}
    schedule = Schedule(steps=2, batch_size=4, learning_rate=0.05)
    together = {tmp_path / "together" / "mood": ["mood"], tmp_path / "together" / "both": ["mood", "echo"]}
    tune_changes(tmp_path / "base", tasks, together, schedule, Execution(), lora=lora)
    alone = {tmp_path / "alone" / "both": ["mood", "echo"]}
    tune_changes(tmp_path / "base", tasks, alone, schedule, Execution(), lora=lora)
    (file,) = (tmp_path / "alone" / "both").glob("*.safetensors")
    one, other = load_file(file), load_file(tmp_path / "together" / "both" / file.name)
    assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
    assert trained_tasks(tmp_path / "together" / "mood") == {"mood"}
    assert trained_tasks(tmp_path / "alone" / "both") == {"mood", "echo"}
