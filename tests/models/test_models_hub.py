"""Imports from the hub: pinned, safetensors only, one clear line when it cannot be reached. The hub is a local one."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest
from huggingface_hub import constants

from taskneurons.errors import InputError
from taskneurons.models.importing import import_hub
from taskneurons.models.load import load_checkpoint
from taskneurons.models.scratch import Shape, Vocabulary, new_model
from taskneurons.models.tokenizers import train_word_tokenizer

REVISION = "0123456789abcdef0123456789abcdef01234567"
TOKEN = "hf_a_secret_that_no_message_may_show"


@pytest.fixture(autouse=True)
def no_other_hub(tmp_path, monkeypatch):
    """An empty cache, a closed port for a hub, and a token whose value nothing may show."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    # The client waits between its tries.
    monkeypatch.setattr(time, "sleep", lambda _: None)
    use_hub(monkeypatch, "http://127.0.0.1:9")


def use_hub(monkeypatch, endpoint):
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    address = endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address)


def fetch(tmp_path):
    return import_hub("maker/tiny", REVISION, tmp_path / "out", name="tiny", context=16)


def refused(tmp_path, caplog, capfd):
    with pytest.raises(InputError) as caught:
        fetch(tmp_path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("maker/tiny@0123456789ab: ")
    captured = capfd.readouterr()
    assert TOKEN not in message + caplog.text + captured.out + captured.err
    assert caught.value.__suppress_context__, "the long traceback of the client would be shown"
    return message


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A server with the three addresses of the hub that a download uses; `asked` and `status` are the test's."""
    files = tmp_path / "files"
    tokenizer = train_word_tokenizer(["a cat sees a dog ."])
    shape = Shape(hidden_size=8, layers=1, heads=2, ffn_size=16, context=16)
    new_model("llama", shape, Vocabulary.of(tokenizer), seed=0).save_pretrained(files)
    tokenizer.save_pretrained(files)
    for name in ("pytorch_model.bin", "code.py", "consolidated.safetensors"):
        (files / name).write_bytes(b"never fetched")

    class Hub(BaseHTTPRequestHandler):
        asked: ClassVar[list[str]] = []
        tokens: ClassVar[set[str]] = set()
        status: tuple[int, str] = (200, "")

        def answer(self, body, **headers):
            status, code = self.status
            body = body if status == 200 else b"{}"
            self.tokens.add(self.headers.get("Authorization", ""))
            self.send_response(status)
            if code:
                self.send_header("X-Error-Code", code)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def do_GET(self):
            path = self.path.split("?")[0]
            if path == f"/api/models/maker/tiny/tree/{REVISION}":
                listing = [
                    {"type": "file", "path": file.name, "size": file.stat().st_size, "oid": "0" * 40}
                    for file in sorted(files.iterdir())
                ]
                return self.answer(json.dumps(listing).encode())
            if not path.startswith(f"/maker/tiny/resolve/{REVISION}/"):
                return self.send_error(404)
            name = path.rsplit("/", 1)[1]
            self.asked.append(name)
            return self.answer((files / name).read_bytes(), ETag=f'"{name}"', X_Repo_Commit=REVISION)

        do_HEAD = do_GET

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    use_hub(monkeypatch, f"http://127.0.0.1:{server.server_port}")
    yield Hub
    server.shutdown()


def test_a_pinned_model_is_imported_without_pickles_or_code(hub, tmp_path, monkeypatch):
    fetch(tmp_path)
    assert load_checkpoint(tmp_path / "out").architecture == "llama"
    assert {"model.safetensors", "config.json", "tokenizer.json"} <= set(hub.asked)
    assert not {"pytorch_model.bin", "code.py", "consolidated.safetensors"} & set(hub.asked)
    assert f"Bearer {TOKEN}" in hub.tokens, "HF_TOKEN is what grants access"
    # Once fetched, the same import needs no network.
    use_hub(monkeypatch, "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    fetch(tmp_path)


def test_a_gated_model_names_the_licence_and_the_token_variable(hub, tmp_path, caplog, capfd):
    hub.status = (403, "GatedRepo")
    message = refused(tmp_path, caplog, capfd)
    assert "gated" in message
    assert "HF_TOKEN" in message


@pytest.mark.parametrize("code", ["RepoNotFound", "RevisionNotFound"])
def test_an_absent_repository_or_revision_says_so(hub, tmp_path, code, caplog, capfd):
    hub.status = (404, code)
    assert "no such repository or revision" in refused(tmp_path, caplog, capfd)


@pytest.mark.parametrize("offline", [True, False], ids=["offline", "unreachable"])
def test_an_unreachable_hub_gives_the_prefetch_command(tmp_path, monkeypatch, offline, caplog, capfd):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
    message = refused(tmp_path, caplog, capfd)
    assert "cannot be reached" in message
    assert f"hf download maker/tiny --revision {REVISION} --include '*.safetensors'" in message
    assert "HF_HUB_OFFLINE=1" in message


@pytest.mark.parametrize("revision", ["main", "", REVISION[:12], REVISION.upper(), REVISION + "\n"])
def test_only_a_full_commit_is_taken(tmp_path, revision):
    with pytest.raises(InputError, match="no full commit"):
        import_hub("maker/tiny", revision, tmp_path, name="tiny", context=16)
