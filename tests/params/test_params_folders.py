"""Folders of the user: a path that means another folder elsewhere is refused, and so is what is no file in it."""

import os
import socket
from pathlib import Path

import pytest
import yaml

from taskneurons.errors import InputError
from taskneurons.params.folders import regular_files
from taskneurons.params.loading import parse_params
from taskneurons.params.show import show

ROOT = Path(__file__).resolve().parents[2]


def refusal(path: str) -> str:
    values = yaml.safe_load(show(ROOT / "params/jsonl.yaml"))
    values["suites"]["mine"]["path"] = path
    with pytest.raises(InputError) as error:
        parse_params(yaml.safe_dump(values))
    return str(error.value)


def accepted(path: str) -> bool:
    values = yaml.safe_load(show(ROOT / "params/jsonl.yaml"))
    values["suites"]["mine"]["path"] = path
    return parse_params(yaml.safe_dump(values)).suites["mine"].path == path


@pytest.mark.parametrize(
    ("path", "remedy"),
    [
        ("~/tasks", "Write /home/ann/tasks"),
        ("$HOME/tasks", "Write /home/ann/tasks"),
        ("${HOME}/tasks", "Write /home/ann/tasks"),
        ("tasks/$NOT_SET_HERE", "Write the path itself"),
        ("~nobody_of_this_name/tasks", "Write the path itself"),
    ],
)
def test_what_a_shell_would_expand_is_refused_with_the_path_to_write(
    path: str, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.delenv("NOT_SET_HERE", raising=False)
    said = refusal(path)
    assert f"suites.mine.path: not a usable path: {path!r}, where `~` and variables are not expanded" in said
    assert said.endswith(remedy)


def test_a_path_inside_the_results_is_refused_however_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results/data").mkdir(parents=True)
    (tmp_path / "link").symlink_to("results/data")
    for path in ("results", "results/data", "./results/x", "a/../results/x", str(tmp_path / "results/data"), "link"):
        assert "lies inside results/, where the workflow writes. Copy the folder elsewhere" in refusal(path), path
    for path in ("results_of_mine", "tasks/results", "../results/x", "a ~ b", "cost$", "5$"):
        assert accepted(path)


@pytest.mark.parametrize("name", [".taskneurons", ".snakemake", ".dvc", "lineage", "logs"])
def test_a_path_inside_what_runs_write_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert f"lies inside {name}/, where the workflow writes" in refusal(f"{name}/tasks")


def test_a_path_with_braces_is_refused() -> None:
    assert "holds braces, which the workflow takes for wildcards" in refusal("raw/{seed}")


def test_a_model_and_a_mirror_are_named_by_the_same_rules() -> None:
    values = yaml.safe_load(show(ROOT / "params/flan.yaml"))
    values["suites"]["flan"]["mirror"] = "~/mirror"
    values["models"]["llama2_7b"] = {
        "source": "folder", "path": "results/x", "parameters": 1.0, "context": 99, "dtype": "float32",
        "prompts": "plain",
    }  # fmt: skip
    with pytest.raises(InputError) as error:
        parse_params(yaml.safe_dump(values))
    assert "suites.flan.mirror: not a usable path" in str(error.value)
    assert "models.llama2_7b.path: not a usable path" in str(error.value)


def test_files_are_listed_by_name_and_folders_are_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "tasks"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner/deep.jsonl").write_text("")
    for name in ("b.jsonl", "a.json", ".hidden"):
        (folder / name).write_text("x")
    (folder / "c.jsonl").symlink_to("b.jsonl")
    (folder / "d").symlink_to("inner")
    (folder / "e.jsonl").symlink_to("inner/deep.jsonl")
    expected = [folder / name for name in (".hidden", "a.json", "b.jsonl", "c.jsonl", "e.jsonl")]
    assert regular_files(folder) == expected
    (tmp_path / "link").symlink_to("tasks")
    assert [path.name for path in regular_files(str(tmp_path / "link"))] == [path.name for path in expected]


def test_files_of_folders_inside_are_listed_where_they_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "inner/deeper").mkdir(parents=True)
    for name in ("b", "inner/a", "inner/deeper/c"):
        (tmp_path / name).write_text("")
    # A link to a folder above is not followed for ever.
    (tmp_path / "inner/up").symlink_to("..")
    found = regular_files(tmp_path, below=True)
    assert [path.relative_to(tmp_path).as_posix() for path in found] == ["b", "inner/a", "inner/deeper/c"]


def test_links_of_caches_that_name_files_by_content_are_files(tmp_path: Path) -> None:
    """The hub's cache and DVC's keep folders of such links; elsewhere a name says nothing of the content."""
    folder = tmp_path / "snapshot"
    folder.mkdir()
    for name, digest in (("blobs", "a" * 64), ("files/md5/ab", "c" * 30), ("blobs", "short")):
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / name / digest).write_text("weights")
        (folder / f"{digest[0]}.safetensors").symlink_to(tmp_path / name / digest)
    with pytest.raises(InputError, match=r"s\.safetensors: this link leads out of the folder"):
        regular_files(folder)
    (folder / "s.safetensors").unlink()
    assert [path.name for path in regular_files(folder)] == ["a.safetensors", "c.safetensors"]


def test_what_is_no_file_of_the_folder_is_refused_and_nobody_waits_for_it(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")

    def pipe(path: Path) -> None:
        os.mkfifo(path)

    def listen(path: Path) -> None:
        with socket.socket(socket.AF_UNIX) as one:
            here = Path.cwd()
            os.chdir(path.parent)
            try:
                one.bind(path.name)
            finally:
                os.chdir(here)

    for number, (make, said) in enumerate(
        [
            (pipe, "neither a file nor a folder, but a pipe, a socket or a device"),
            (listen, "neither a file nor a folder"),
            (lambda path: path.symlink_to("/dev/zero"), "neither a file nor a folder"),
            (lambda path: path.symlink_to(secret), f"this link leads out of the folder, to {secret}. Put a copy"),
            (lambda path: path.symlink_to("../secret"), "this link leads out of the folder"),
            (lambda path: path.symlink_to("absent"), "this link leads nowhere. Remove it"),
            (lambda path: path.symlink_to(path.name), "this link leads nowhere"),
        ]
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        make(folder / "x.jsonl")
        with pytest.raises(InputError) as error:
            regular_files(folder)
        assert str(error.value).startswith(f"{folder}/x.jsonl: {said}")


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for name, said in (("file", "is not a folder"), ("absent", "no such folder")):
        with pytest.raises(InputError, match=said):
            regular_files(tmp_path / name)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
def test_a_folder_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0)
    with pytest.raises(InputError, match="this folder cannot be read"):
        regular_files(folder)
