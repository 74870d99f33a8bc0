"""An adapter merged into its base: it computes what the base under the adapter does, and has neurons to be scored."""

import pytest
import torch
from peft import PeftModel
from small_checkpoint import ECHO, MOOD, TOKENIZER, lay_checkpoint, lay_task, small_model

from taskneurons.engine.execution import Execution, Schedule
from taskneurons.engine.layers_study import tune_generalists
from taskneurons.engine.merging import merge_adapter
from taskneurons.engine.tuning import Lora
from taskneurons.errors import InputError
from taskneurons.evidence.layers_joint import experimental_sets
from taskneurons.files import read_json
from taskneurons.models.load import load_checkpoint
from taskneurons.neurons.sets import save_sets
from taskneurons.studies.neurons.measure import attribute_tasks

LORA = Lora(rank=2, alpha=4.0)
# Steps so large that the adapter is not lost in rounding.
SCHEDULE = Schedule(steps=3, batch_size=4, learning_rate=0.05)


def tuned(folder, lora):
    """The folder of an experimental model of two tasks, tuned from `folder/base`."""
    tasks = {name: lay_task(folder / "data" / name, task, test=8) for name, task in (("mood", MOOD), ("echo", ECHO))}
    outs = {"experimental": folder / ("lora" if lora else "full")}
    held_out = {"families": 1, "tasks": 0, "seed": 0}
    execution = Execution(resume=folder / "resume")
    tune_generalists(folder / "base", tasks, outs, SCHEDULE, execution, held_out=held_out, lora=lora)
    return outs["experimental"]


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


def test_its_neurons_are_those_of_the_experimental_model(merged, tmp_path):
    """The joint study takes sets of the merged checkpoint, and refuses those of the base."""
    folder, _, digest = merged
    for place, refused in (("out", False), ("base", True)):
        (scores,) = attribute_tasks(
            folder / place, [folder / "data" / "mood"], Execution(), estimators=["taylor"], examples=4, batch_size=2
        )
        save_sets(
            tmp_path / "mood.safetensors", {"task": scores.top(25, within="layer")}, {"model": scores.model_digest}
        )
        found = {"mood": tmp_path / "mood.safetensors"}
        if refused:
            with pytest.raises(InputError, match=f"the experimental model is {digest[:12]}"):
                experimental_sets(found, folder / "out" / "checkpoint.json")
        else:
            sets, reason = experimental_sets(found, folder / "out" / "checkpoint.json")
            assert len(sets["mood"]) == 16 and not reason


def test_another_base_and_full_weights_are_refused(merged, tmp_path):
    folder, change, _ = merged
    lay_checkpoint(tmp_path / "other", small_model(seed=1))
    with pytest.raises(InputError, match="does not fit the model"):
        merge_adapter(tmp_path / "other", change, tmp_path / "out", Execution(), name="x")
    with pytest.raises(InputError, match="not a LoRA adapter"):
        merge_adapter(folder / "base", tuned(folder, None), tmp_path / "out", Execution(), name="x")
    assert not (tmp_path / "out").exists()
