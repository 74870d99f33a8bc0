"""The example of the page on the library runs as it stands, on a small checkpoint in place of the default's."""

import re
from pathlib import Path

from small_checkpoint import MOOD, lay_checkpoint, lay_task

PAGE = Path(__file__).parents[1] / "docs" / "library.md"
PATHS = re.compile(r'^(checkpoint|data) = ".*"$', re.MULTILINE)


def test_the_example_of_the_page_runs(tmp_path, capsys):
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    places = {"checkpoint": tmp_path / "checkpoint", "data": tmp_path / "data" / "mood"}
    lay_checkpoint(places["checkpoint"])
    lay_task(places["data"], MOOD)
    code, replaced = PATHS.subn(lambda found: f"{found[1]} = {str(places[found[1]])!r}", example)
    assert replaced == 2
    names = {}
    exec(compile(code, str(PAGE), "exec"), names)
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 2 and all("accuracy" in line and "loss" in line for line in printed)
    assert len(names["neurons"]) == round(names["scores"].scores.size / 10)
