"""Checkpoints on disk: what was written is read back, and what is damaged, foreign or dangerous is refused."""

import json
import struct
from fnmatch import fnmatch

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM

from taskneurons.errors import InputError
from taskneurons.files import sha256
from taskneurons.models.importing import import_folder
from taskneurons.models.load import load_checkpoint, save_checkpoint
from taskneurons.models.scratch import Shape, Vocabulary, new_model
from taskneurons.models.tokenizers import save_tokenizer, train_word_tokenizer

TOKENIZER = train_word_tokenizer(["a cat sees a dog ."])
FILES = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "checkpoint.json"}


def tiny(architecture="llama", seed=0):
    shape = Shape(hidden_size=8, layers=2, heads=2, ffn_size=32, context=16)
    return new_model(architecture, shape, Vocabulary.of(TOKENIZER), seed=seed)


@pytest.fixture(params=["llama", "bloom"])
def architecture(request):
    return request.param


@pytest.fixture
def folder(tmp_path):
    save_checkpoint(tmp_path / "model", tiny(), TOKENIZER, name="tiny", context=16, parent=None)
    return tmp_path / "model"


@pytest.fixture
def foreign(tmp_path):
    """A folder as transformers writes it, without checkpoint.json."""
    path = tmp_path / "foreign"
    tiny().save_pretrained(path)
    TOKENIZER.save_pretrained(path)
    return path


def edit_weights(folder, change):
    """Change the tensors; checkpoint.json then vouches for them, so that a later check than the digest must act."""
    path = folder / "model.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path, {"format": "pt"})
    vouch(folder)


def vouch(folder):
    facts = folder / "checkpoint.json"
    facts.write_text(json.dumps({**json.loads(facts.read_text()), "digest": sha256(folder / "model.safetensors")}))


def edit_json(path, **changes):
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def refused(folder, *, read=load_checkpoint):
    with pytest.raises(InputError) as caught:
        read(folder)
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def imported(folder):
    return import_folder(folder, folder.parent / "out", name="tiny", context=16)


def test_what_was_written_is_read_back(architecture, tmp_path):
    model = tiny(architecture)
    digest = save_checkpoint(tmp_path, model, TOKENIZER, name="tiny", context=16, parent="f" * 64)
    assert {file.name for file in tmp_path.iterdir()} == FILES
    facts = json.loads((tmp_path / "checkpoint.json").read_text())
    assert facts == {
        "architecture": architecture,
        "context": 16,
        "digest": sha256(tmp_path / "model.safetensors"),
        "name": "tiny",
        "parameters": sum(p.numel() for p in model.parameters()),
        "parent": "f" * 64,
    }
    checkpoint = load_checkpoint(tmp_path)
    assert (checkpoint.digest, checkpoint.context) == (digest, 16)
    assert (checkpoint.architecture, checkpoint.name) == (architecture, "tiny")
    assert not checkpoint.model.training
    assert not any(parameter.requires_grad for parameter in checkpoint.model.parameters())
    found = checkpoint.model.state_dict()
    assert all(torch.equal(tensor, found[name]) for name, tensor in model.state_dict().items())
    ids = checkpoint.tokenizer("a dog .", return_tensors="pt")["input_ids"]
    with torch.no_grad():
        assert torch.equal(checkpoint.model(ids).logits, model.eval()(ids).logits)
    assert load_checkpoint(tmp_path, dtype="bfloat16").model.dtype == torch.bfloat16


def test_equal_models_make_equal_bytes(architecture, tmp_path):
    for name in ("one", "two"):
        save_checkpoint(tmp_path / name, tiny(architecture), TOKENIZER, name="tiny", context=16, parent=None)
    for name in FILES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_saving_and_loading_are_quiet(folder, capfd):
    save_checkpoint(folder, tiny(), TOKENIZER, name="tiny", context=16, parent=None)
    load_checkpoint(folder)
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""


def test_a_checkpoint_is_replaced_never_edited_in_place(folder):
    """Fault 10: truncating a file that another process has mapped would kill that process."""
    loaded = load_checkpoint(folder).model
    before = {name: tensor.clone() for name, tensor in loaded.state_dict().items()}
    old = (folder / "model.safetensors").open("rb")
    size = (folder / "model.safetensors").stat().st_size
    save_checkpoint(folder, tiny(seed=1), TOKENIZER, name="tiny", context=16, parent=None)
    with old:
        assert len(old.read()) == size, "the mapped file is still whole"
    assert all(torch.equal(tensor, before[name]) for name, tensor in loaded.state_dict().items())
    assert {file.name for file in folder.iterdir()} == FILES


def test_what_a_kill_leaves_while_weights_are_written_is_known_as_half_written(tmp_path, monkeypatch):
    """A fresh folder holds nothing that a reader asks for until the weights are whole."""
    model, seen = tiny(), []
    save = model.save_pretrained

    def watched(scratch, **settings):
        save(scratch, **settings)
        seen.extend(path.name for path in (tmp_path / "model").iterdir())

    monkeypatch.setattr(model, "save_pretrained", watched)
    save_checkpoint(tmp_path / "model", model, TOKENIZER, name="tiny", context=16, parent=None)
    assert len(seen) == 1 and fnmatch(seen[0], ".*.partial")
    assert {path.name for path in (tmp_path / "model").iterdir()} == FILES


@pytest.mark.parametrize("name", ["generation_config.json", "special_tokens_map.json", "chat_template.jinja", "notes"])
def test_a_file_that_no_checkpoint_of_ours_has_is_refused(folder, name):
    """transformers would read some of them, and the digest of the weights would not tell."""
    (folder / name).write_text('{"repetition_penalty": 9.0}')
    assert name in refused(folder)
    (folder / name).unlink()
    (folder / ".weights.abc.partial").mkdir()
    load_checkpoint(folder)


def test_an_absent_tensor_is_named(folder):
    edit_weights(folder, lambda tensors: tensors.pop("model.layers.1.mlp.up_proj.weight"))
    assert "1 missing tensors for a llama: model.layers.1.mlp.up_proj.weight" in refused(folder)


def test_an_absent_head_is_fine_only_if_it_is_tied(tmp_path, folder):
    save_checkpoint(tmp_path / "tied", tiny("bloom"), TOKENIZER, name="tied", context=16, parent=None)
    assert "lm_head.weight" not in load_file(tmp_path / "tied" / "model.safetensors")
    load_checkpoint(tmp_path / "tied")
    edit_weights(folder, lambda tensors: tensors.pop("lm_head.weight"))
    assert "lm_head.weight" in refused(folder)
    edit_weights(tmp_path / "tied", lambda tensors: tensors.pop("transformer.word_embeddings.weight"))
    assert "transformer.word_embeddings.weight" in refused(tmp_path / "tied")


def test_an_unexpected_tensor_is_named(folder):
    edit_weights(folder, lambda tensors: tensors.update({"model.layers.0.mlp.extra.weight": torch.zeros(2)}))
    assert "1 unexpected tensors for a llama: model.layers.0.mlp.extra.weight" in refused(folder)


def test_a_config_with_other_layers_than_the_weights(folder):
    edit_json(folder / "config.json", num_hidden_layers=1)
    assert "9 unexpected tensors" in refused(folder)


def test_a_tensor_of_another_shape_is_named_with_both_shapes(folder):
    name = "model.layers.0.mlp.gate_proj.weight"
    edit_weights(folder, lambda tensors: tensors.update({name: torch.zeros(31, 8)}))
    assert f"{name} is (31, 8), expected (32, 8)" in refused(folder)


def test_a_flipped_bit_is_refused(folder):
    path = folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-7] ^= 1
    path.write_bytes(content)
    assert "is not that of checkpoint.json" in refused(folder)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_not_finite_weights_are_named(folder, value, tmp_path):
    def spoil(tensors):
        tensors["model.layers.1.mlp.down_proj.weight"][3, 4] = value

    edit_weights(folder, spoil)
    assert "the tensor model.layers.1.mlp.down_proj.weight has NaN or infinite values" in refused(folder)
    model = tiny()
    with torch.no_grad():
        model.lm_head.weight[0, 0] = value
    with pytest.raises(InputError, match=r"lm_head\.weight"):
        save_checkpoint(tmp_path / "new", model, TOKENIZER, name="tiny", context=16, parent=None)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-100],
        lambda content: content[:50],
        lambda content: content[:4],
        lambda content: b"",
        lambda content: struct.pack("<Q", 2**62) + content[8:],
        lambda content: struct.pack("<Q", 90_000_000) + content[8:],
        lambda content: content[:8] + b"!" + content[9:],
        lambda content: b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
    ],
    ids=["payload", "header", "length", "empty", "huge header", "large header", "not JSON", "LFS pointer"],
)
def test_a_damaged_file_is_refused_with_its_path(folder, foreign, damage):
    for place, read in ((folder, load_checkpoint), (foreign, imported)):
        path = place / "model.safetensors"
        path.write_bytes(damage(path.read_bytes()))
        if place is folder:
            vouch(folder)
        message = refused(place, read=read)
        assert str(path) in message
        assert "not a whole safetensors file" in message


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "model.safetensors"])
@pytest.mark.parametrize("protocol", ["zip", "old"])
def test_pickles_are_never_read(foreign, folder, name, protocol, tmp_path):
    class Trap:
        def __reduce__(self):
            return (exec, (f"open({str(tmp_path / 'sprung')!r}, 'w')",))

    for place, read in ((folder, load_checkpoint), (foreign, imported)):
        (place / "model.safetensors").unlink()
        torch.save({"weight": Trap()}, place / name, _use_new_zipfile_serialization=protocol == "zip")
        message = refused(place, read=read)
        assert "pickle" in message or "no such file" in message
        assert not (tmp_path / "sprung").exists()
    assert "pickle" in message


def test_an_unused_pickle_beside_safetensors_is_no_obstacle(foreign):
    (foreign / "pytorch_model.bin").write_bytes(b"\x80\x02.")
    imported(foreign)


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
def test_remote_code_is_never_run(foreign, folder, file, tmp_path):
    for place, read in ((folder, load_checkpoint), (foreign, imported)):
        edit_json(place / file, auto_map={"AutoModelForCausalLM": "code.Model", "AutoTokenizer": ["code.T", None]})
        (place / "code.py").write_text(f"open({str(tmp_path / 'sprung')!r}, 'w')")
        message = refused(place, read=read)
        assert f"{place / file}: the model needs code of its own (auto_map), which is never run" in message
        assert not (tmp_path / "sprung").exists()


def test_an_absent_tokenizer_is_refused(foreign, folder):
    for place, read in ((folder, load_checkpoint), (foreign, imported)):
        (place / "tokenizer.json").unlink()
        assert "the folder has no tokenizer" in refused(place, read=read)


def test_the_tokenizer_of_another_model_is_refused(tmp_path, folder):
    save_tokenizer(folder, train_word_tokenizer([" ".join(f"word{n}" for n in range(50))]))
    assert "ids up to 53, the model's embedding has 9 rows" in refused(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not JSON"),
        ("[]", "an object was expected"),
        ('{"model_type": "no-such-model"}', "the model cannot be read"),
        ('{"model_type": "vit"}', "'vit' is not a causal language model"),
    ],
)
def test_a_config_that_is_none_is_refused(folder, content, message):
    (folder / "config.json").write_text(content)
    assert message in refused(folder)


def test_an_absent_or_damaged_checkpoint_json_is_refused(folder, foreign):
    assert "Import a model folder" in refused(foreign)
    edit_json(folder / "checkpoint.json", context="16")
    assert "'context' is absent or not of type int" in refused(folder)


def test_any_hugging_face_folder_is_imported(foreign, tmp_path):
    digest = imported(foreign)
    out = tmp_path / "out"
    assert {file.name for file in out.iterdir()} == FILES
    checkpoint = load_checkpoint(out)
    assert checkpoint.digest == digest
    original = load_file(foreign / "model.safetensors")
    assert all(torch.equal(original[name], tensor) for name, tensor in load_file(out / "model.safetensors").items())


def test_shards_become_one_file(tmp_path, foreign):
    shards = tmp_path / "shards"
    tiny().save_pretrained(shards, max_shard_size="2KB")
    TOKENIZER.save_pretrained(shards)
    parts = sorted(shards.glob("*-of-*.safetensors"))
    assert len(parts) > 2
    imported(shards)
    original, found = (load_file(path / "model.safetensors") for path in (foreign, tmp_path / "out"))
    assert set(original) == set(found)
    assert all(torch.equal(original[name], found[name]) for name in original)
    parts[1].write_bytes(parts[1].read_bytes()[:-10])
    assert str(parts[1]) in refused(shards, read=imported)
    parts[1].unlink()
    assert f"{parts[1]}: no such file" in refused(shards, read=imported)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
def test_an_import_keeps_the_dtype(foreign, tmp_path, dtype):
    tiny().to(getattr(torch, dtype)).save_pretrained(foreign)
    # A configuration may say otherwise; the weights decide, so that none is rounded.
    edit_json(foreign / "config.json", dtype="float16")
    imported(foreign)
    assert load_file(tmp_path / "out" / "model.safetensors")["lm_head.weight"].dtype == getattr(torch, dtype)


def test_a_tokenizer_without_pad_gets_eos_and_says_so(foreign, tmp_path, caplog):
    edit_json(foreign / "tokenizer_config.json", pad_token=None)
    imported(foreign)
    facts = json.loads((tmp_path / "out" / "checkpoint.json").read_text())
    assert facts["remarks"] == ["The tokenizer had no pad token: eos (<eos>) pads."]
    assert facts["remarks"][0] in caplog.text
    tokenizer = load_checkpoint(tmp_path / "out").tokenizer
    assert tokenizer.pad_token_id == tokenizer.eos_token_id == 2


def test_a_tokenizer_without_eos_is_refused(foreign):
    edit_json(foreign / "tokenizer_config.json", eos_token=None)
    assert "no eos token" in refused(foreign, read=imported)


def test_a_context_beyond_the_models_positions_is_refused(foreign, tmp_path):
    with pytest.raises(InputError, match="a context of 17 tokens is asked for, the model has 16 positions"):
        import_folder(foreign, tmp_path / "out", name="tiny", context=17)


def test_no_folder_and_no_weights_are_refused(tmp_path, foreign):
    assert "no such folder" in refused(tmp_path / "absent", read=imported)
    (foreign / "model.safetensors").unlink()
    assert "the folder has no model.safetensors" in refused(foreign, read=imported)


def test_the_library_itself_reads_our_folder(folder):
    assert AutoConfig.from_pretrained(folder).model_type == "llama"
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), tiny().parameters(), strict=True))
