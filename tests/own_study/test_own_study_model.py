"""The model of a new study is looked at, pinned, or refused in one sentence."""

import re
import shutil
from types import SimpleNamespace

import huggingface_hub
import pytest
from gguf_files import write_gguf
from huggingface_hub import HfApi
from huggingface_hub.errors import (
    GatedRepoError,
    HTTPError,
    NotASafetensorsRepoError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    SafetensorsParsingError,
)
from transformers import AutoModelForCausalLM

from taskneurons.errors import InputError
from taskneurons.models.looking import look_at_gguf
from taskneurons.own_study.model import find_model


def test_parameters_and_positions_of_a_gguf_file_are_those_of_its_model(tmp_path):
    file = tmp_path / "tiny.gguf"
    write_gguf(file)
    look = look_at_gguf(file)
    model = AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file=file.name)
    assert look.parameters == model.num_parameters()
    assert look.positions == model.config.max_position_embeddings


def test_a_model_of_the_hub_is_pinned_to_its_commit_and_its_weights_are_not_fetched(small, monkeypatch):
    asked = {}

    def fetched(repository, **options):
        asked.update(options)
        return str(small / "small")

    monkeypatch.setattr(HfApi, "model_info", lambda *_, revision: SimpleNamespace(sha="a" * 40))
    monkeypatch.setattr(
        HfApi, "get_safetensors_metadata", lambda *_, **__: SimpleNamespace(parameter_count={"F32": 7, "BF16": 2})
    )
    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetched)
    found = find_model("someone/Tiny-1.5b")
    assert dict(found.entry) == {"source": "hub", "repository": "someone/Tiny-1.5b", "revision": "a" * 40}
    assert (found.name, found.look.parameters, found.link) == ("tiny_1_5b", 9, None)
    assert asked["revision"] == "a" * 40 and "*.safetensors" in asked["ignore_patterns"]


def test_a_pointer_that_nobody_reads_is_left_alone(small, tmp_path):
    shutil.copytree(small / "small", tmp_path / "small")
    (tmp_path / "small/pytorch_model.bin").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:aa\n")
    assert find_model(str(tmp_path / "small")).look.parameters > 0


def test_a_hub_that_cannot_be_asked_is_one_sentence(monkeypatch):
    def offline(*_, **__):
        raise OfflineModeIsEnabled("no network")

    monkeypatch.setattr(HfApi, "model_info", offline)
    with pytest.raises(InputError) as caught:
        find_model("someone/tiny")
    said = "the hub cannot be reached (OfflineModeIsEnabled). Run this where there is a network, or fetch the model"
    assert str(caught.value) == f"someone/tiny, which is no folder here: {said} and name its folder"


def test_an_unreachable_hub_and_a_private_model_are_one_sentence(monkeypatch):
    def refused(error):
        def ask(*_, **__):
            raise error

        monkeypatch.setattr(HfApi, "model_info", ask)
        with pytest.raises(InputError) as caught:
            find_model("someone/tiny")
        assert "\n" not in str(caught.value)
        return str(caught.value)

    answer = SimpleNamespace(headers={}, request=None)
    assert "no such repository" in refused(RepositoryNotFoundError("x\ny", response=answer))
    assert "put your token in the environment variable HF_TOKEN" in refused(GatedRepoError("x\ny", response=answer))
    assert "cannot be reached (HTTPError)" in refused(HTTPError("x\ny"))


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (["config.json", "pytorch_model.bin"], "the weights are pickles (pytorch_model.bin), which are never read"),
        (["adapter_config.json", "adapter_model.safetensors"], "holds an adapter (adapter_config.json) and no model"),
        (["config.json"], "the folder has no model.safetensors"),
    ],
)
def test_a_repository_without_safetensors_is_refused_as_a_folder_is(files, said, small, monkeypatch):
    def not_there(*_, **__):
        raise NotASafetensorsRepoError("none")

    siblings = [SimpleNamespace(rfilename=name) for name in files]
    monkeypatch.setattr(HfApi, "model_info", lambda *_, **__: SimpleNamespace(sha="a" * 40, siblings=siblings))
    monkeypatch.setattr(HfApi, "get_safetensors_metadata", not_there)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *_, **__: str(small / "small"))
    with pytest.raises(InputError, match=re.escape(said)) as caught:
        find_model("someone/tiny")
    assert str(caught.value).startswith("someone/tiny, which is no folder here: ")


def test_a_damaged_file_of_a_repository_is_one_sentence(small, monkeypatch):
    def damaged(*_, **__):
        raise SafetensorsParsingError("bad\nheader")

    monkeypatch.setattr(HfApi, "model_info", lambda *_, **__: SimpleNamespace(sha="a" * 40))
    monkeypatch.setattr(HfApi, "get_safetensors_metadata", damaged)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *_, **__: str(small / "small"))
    with pytest.raises(
        InputError, match=r"^someone/tiny, which is no folder here: its safetensors files cannot be read$"
    ):
        find_model("someone/tiny")
