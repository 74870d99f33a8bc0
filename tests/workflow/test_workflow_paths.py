"""What rules name as inputs are the files of the job's own run, selection and seeds, and no others."""

from pathlib import Path

import pytest

from taskneurons.params.loading import load_params
from taskneurons.params.root import GROUPED, TUNED
from taskneurons.workflow import paths
from taskneurons.workflow.paths import Inputs
from taskneurons.workflow.plan import Plan

PATTERN = "results/x/{run}/seed{seed}/{selection}/{task}.csv"


@pytest.fixture(scope="module")
def plan() -> Plan:
    return Plan(load_params(Path(__file__).parents[2] / "params" / "ci.yaml"))


class Wildcards(dict):
    """A job's wildcards as Snakemake hands them to input functions: attributes, and items."""

    __getattr__ = dict.__getitem__


def test_a_selection_ranks_the_scores_of_its_own_estimator(plan: Plan) -> None:
    of = Inputs(plan).ranked(paths.SCORES, ["nli_room"])
    for slug, selection in plan.selections.items():
        assert of(Wildcards(run="stream/llama_short", seed="1", selection=slug)) == [
            f"results/neurons/stream/llama_short/seed1/scores/{selection.estimator}/nli_room.safetensors"
        ]


def test_the_files_of_a_run_are_those_of_its_seeds_and_tasks_and_the_job_keeps_its_selection(plan: Plan) -> None:
    job = Wildcards(run="stream/llama_short", selection="taylor-10-layer")
    found = Inputs(plan).of_run(PATTERN)(job)
    assert found == [
        f"results/x/stream/llama_short/seed{seed}/taylor-10-layer/{task}.csv"
        for seed in (0, 1)
        for task in plan.tasks("stream")
    ]
    assert Inputs(plan).of_run(PATTERN, seeds="first")(job) == [path for path in found if "seed0" in path]


def test_the_files_of_all_runs_are_those_of_each_run_once(plan: Plan) -> None:
    files = plan.expand(PATTERN, selection=plan.selections)
    assert len(set(files)) == len(files)
    assert sorted(files) == sorted(
        path for run in plan.runs() for path in plan.of_run(run.name, PATTERN, selection=plan.selections)
    )
    # What lies apart from runs is named once.
    assert plan.expand("results/one.csv") == ["results/one.csv"]


def test_runs_of_several_studies_are_those_that_name_any(plan: Plan) -> None:
    assert [run.name for run in plan.runs(*GROUPED)] == ["synthetic/llama", "synthetic/bloom"]
    assert [run.name for run in plan.runs("dial", "continual")] == ["dial/llama_short", "stream/llama_short"]
    assert plan.suites(*GROUPED) == ["synthetic"]
    assert plan.runs() == list(plan.all_runs)


def test_the_files_of_several_studies_are_those_of_their_runs_and_of_none_where_no_run_names_them(plan: Plan) -> None:
    pattern = "results/x/{run}/seed{seed}.csv"
    assert plan.expand(pattern, study=TUNED) == [
        f"results/x/{run}/seed0.csv" for run in ("synthetic/llama", "synthetic/bloom", "dial/llama_short")
    ]
    streams = plan.params.model_copy(update={"runs": tuple(r for r in plan.params.runs if r.studies == ("continual",))})
    assert Plan(streams).all_runs
    assert Plan(streams).expand(pattern, study=TUNED) == []
