"""Tables of growing shares recover trends of known size, agree with scipy, and say what is missing."""

from collections import defaultdict
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_up_tasks import make_tasks
from made_up_trained import group_tasks, proportion_rows, the
from scipy import stats

from taskneurons.errors import InputError
from taskneurons.evidence.tasks import KINDS
from taskneurons.studies.proportion.rows import SUMMARY, TREND
from taskneurons.studies.proportion.scopes import TaskGroups, scoped
from taskneurons.studies.proportion.tables import PUBLISHED, proportion_summary, proportion_trend, settings_of

TASKS = make_tasks()
OWN = TaskGroups(**{name: tuple(tasks) for name, tasks in group_tasks(TASKS).items()})
GROUPS = {"synthetic": OWN}


def test_every_row_has_its_scope() -> None:
    found = defaultdict(set)
    for value in scoped(proportion_rows(TASKS), GROUPS):
        found[value.trained, value.how, value.scope].add(value.row.test_task)
    assert found.keys() == {
        (trained, how, scope)
        for trained, own_scope in (("classification", "ID-CLS"), ("generation", "ID-GEN"))
        for how, scopes in (("joint", (own_scope, "OOD-CLS", "OOD-GEN")), ("single", (own_scope,)))
        for scope in scopes
    }
    assert found["classification", "joint", "ID-CLS"] == set(OWN.train_classification)
    assert found["generation", "joint", "OOD-CLS"] == set(OWN.test_classification)
    assert {(how, trained, scope) for trained, how, scope in found} >= PUBLISHED.keys()
    with pytest.raises(InputError, match="groups of the tasks of suite `synthetic` are not given"):
        scoped(proportion_rows(TASKS), {})
    fewer = {"synthetic": replace(OWN, train_generation=OWN.train_generation[1:])}
    with pytest.raises(InputError, match="is trained on, but is in no group"):
        scoped(proportion_rows(TASKS), fewer)


def test_summary_of_three_seeds_equals_pandas_and_scipy() -> None:
    rows = proportion_rows(TASKS, seeds=(0, 1, 2))
    summary = proportion_summary(rows, GROUPS)
    row = the(summary, trained="classification", how="joint", scope="OOD-GEN", condition="task", percent=30.0,
              metric="rougeL")  # fmt: skip
    frame = pd.DataFrame(map(vars, rows))
    frame = frame[frame.test_task.isin(OWN.test_generation) & (frame.metric == "rougeL")]
    trained = frame[(frame.train_task == "classification") & (frame.percent == 30)]
    own = trained[trained.condition == "task"].groupby("seed").value.mean()
    random = trained[trained.condition == "random"].groupby("seed").value.mean()
    untrained = frame[frame.condition == "zero_shot"].groupby("seed").value.mean()
    for name, numbers in (("after", own), ("change", own - untrained), ("over_random", own - random)):
        interval = stats.ttest_1samp(numbers, 0).confidence_interval(0.95)
        start = "" if name == "after" else f"{name}_"
        assert getattr(row, name) == pytest.approx(numbers.mean())
        limits = (getattr(row, f"{start}low"), getattr(row, f"{start}high"))
        assert limits == pytest.approx((interval.low, interval.high))
        assert getattr(row, f"{start}interval") == "95 % t"
    assert row.before == pytest.approx(untrained.mean())
    assert (row.seeds, row.tasks, row.n, row.share) == (3, 3, 1500, pytest.approx(100 * (1 - 0.7**3)))
    assert the(summary, trained="classification", how="joint", scope="OOD-GEN", condition="random", percent=30.0,
               metric="rougeL").draws == 2  # fmt: skip


def test_one_seed_has_intervals_over_the_tasks_that_differ() -> None:
    rows = proportion_rows(TASKS)
    summary = proportion_summary(rows, GROUPS)
    frame = pd.DataFrame(map(vars, rows))
    frame = frame[(frame.percent == 50) & (frame.condition == "task") & (frame.metric == "accuracy")]
    unseen = frame[frame.test_task.isin(OWN.test_classification)]
    joint = unseen[unseen.train_task == "generation"].groupby("test_task").value.mean()
    single = frame[frame.train_task == frame.test_task].groupby("train_task").value.mean()
    for how, trained, scope, values in (
        ("joint", "generation", "OOD-CLS", joint),
        ("single", "classification", "ID-CLS", single),
    ):
        row = the(summary, trained=trained, how=how, scope=scope, condition="task", percent=50.0,
                  metric="accuracy")  # fmt: skip
        interval = stats.ttest_1samp(values, 0).confidence_interval(0.95)
        assert (row.low, row.high) == pytest.approx((interval.low, interval.high))
        assert (row.interval, row.tasks) == ("95 % t over tasks as if independent", 3)


def test_gains_of_known_size_are_recovered() -> None:
    summary = proportion_summary(proportion_rows(TASKS, noise=0.0), GROUPS)
    inside = the(summary, trained="generation", how="single", scope="ID-GEN", condition="task", percent=70.0,
                 metric="rougeL")  # fmt: skip
    assert (inside.change, inside.over_random) == (pytest.approx(5 + 14), None)
    loss = the(summary, trained="generation", how="joint", scope="OOD-CLS", condition="task", percent=70.0,
               metric="loss")  # fmt: skip
    assert loss.change == pytest.approx(19 / 3 / 40, abs=1e-5)
    whole = the(summary, trained="generation", how="joint", scope="ID-GEN", condition="task", percent=100.0,
                metric="rougeL")  # fmt: skip
    assert (whole.change, whole.over_random, whole.share) == (25, None, 100)


def test_what_unseen_tasks_lose_is_called_forgetting_and_what_they_gain_generalisation() -> None:
    for elsewhere, word in ((1 / 3, "generalisation"), (-1.0, "forgetting"), (0.0, "no clear change")):
        summary = proportion_summary(proportion_rows(TASKS, seeds=(0, 1, 2), elsewhere=elsewhere), GROUPS)
        own = [row for row in summary if (row.how, row.condition, row.percent) == ("joint", "task", 50.0)]
        assert {row.called for row in own if row.scope.startswith("OOD")} == {word}
        assert {row.called for row in own if row.scope.startswith("ID")} == {"learning"}


def test_a_setting_can_tell_where_tasks_were_learned_and_others_start_between_chance_and_ceiling() -> None:
    known = [replace(task, constant=50.0 if task.kind == "classification" else 10.0) for task in TASKS]
    rows = proportion_rows(TASKS, noise=0.0)
    found = settings_of(rows, known, GROUPS)
    assert [(row.trained, row.tested) for row in found] == [(one, other) for one in KINDS for other in KINDS]
    # Untrained, classification scores 40 and generation 20; training adds 5 points and a fifth of the share.
    assert [row.gain for row in found] == pytest.approx([5 + 0.2 * 52] * 4)
    verdicts = {row.tested: row.verdict for row in found}
    assert verdicts == {"classification": "the unseen tasks start at chance", "generation": "can tell"}
    higher = [replace(row, value=row.value + 65) if row.metric == "rougeL" else row for row in rows]
    assert "the unseen tasks start at the ceiling" in {row.verdict for row in settings_of(higher, known, GROUPS)}
    flat = proportion_rows(TASKS, noise=0.0, rise=-0.05)
    assert {row.verdict for row in settings_of(flat, known, GROUPS)} == {"the trained tasks did not learn"}


def test_planted_trends_are_found_and_flat_ones_are_not() -> None:
    rising = proportion_trend(proportion_rows(TASKS, seeds=(0, 1, 2)), GROUPS)
    for row in rising:
        if row.condition == "task" and row.scope.startswith("ID"):
            assert row.correlation > 0.9 and row.p_holm < 0.05
            assert row.best_percent == 100 and row.change > 0
        if row.condition == "random":
            assert abs(row.correlation) < 0.5 and row.p_holm > 0.05
    joint = the(rising, how="joint", trained="generation", scope="ID-GEN", condition="task", metric="rougeL")
    single = the(rising, how="single", trained="generation", scope="ID-GEN", condition="task", metric="rougeL")
    assert (joint.series, joint.models, joint.published) == (3, 15, "rises to 50 %, then falls")
    assert (single.series, single.models) == (9, 45)


def test_models_are_permuted_whole() -> None:
    """One series of five models has 120 labellings, however many tasks test it."""
    rows = proportion_rows(TASKS, rise=0.02, noise=2.0)
    row = the(proportion_trend(rows, GROUPS), how="joint", trained="classification", scope="OOD-CLS", condition="task",
              metric="accuracy")  # fmt: skip
    wanted = ("joint", "classification", "OOD-CLS", "task", "accuracy")
    own = pd.DataFrame(
        vars(value.row)
        for value in scoped(rows, GROUPS)
        if (value.how, value.trained, value.scope, value.condition, value.row.metric) == wanted
    )
    table = own.pivot(index="percent", columns="test_task", values="value")

    def mean_correlation(order) -> float:
        return np.mean([stats.spearmanr(order, table[task]).statistic for task in table])

    null = [mean_correlation(order) for order in permutations(range(5))]
    observed = mean_correlation(range(5))
    assert (row.permutations, row.exact) == (120, True)
    assert row.correlation == pytest.approx(observed)
    assert row.p_value == np.mean(np.abs(null) >= abs(observed) - 1e-9)


def test_one_share_has_no_trend_and_no_untrained_model_no_gain() -> None:
    rows = proportion_rows(TASKS, percents=(30.0,))
    row = proportion_trend(rows, GROUPS)[0]
    assert (row.correlation, row.p_holm, row.reason) == (None, None, "one level, at least 2 are needed")
    summary = proportion_summary([row for row in rows if row.condition != "zero_shot"], GROUPS)
    assert (summary[0].before, summary[0].change) == (None, None)
    assert "not finite" in summary[0].change_interval


def test_tables_are_read_as_they_were_written(tmp_path: Path) -> None:
    rows = proportion_rows(TASKS)
    for table, made in ((SUMMARY, proportion_summary(rows, GROUPS)), (TREND, proportion_trend(rows, GROUPS))):
        table.write(tmp_path / "table.csv", made)
        assert table.read(tmp_path / "table.csv") == made
