"""What a job notes of itself is what it read and wrote, and its times run forwards."""

import time
from pathlib import Path

import pytest

from taskneurons.errors import InputError
from taskneurons.files import sha256
from taskneurons.lineage.note import NOTES, Watch, note_of, read_notes

IN, OUT = Path("raw/in.txt"), Path("results/data/out.txt")


@pytest.fixture(autouse=True)
def watch(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path in (IN, OUT):
        path.parent.mkdir(parents=True)
        path.write_text(path.name)
    return Watch((IN,), (OUT,))


def finished(watch):
    return watch.finish("make", "{}", "data.tables:make " + "0" * 64, "1" * 64)


def test_a_note_is_read_as_it_was_left(watch):
    watch.start()
    note = finished(watch)
    assert note.inputs == ((IN.as_posix(), sha256(IN)),)
    assert note.outputs == ((OUT.as_posix(), sha256(OUT), OUT.stat().st_size),)
    assert list(read_notes()) == [note]
    assert note.memory["host"] > 1_000_000 and note.software["python"]
    assert note.cpu_seconds > 0


def test_a_clock_that_is_set_back_makes_no_job_end_before_it_starts(watch, monkeypatch):
    watch.start()
    began = time.time()
    monkeypatch.setattr("taskneurons.lineage.note.time.time", lambda: began - 3600)
    note = finished(watch)
    assert note.started <= note.ended < began + 60


def test_an_input_that_changes_while_a_job_runs_stops_it(watch):
    watch.start()
    IN.touch()
    finished(watch)
    watch.start()
    IN.write_text("another")
    with pytest.raises(InputError, match=r"raw/in\.txt: this input changed while the job ran"):
        finished(watch)
    assert list(read_notes()) == [], "an earlier note is withdrawn when a job starts"


def test_an_output_that_is_no_file_of_its_own_stops_the_job(watch):
    watch.start()
    OUT.unlink()
    with pytest.raises(InputError, match="did not write this output"):
        finished(watch)
    OUT.symlink_to(IN.resolve())
    with pytest.raises(InputError, match="did not write this output"):
        finished(watch)


def test_what_is_no_note_is_passed_over(watch):
    NOTES.mkdir(parents=True)
    for name, text in (("a", "{"), ("b", "[]"), ("c", "{}"), ("d", '{"inputs": [1], "outputs": []}')):
        (NOTES / f"{name}.json").write_text(text)
    assert list(read_notes()) == []
    assert note_of(OUT.as_posix()).parent == NOTES
