"""An adapter merged into its base: it computes what the base under the adapter does."""

import pytest
import torch
from peft import PeftModel
from small_checkpoint import ECHO, MOOD, TOKENIZER, lay_checkpoint, lay_task, small_model

from taskneurons.engine.execution import Execution, Schedule
from taskneurons.engine.merging import merge_adapter
from taskneurons.engine.tune_changes import tune_changes
from taskneurons.engine.tuning import Lora
from taskneurons.errors import InputError
from taskneurons.files import read_json
from taskneurons.models.load import load_checkpoint

LORA = Lora(rank=2, alpha=4.0)
# Steps so large that the adapter is not lost in rounding.
SCHEDULE = Schedule(steps=3, batch_size=4, learning_rate=0.05)


def tuned(folder, lora):
    """The folder of an experimental model of two tasks, tuned from `folder/base`."""
    tasks = {name: lay_task(folder / "data" / name, task, test=8) for name, task in (("mood", MOOD), ("echo", ECHO))}
    change = folder / ("lora" if lora else "full")
    tune_changes(folder / "base", tasks, {change: list(tasks)}, SCHEDULE, Execution(), lora=lora)
    return change


@pytest.fixture(scope="module")
def merged(tmp_path_factory):
    folder = tmp_path_factory.mktemp("merged")
    lay_checkpoint(folder / "base")
    change = tuned(folder, LORA)
    digest = merge_adapter(folder / "base", change, folder / "out", Execution(), name="small-experimental")
    return folder, change, digest


def logits(model):
    ids = torch.tensor([TOKENIZER("<bos> red blue", add_special_tokens=False)["input_ids"]])
    with torch.inference_mode():
        return model(ids).logits


def test_the_merged_model_computes_what_peft_computes_with_the_adapter(merged):
    folder, change, _ = merged
    base = load_checkpoint(folder / "base").model
    plain = logits(base)
    expected = logits(PeftModel.from_pretrained(base, str(change)))
    found = logits(load_checkpoint(folder / "out").model)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert (found - plain).abs().max() > 1e-2


def test_the_checkpoint_names_its_base_and_holds_nothing_of_peft(merged):
    folder, _, digest = merged
    facts = read_json(folder / "out" / "checkpoint.json")
    assert facts["parent"] == read_json(folder / "base" / "checkpoint.json")["digest"]
    assert facts["digest"] == digest != facts["parent"]
    assert "2 tasks" in " ".join(facts["remarks"])
    assert sorted(path.name for path in (folder / "out").iterdir()) == [
        "checkpoint.json", "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json",
    ]  # fmt: skip


def test_another_base_and_full_weights_are_refused(merged, tmp_path):
    folder, change, _ = merged
    lay_checkpoint(tmp_path / "other", small_model(seed=1))
    with pytest.raises(InputError, match="does not fit the model"):
        merge_adapter(tmp_path / "other", change, tmp_path / "out", Execution(), name="x")
    with pytest.raises(InputError, match="not a LoRA adapter"):
        merge_adapter(folder / "base", tuned(folder, None), tmp_path / "out", Execution(), name="x")
    assert not (tmp_path / "out").exists()
