"""Models as they are published: GGUF files against gguf and transformers, and what is refused by one sentence."""

import json
import sys

import pytest
import torch
from architectures import randomise
from gguf_files import CHAT, CONTEXT, LAYERS, vocabulary, write_gguf
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoModelForImageTextToText, Gemma3Config

from taskneurons.errors import InputError
from taskneurons.files import sha256
from taskneurons.models import importing
from taskneurons.models.encoding import encode
from taskneurons.models.importing import import_folder, import_gguf, packaged
from taskneurons.models.load import load_checkpoint
from taskneurons.models.looking import look_at_folder
from taskneurons.models.scratch import Shape, Vocabulary, new_model
from taskneurons.models.tokenizers import train_word_tokenizer
from taskneurons.tasks.task import Example

TOKENIZER = train_word_tokenizer(["a cat sees a dog ."])
NAMES = {"ffn_gate": "gate_proj", "ffn_up": "up_proj", "ffn_down": "down_proj"}


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    write_gguf(path)
    return path


def imported(file, out, **settings):
    chosen = {"name": "tiny", "context": CONTEXT, "dtype": "float32", "prompts": "plain", **settings}
    return import_gguf(file, chosen.pop("digest", None) or sha256(file), out, **chosen)


def refused(file, out, **settings) -> str:
    with pytest.raises(InputError) as caught:
        imported(file, out, **settings)
    assert "\n" not in str(caught.value) and not out.exists()
    return str(caught.value)


def test_a_quantised_file_becomes_the_numbers_that_its_codes_stand_for(file, tmp_path):
    numbers = write_gguf(tmp_path / "again.gguf")
    imported(file, tmp_path / "out")
    found = load_file(tmp_path / "out" / "model.safetensors")
    assert len(numbers) == 3 * LAYERS
    for name, values in numbers.items():
        _, layer, place, _ = name.split(".")
        kept = found[f"model.layers.{layer}.mlp.{NAMES[place]}.weight"]
        assert torch.equal(kept, torch.from_numpy(values)), name


def test_an_imported_file_says_what_transformers_reads_in_it(file, tmp_path):
    imported(file, tmp_path / "out")
    checkpoint = load_checkpoint(tmp_path / "out")
    assert (checkpoint.architecture, checkpoint.name, checkpoint.context) == ("llama", "tiny", CONTEXT)
    ids = torch.tensor([checkpoint.tokenizer("red sun good")["input_ids"]])
    read = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32)
    with torch.no_grad():
        assert torch.allclose(checkpoint.model(ids).logits, read(ids).logits, atol=1e-5)
    text = "Which mood ? red sun"
    assert checkpoint.tokenizer(text, add_special_tokens=False)["input_ids"] == vocabulary()(
        text, add_special_tokens=False
    )["input_ids"]  # fmt: skip


def test_the_weights_have_the_type_that_is_asked_for(file, tmp_path):
    imported(file, tmp_path / "out", dtype="bfloat16")
    assert {tensor.dtype for tensor in load_file(tmp_path / "out" / "model.safetensors").values()} == {torch.bfloat16}


def test_a_chat_of_a_file_is_the_chat_of_its_template(file, tmp_path):
    imported(file, tmp_path / "out", prompts="chat")
    tokenizer = load_checkpoint(tmp_path / "out").tokenizer
    assert tokenizer.chat_template == CHAT
    (encoded,) = encode([Example("1", "Which mood ? {input}", "red sun", "good")], tokenizer, CONTEXT)
    shown = tokenizer.decode([*encoded.prompt, *encoded.target])
    assert shown == "<turn>user\nWhich mood ? red sun</turn>\n<turn>assistant\ngood</turn>"
    assert tokenizer.eos_token == "</turn>"
    remarks = json.loads((tmp_path / "out" / "checkpoint.json").read_text())["remarks"]
    assert "The chat template ends an answer with </turn>, which is the eos token here." in remarks


@pytest.mark.parametrize("bos", [True, False])
@pytest.mark.parametrize("unknown", [None, "<|endoftext|>"])
def test_a_file_says_whether_prompts_begin_with_bos(bos, unknown, tmp_path):
    """With or without the token that transformers adds to a file that lacks it."""
    write_gguf(tmp_path / "tiny.gguf", bos=bos, unknown=unknown)
    imported(tmp_path / "tiny.gguf", tmp_path / "out")
    tokenizer = load_checkpoint(tmp_path / "out").tokenizer
    (encoded,) = encode([Example("1", "Which mood ? {input}", "red <bos>", "good")], tokenizer, CONTEXT)
    assert [place for place, token in enumerate(encoded.prompt) if token == tokenizer.bos_token_id] == [0] * bos
    assert tokenizer.decode(encoded.prompt[bos:]) == "Which mood ? red <bos>"
    assert len(tokenizer) == len(vocabulary(unknown))


def test_a_file_that_cannot_be_used_is_refused_by_one_sentence(file, tmp_path):
    out = tmp_path / "out"
    digest = sha256(file)
    other = "0" * 64
    said = f"{file}: the SHA-256 is {digest}, the parameters say {other}. Write the right one, or fetch the file again"
    assert refused(file, out, digest=other) == said
    assert refused(file.parent / "absent.gguf", out, digest=digest) == f"{file.parent}/absent.gguf: no such file"
    text = tmp_path / "text.gguf"
    text.write_text("version https://git-lfs.github.com/spec/v1")
    assert f"{text}: not a GGUF file" in refused(text, out)
    long = f"{file}: a context of {CONTEXT + 1} tokens is asked for, the model has {CONTEXT} positions"
    assert refused(file, out, context=CONTEXT + 1).startswith(long)


@pytest.mark.parametrize("share", [0.001, 0.01, 0.1, 0.5, 0.99])
def test_a_file_that_is_cut_is_said_to_be_no_whole_one(share, file, tmp_path):
    content = file.read_bytes()
    part = tmp_path / "part.gguf"
    part.write_bytes(content[: int(share * len(content))])
    assert refused(part, tmp_path / "out") == (
        f"{part}: not a whole GGUF file. It is truncated or damaged: fetch it again"
    )


@pytest.mark.parametrize("architecture", ["mamba", "no_such_thing"])
def test_a_file_of_another_architecture_is_refused_with_those_that_are_known(architecture, tmp_path):
    file = tmp_path / "other.gguf"
    write_gguf(file, architecture=architecture)
    said = refused(file, tmp_path / "out")
    assert said.startswith(f"{file}: ") and architecture in said and "Supported: llama, mistral" in said


def test_a_file_without_a_template_has_no_chats_which_is_said_before_its_weights_are_read(tmp_path, monkeypatch):
    write_gguf(tmp_path / "base.gguf", chat=False)
    monkeypatch.setattr(importing, "_dequantised", lambda *_: pytest.fail("the weights were read"))
    said = refused(tmp_path / "base.gguf", tmp_path / "out", prompts="chat")
    assert "the tokenizer has no chat template. Write `prompts: plain`" in said


def test_a_file_inside_a_package_is_found_without_its_code(tmp_path, monkeypatch):
    (tmp_path / "weights_of_mine").mkdir()
    (tmp_path / "weights_of_mine" / "__init__.py").write_text("raise SystemExit('code of a package ran')")
    monkeypatch.syspath_prepend(tmp_path)
    assert packaged("weights_of_mine", "model.gguf") == tmp_path / "weights_of_mine" / "model.gguf"
    assert "weights_of_mine" not in sys.modules
    with pytest.raises(InputError, match=r"^model\.gguf: '__main__' is no package$"):
        packaged("__main__", "model.gguf")
    with pytest.raises(InputError, match=r"'no_package_of_mine' is not installed\. .*--no-deps no-package-of-mine"):
        packaged("no_package_of_mine", "model.gguf")


@pytest.fixture
def foreign(tmp_path):
    """A folder as transformers writes it."""
    shape = Shape(hidden_size=8, layers=1, heads=2, ffn_size=16, context=16)
    new_model("llama", shape, Vocabulary.of(TOKENIZER), seed=0).save_pretrained(tmp_path / "foreign")
    TOKENIZER.save_pretrained(tmp_path / "foreign")
    return tmp_path / "foreign"


def edit(path, **changes):
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "falcon"}, "the FFN neurons of architecture 'falcon' are not known. Supported: llama"),
        ({"quantization_config": {"quant_method": "gptq"}}, "the model is quantised (gptq), and its neurons have no"),
    ],
)
def test_a_folder_that_no_study_can_read_is_refused_before_its_weights(foreign, tmp_path, changes, message):
    edit(foreign / "config.json", **changes)
    (foreign / "model.safetensors").unlink()
    with pytest.raises(InputError) as caught:
        import_folder(foreign, tmp_path / "out", name="x", context=16)
    assert str(caught.value).startswith(f"{foreign}/config.json: {message}")


def test_of_a_model_that_reads_images_the_language_model_is_kept(tmp_path):
    text = {"num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 8}
    config = Gemma3Config(
        text_config={**text, "hidden_size": 16, "intermediate_size": 24, "vocab_size": 16, "pad_token_id": 0},
        vision_config={"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
        | {"image_size": 28, "patch_size": 14},
        mm_tokens_per_image=4,
    )
    whole = AutoModelForImageTextToText.from_config(config)
    randomise(whole, 0)
    whole.eval().save_pretrained(tmp_path / "foreign")
    TOKENIZER.save_pretrained(tmp_path / "foreign")
    import_folder(tmp_path / "foreign", tmp_path / "out", name="x", context=16)
    found = load_checkpoint(tmp_path / "out")
    assert found.architecture == "gemma3_text"
    ids = torch.tensor([[1, 5, 6, 7, 8]])
    with torch.no_grad():
        assert torch.equal(found.model(ids).logits, whole(input_ids=ids).logits)
    parameters = sum(one.numel() for one in found.model.parameters())
    look = look_at_folder(tmp_path / "foreign")
    assert (look.architecture, look.parameters) == ("gemma3", parameters)
    assert look.positions == config.text_config.max_position_embeddings


def test_an_index_that_names_no_files_is_one_sentence(foreign, tmp_path):
    (foreign / "model.safetensors").unlink()
    (foreign / "model.safetensors.index.json").write_text('{"weight_map": {"a": 1}}')
    with pytest.raises(InputError, match=r"index\.json: no weight_map of the names of files"):
        import_folder(foreign, tmp_path / "out", name="x", context=16)


def test_quantisation_that_is_null_is_none(foreign):
    edit(foreign / "config.json", quantization_config=None)
    assert look_at_folder(foreign).architecture == "llama"


def test_a_folder_with_an_adapter_alone_is_refused_by_that_name(foreign, tmp_path):
    (foreign / "model.safetensors").rename(foreign / "adapter_model.safetensors")
    (foreign / "adapter_config.json").write_text("{}")
    with pytest.raises(InputError, match=r"holds an adapter \(adapter_config\.json\) and no model\. Merge it"):
        import_folder(foreign, tmp_path / "out", name="x", context=16)


def test_a_model_with_an_adapter_beside_it_is_refused(foreign, tmp_path):
    """transformers would load what the adapter names as its base, from wherever that is."""
    (foreign / "adapter_config.json").write_text('{"base_model_name_or_path": "someone/else"}')
    with pytest.raises(InputError, match=r"a model and an adapter \(adapter_config\.json\), and which of both"):
        import_folder(foreign, tmp_path / "out", name="x", context=16)


def test_codes_without_scales_are_no_weights(foreign, tmp_path):
    tensors = load_file(foreign / "model.safetensors")
    name = "model.layers.0.mlp.up_proj.weight"
    save_file({**tensors, name: tensors[name].to(torch.int8)}, foreign / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match=rf"codes of a quantised model \({name} is I8\)"):
        import_folder(foreign, tmp_path / "out", name="x", context=16)


def test_what_a_model_computes_anew_does_not_widen_its_weights(foreign, tmp_path):
    """Old shards hold the frequencies of rotary positions in float32 beside weights of bfloat16."""
    tensors = {name: tensor.bfloat16() for name, tensor in load_file(foreign / "model.safetensors").items()}
    frequencies = {"model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(2)}
    save_file(tensors | frequencies, foreign / "model.safetensors", {"format": "pt"})
    import_folder(foreign, tmp_path / "out", name="x", context=16)
    assert {one.dtype for one in load_file(tmp_path / "out" / "model.safetensors").values()} == {torch.bfloat16}
