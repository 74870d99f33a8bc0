"""What rules ask of groups of tasks agrees with the groups, and none of it makes jobs of other studies again."""

from pathlib import Path

import pytest

from taskneurons.lineage.fingerprint import settings
from taskneurons.params.loading import load_params
from taskneurons.params.root import GROUPED
from taskneurons.workflow.grouped import Grouped
from taskneurons.workflow.plan import Plan

SUITE = "synthetic"


@pytest.fixture(scope="module")
def params():
    return load_params(Path(__file__).parents[2] / "params" / "ci.yaml")


def test_trained_and_unseen_tasks_are_all_tasks_of_the_groups(params) -> None:
    grouped = Grouped(Plan(params))
    trained, unseen = grouped.trained(SUITE), grouped.unseen(SUITE)
    assert not set(trained) & set(unseen)
    assert sorted(trained + unseen) == sorted(grouped.plan.grouped_tasks(SUITE))
    assert [task in trained for task in grouped.pilots(SUITE)] == [True, True]


def test_another_share_in_one_study_changes_the_arms_of_this_study_alone(params) -> None:
    before = {study: settings(**Grouped(Plan(params)).arms(study)) for study in GROUPED}
    for study, key in (("training", "percents"), ("proportion", "percents"), ("overlap", "trained_percents")):
        section = getattr(params, study)
        changed = section.model_copy(update={key: (*getattr(section, key), 33.0)})
        plan = Plan(params.model_copy(update={study: changed}))
        after = {name: settings(**Grouped(plan).arms(name)) for name in GROUPED}
        assert [name for name in GROUPED if after[name] != before[name]] == [study]


def test_all_neurons_are_no_set_with_a_learning_rate_of_its_own(params) -> None:
    assert 100 in params.proportion.percents
    selections = Grouped(Plan(params)).arms("proportion")["selections"]
    assert [one["percent"] for one in selections] == [p for p in params.proportion.percents if p < 100]
