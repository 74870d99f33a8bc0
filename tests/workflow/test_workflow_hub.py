"""Commits in place of `pin-me`, and what is fetched for nodes without internet. The hub is a local one."""

import json
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
import yaml
from huggingface_hub import constants

from taskneurons.errors import InputError
from taskneurons.models.importing import import_hub
from taskneurons.models.scratch import Shape, Vocabulary, new_model
from taskneurons.models.tokenizers import train_word_tokenizer
from taskneurons.params.loading import load_params
from taskneurons.workflow import hub as asked_of_hub
from taskneurons.workflow.hub import CONVERTED, current_commit, fetch, pin, require_pinned

COMMIT = "0123456789abcdef0123456789abcdef01234567"
OTHER = "f" * 40
OWN = """# Mine.
base: {base}
runs:
  - {{suite: mine, model: tiny, seeds: [0], studies: [deactivation]}}
suites:
  mine:
    source: hub
    tasks: [sst2, rte, xsum]
    train: 8
    validation: 2
    test: 4
    seed: 0
    max_invalid_percent: 5.0
    mirror: null
    revisions: {{sst2: pin-me, rte: 'pin-me', xsum: {other}}}
    corpus: null
models:
  # A pin-me in a comment stays.
  tiny: {{source: hub, repository: maker/tiny, revision: pin-me, parameters: 1000, context: 16,
    dtype: float32, prompts: plain}}
"""  # fmt: skip


@pytest.fixture
def own(root, tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text(OWN.format(base=root / "params.yaml", other=OTHER))
    return path


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A server with the addresses of the hub that are used; `broken` names files that it fails to send.

    `refused` has what it answers to addresses that begin so: a status and the hub's word for it.
    """
    files = tmp_path / "files"
    tokenizer = train_word_tokenizer(["a cat sees a dog ."])
    shape = Shape(hidden_size=8, layers=1, heads=2, ffn_size=16, context=16)
    new_model("llama", shape, Vocabulary.of(tokenizer), seed=0).save_pretrained(files)
    tokenizer.save_pretrained(files)
    found = SimpleNamespace(sent=Counter(), broken=set(), refused={})

    class Hub(BaseHTTPRequestHandler):
        def answer(self, body, **headers):
            self.send_response(200)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def do_GET(self):
            path = self.path.split("?")[0]
            refusal = next((found.refused[start] for start in found.refused if path.startswith(start)), None)
            if refusal:
                status, code = refusal
                self.send_response(status)
                self.send_header("X-Error-Code", code)
                self.end_headers()
            elif path.startswith("/api/") and "/tree/" not in path:
                repository = "/".join(path.split("/")[3:5])
                script = repository == "some/script" and "/revision/" not in path
                names = ["data.py"] if script else ["data/train.parquet", "model.safetensors"]
                commit = OTHER if "/revision/" in path else COMMIT
                siblings = [{"rfilename": name} for name in names]
                self.answer(json.dumps({"id": repository, "sha": commit, "siblings": siblings}).encode())
            elif "/tree/" in path:
                entries = [
                    {"type": "file", "path": file.name, "size": file.stat().st_size, "oid": "0" * 40}
                    for file in sorted(files.iterdir())
                ]
                self.answer(json.dumps(entries).encode())
            else:
                name = path.rsplit("/", 1)[1]
                if self.command == "GET":
                    found.sent[name] += 1
                    if name in found.broken:
                        return self.send_error(500)
                self.answer((files / name).read_bytes(), ETag=f'"{name}"', X_Repo_Commit=COMMIT)
            return None

        do_HEAD = do_GET

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(time, "sleep", lambda _: None)
    for name, value in {
        "ENDPOINT": endpoint,
        "HUGGINGFACE_CO_URL_TEMPLATE": endpoint + "/{repo_id}/resolve/{revision}/{filename}",
        "HF_HUB_CACHE": str(tmp_path / "cache"),
        "HF_HUB_OFFLINE": False,
    }.items():
        monkeypatch.setattr(constants, name, value)
    yield found
    server.shutdown()


def test_pinning_changes_the_revisions_and_nothing_else(own, hub):
    before = own.read_text()
    found = pin(own)
    assert [one.path[-1] for one in found] == ["revision", "sst2", "rte"]
    expected = before.replace("sst2: pin-me", f"sst2: {COMMIT}").replace("rte: 'pin-me'", f"rte: {COMMIT}")
    assert own.read_text() == expected.replace("revision: pin-me", f"revision: {COMMIT}")
    assert yaml.safe_load(own.read_text())["suites"]["mine"]["revisions"] == {
        "sst2": COMMIT,
        "rte": COMMIT,
        "xsum": OTHER,
    }
    assert pin(own) == []


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_pinning_keeps_the_ends_of_lines(end, own, hub):
    before = own.read_bytes().replace(b"\n", end.encode())
    # The last line has no end, and one stands in the middle that ends otherwise than the others.
    before = before.removesuffix(end.encode()).replace(b"# Mine." + end.encode(), b"# Mine.\n")
    own.write_bytes(before)
    assert len(pin(own)) == 3
    expected = before.replace(b"'pin-me'", b"pin-me").replace(b": pin-me", b": " + COMMIT.encode())
    assert expected.count(COMMIT.encode()) == 3
    assert own.read_bytes() == expected


def test_what_can_be_pinned_is_pinned_where_another_repository_is_not_there(own, hub):
    hub.refused["/api/models/maker/tiny"] = (404, "RepoNotFound")
    with pytest.raises(InputError, match="2 of 3 revisions are pinned; maker/tiny: no such repository"):
        pin(own)
    assert own.read_text().count(COMMIT) == 2


def test_a_data_set_that_is_a_loading_script_is_pinned_where_its_tables_are(hub):
    assert current_commit("dataset", "some/tables") == COMMIT
    assert current_commit("dataset", "some/script") == OTHER
    assert CONVERTED == "refs/convert/parquet"


def test_without_a_network_one_sentence_says_so(monkeypatch):
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(time, "sleep", lambda _: None)
    with pytest.raises(InputError, match=r"some/model: the hub cannot be reached .* Run this where there is a network"):
        current_commit("model", "some/model")


def test_a_reason_that_holds_for_every_repository_is_said_once(own, monkeypatch):
    before = own.read_text()
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(time, "sleep", lambda _: None)
    with pytest.raises(InputError) as refused:
        pin(own)
    said = str(refused.value)
    assert "0 of 3 revisions are pinned; maker/tiny, " in said and said.count("the hub cannot be reached") == 1
    assert said.endswith("Run this where there is a network")
    assert own.read_text() == before


def test_a_job_is_refused_for_its_own_missing_pins_alone():
    arguments = {"revisions": {"sst2": "pin-me", "rte": COMMIT}, "mirror": None}
    pinned, unpinned = ({"tasks": [task], "arguments": arguments} for task in ("rte", "sst2"))
    model = {"source": "hub", "repository": "maker/tiny", "revision": "pin-me"}
    mirrored = unpinned | {"arguments": arguments | {"mirror": "folder"}}
    require_pinned([json.dumps(one) for one in (pinned, mirrored, {})], "own.yaml")
    for made, name in ((unpinned, "stanfordnlp/sst2"), (model, "maker/tiny")):
        with pytest.raises(InputError) as caught:
            require_pinned([json.dumps(pinned), json.dumps(made)], "own.yaml")
        assert str(caught.value).startswith(f"own.yaml: no commit is pinned of {name}. Run `taskneurons pin own.yaml`")


def test_fetching_asks_for_pins_before_anything_else(own, hub):
    with pytest.raises(InputError, match="no commit is pinned of maker/tiny"):
        fetch(own)
    assert not hub.sent


def test_a_fetch_of_nothing_says_so(root, monkeypatch):
    monkeypatch.chdir(root)
    said = []
    assert fetch(None, say=said.append) == 0
    assert said == ["params.yaml: nothing is to be fetched"]


def test_a_fetch_of_a_gated_model_says_how_to_get_it(own, hub):
    pin(own)
    hub.refused["/maker/tiny/resolve"] = (403, "GatedRepo")
    with pytest.raises(InputError) as refused:
        fetch(own)
    assert str(refused.value) == (
        "models.tiny: maker/tiny@0123456789ab: gated, and access was not granted. Accept its licence on the hub and "
        "put your token in the environment variable HF_TOKEN"
    )


def test_a_fetch_without_a_network_says_so_in_a_sentence(own, hub, monkeypatch):
    pin(own)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match=r"models\.tiny: .* cannot be reached .* network, and without HF_HUB_OFFLINE"):
        fetch(own)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", "http://127.0.0.1:9/{repo_id}/{revision}/{filename}")
    with pytest.raises(InputError, match=r"models\.tiny: .* cannot be reached .*\. Run this where there is a network$"):
        fetch(own)


def test_a_killed_fetch_goes_on_where_it_was_and_the_import_then_needs_no_network(own, hub, tmp_path, monkeypatch):
    pin(own)
    asked = []
    monkeypatch.setattr(asked_of_hub, "run_snakemake", lambda targets, **given: asked.append((targets, given)) or 0)
    hub.broken.add("model.safetensors")
    with pytest.raises(InputError, match=r"models\.tiny: maker/tiny@0123456789ab: the hub cannot be reached"):
        fetch(own)
    hub.broken.clear()
    assert not asked
    hub.sent["model.safetensors"] = 0
    assert fetch(own, say=lambda _: None) == 0
    assert set(hub.sent.values()) == {1}
    (targets, given), *more = asked
    assert not more and given == {"cores": "1", "params": own}
    assert {path.split("/")[4] for path in targets} == set(load_params(own).suites["mine"].tasks)
    # As a job on a node without internet imports it.
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    import_hub("maker/tiny", COMMIT, tmp_path / "out", name="tiny", context=16)
    assert (tmp_path / "out" / "checkpoint.json").is_file()
