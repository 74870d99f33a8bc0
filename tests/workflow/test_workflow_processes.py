"""Whole jobs of the real workflow by two processes make what one makes, under Snakemake (gloo, on CPUs)."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from projects import Project, lay
from safetensors.numpy import load_file

pytestmark = pytest.mark.processes

TABLES = "results/tables/deactivation.csv", "results/tables/models.csv"
FOLDER = "results/models/mine/small/seed0"
WEIGHTS = f"{FOLDER}/multitask/model.safetensors"
# A second process has no room for two examples once it has done a pass.
WITHOUT_ROOM = """
        with open(f"passes-{processes.place()}", "a+") as file:
            print(len(batch), file=file)
            file.seek(0)
            later = len(file.readlines()) > 1
        if processes.place() == 1 and len(batch) > 1 and later:
            raise torch.OutOfMemoryError("made up")
        loss = self._loss(batch)
"""


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> Project:
    """Neurons are set to zero on two tiny tasks; each job has one process, to which the fault does nothing."""
    project = lay(tmp_path_factory.mktemp("alone") / "project", seeds=[0], tasks_per_job="all")
    project.edit("src/taskneurons/engine/training.py", "\n        loss = self._loss(batch)\n", WITHOUT_ROOM)
    project.snakemake(*TABLES, "--quiet")
    return project


@pytest.fixture
def project(alone: Project, tmp_path: Path) -> Project:
    return alone.copy(tmp_path / "project")


def made_again(project: Project, *rules: str, arguments: tuple[str, ...] = (), **workflow: object) -> tuple[str, dict]:
    """Make the outputs of some rules again by two processes; what Snakemake prints, and the records by output."""
    params = yaml.safe_load(project.path("params.yaml").read_text())
    params["workflow"] |= {"processes_per_job": 2} | workflow
    project.path("params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    assert project.planned(*TABLES) == {}, "how the work is done makes nothing again"
    outputs = [output for output, line in project.lines().items() if line["rule"] in rules]
    for output in outputs:
        project.path(output).unlink()
    said = project.snakemake(*outputs, *arguments)
    return said, {output: line for output, line in project.lines().items() if output in outputs}


def jobs(lines: dict) -> list[tuple]:
    """What records say of jobs, but how they were done and of which bits; each once."""
    return sorted(
        {
            (line["rule"], line["entry"], str(line["settings"]), *(name for name, _ in line["inputs"]))
            for line in lines.values()
        }
    )


def test_a_training_starts_anew_with_smaller_passes_where_one_process_has_no_room(alone, project):
    """The second step fails in the second process; both go on from the resume file of the first step."""
    resume_at_once = "--set-resources", "tune_multitask:checkpoint_minutes=0"
    said, lines = made_again(project, "tune_multitask", arguments=resume_at_once)
    assert "out of memory with 2 examples at once: going on with 1" in said
    # Two steps of four examples, of which each process has two.
    assert project.path("passes-1").read_text().split() == ["2", "2", "1", "1"]
    assert len({line["ended"] for line in lines.values()}) == 1
    assert {line["device"] for line in lines.values()} == {"2 x cpu"}
    before = {output: line for output, line in alone.lines().items() if output in lines}
    assert len(before) == len(lines) > 1
    assert jobs(lines) == jobs(before)
    base, one, two = (
        load_file(folder)
        for folder in (alone.path(f"{FOLDER}/base/model.safetensors"), alone.path(WEIGHTS), project.path(WEIGHTS))
    )
    for name, weights in one.items():
        assert np.abs(two[name] - weights).max() <= 1e-3 * np.abs(weights - base[name]).max(), name
    assert not list(project.folder.glob(".taskneurons/together/*"))


@pytest.mark.parametrize("share_weights", [False, True])
def test_neurons_are_scored_and_set_to_zero_as_by_one_process(alone, project, share_weights):
    """Two processes have half of the examples each, or half of the weights."""
    rules = "evaluate_multitask_mine_all", "attribute_scores_mine_all", "deactivate_neurons_mine_all"
    _, lines = made_again(project, *rules, share_weights=share_weights)
    before = {output: line for output, line in alone.lines().items() if output in lines}
    assert len({line["ended"] for line in lines.values()}) == len(rules)
    assert {line["device"] for line in lines.values()} == {"2 x cpu"}
    assert jobs(lines) == jobs(before)
    for output in lines:
        if output.endswith(".csv"):
            one, two = (pd.read_csv(each.path(output)) for each in (alone, project))
            pd.testing.assert_frame_equal(two, one, rtol=1e-4, atol=1e-4)
        else:
            one, two = (load_file(each.path(output)) for each in (alone, project))
            assert set(one) == set(two)
            for name, values in one.items():
                np.testing.assert_allclose(two[name], values, rtol=1e-4, atol=1e-4 * np.abs(values).max(), err_msg=name)
