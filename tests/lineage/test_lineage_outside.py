"""Folders from outside: what a job would read is a regular file of the folder, or the folder is refused by name."""

import os
from pathlib import Path

import pytest

from taskneurons.errors import InputError
from taskneurons.lineage.outside import NEVER_READ, outside_files, outside_folder

WHERE = "models.mine.path"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    project = tmp_path / "project"
    for name in ("results/models", "raw/model/sub"):
        (project / name).mkdir(parents=True)
    for name in ("config.json", "merges.txt", "vocab.txt", "chat_template.jinja", "sub/other.jinja", "weights.bin"):
        (project / "raw/model" / name).write_text(name)
    (project / "raw/model/.hidden").write_text("")
    monkeypatch.chdir(project)
    return project / "raw/model"


def test_every_file_that_may_be_read_is_named(folder):
    """Tokenizers read merges, vocabularies and templates by their names, also from folders below."""
    found = [path.as_posix() for path in outside_files(outside_folder("raw/model", WHERE), WHERE, NEVER_READ)]
    names = ["chat_template.jinja", "config.json", "merges.txt", "sub/other.jinja", "vocab.txt"]
    assert found == [f"raw/model/{name}" for name in names]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("~/models", "not expanded"),
        ("$HOME/models", "not expanded"),
        ("raw/{seed}", "holds braces"),
        ("results/models", "lies in results/"),
        ("raw/../results", "lies in results/"),
        (".dvc", "lies in .dvc/"),
        ("raw/absent", "is absent"),
        ("raw/model/config.json", "is no folder"),
    ],
)
def test_a_path_that_cannot_be_meant_is_refused_by_name(path, text):
    with pytest.raises(InputError, match=f"{WHERE}: .*{text}"):
        outside_folder(path, WHERE)


def test_what_is_no_regular_file_is_refused_by_name(folder, tmp_path):
    os.mkfifo(folder / "pipe")
    with pytest.raises(InputError, match="pipe is no regular file"):
        outside_folder("raw/model", WHERE)
    (folder / "pipe").unlink()
    (folder / "hosts").symlink_to("/etc/hosts")
    with pytest.raises(InputError, match="hosts is a link to a file elsewhere"):
        outside_folder("raw/model", WHERE)
    (folder / "hosts").unlink()
    (folder / "gone").symlink_to("nowhere")
    with pytest.raises(InputError, match="gone is a link to nothing"):
        outside_folder("raw/model", WHERE)
    (folder / "gone").unlink()
    (folder / "up").symlink_to("..")
    with pytest.raises(InputError, match="up is a link"):
        outside_folder("raw/model", WHERE)
    (folder / "up").unlink()
    assert outside_folder("raw/model", WHERE)


def test_links_of_caches_that_name_files_by_content_are_files(folder, tmp_path):
    """The hub's cache and DVC's keep folders of such links."""
    for name, digest in (("blobs", "a" * 64), ("files/md5/ab", "c" * 30)):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / digest).write_text("weights")
        (folder / f"{digest[0]}.safetensors").symlink_to(tmp_path / name / digest)
    assert len(list(outside_files(folder, WHERE, NEVER_READ))) == 7


def test_a_link_to_a_folder_is_how_one_names_what_lies_elsewhere(folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/config.json").write_text("{}")
    Path("raw/linked").symlink_to(tmp_path / "elsewhere")
    assert [path.name for path in outside_files(outside_folder("raw/linked", WHERE), WHERE)] == ["config.json"]
