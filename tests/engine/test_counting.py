"""Work that takes long says so where there is no terminal, once a minute; short work says nothing."""

from taskneurons.engine.counting import counted


def test_steps_are_said_once_a_minute_in_lines(monkeypatch, capsys):
    now = [1000.0]
    monkeypatch.setattr("tqdm.std.time", lambda: now[0])
    bar = counted(name="tuning", unit="step", total=100, initial=20)
    said = []
    for step in range(1, 41):
        now[0] += 10
        bar.set_postfix(loss="0.5", refresh=False)
        bar.update()
        found = capsys.readouterr().err
        assert found.count("\n") == (step % 6 == 0), step
        said += found.splitlines()
    # Six steps a minute: 74 are left after the first line.
    assert said[0] == "tuning: 26 of 100 steps, 01:00 gone, 12:20 left, loss=0.5"
    assert said[-1].startswith("tuning: 56 of 100 steps, 06:00 gone, 07:20 left")


def test_work_within_a_minute_says_nothing(capsys):
    assert list(counted(range(3), name="evaluation", unit="task")) == [0, 1, 2]
    assert capsys.readouterr().err == ""
