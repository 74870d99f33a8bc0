"""Values of trained models are gathered from several files, each once."""

from dataclasses import replace
from pathlib import Path

import pytest
from made_up_tasks import make_tasks
from made_up_trained import proportion_rows

from taskneurons.errors import InputError
from taskneurons.evidence.trained import TRAINED, gather_trained

TASKS = make_tasks()


def test_the_untrained_model_may_stand_in_several_files(tmp_path: Path) -> None:
    rows = proportion_rows(TASKS, percents=(10.0,))
    TRAINED.write(tmp_path / "a.csv", rows)
    zero = [row for row in rows if row.condition == "zero_shot"]
    TRAINED.write(tmp_path / "b.csv", zero)
    assert len(gather_trained([tmp_path / "a.csv", tmp_path / "b.csv"], "proportion")) == len(rows)
    TRAINED.write(tmp_path / "b.csv", [replace(row, value=1.0) for row in zero])
    with pytest.raises(InputError, match="measures again what"):
        gather_trained([tmp_path / "a.csv", tmp_path / "b.csv"], "proportion")
    TRAINED.write(tmp_path / "b.csv", [row for row in rows if row.condition == "task"])
    with pytest.raises(InputError, match="measures again what"):
        gather_trained([tmp_path / "a.csv", tmp_path / "b.csv"], "proportion")
