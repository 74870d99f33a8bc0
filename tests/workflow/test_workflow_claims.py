"""The claims are decided from the tables that the parameters ask for; a mistake in their file stops before any job."""

import shutil
from pathlib import Path

import pytest
import yaml
from projects import ROOT, Project, lay


@pytest.fixture(scope="module")
def laid(tmp_path_factory) -> Project:
    project = lay(tmp_path_factory.mktemp("laid") / "project", seeds=[0], tasks_per_job="all")
    shutil.copy2(ROOT / "claims.yaml", project.path("claims.yaml"))
    return project


@pytest.fixture
def project(laid: Project, tmp_path: Path) -> Project:
    return laid.copy(tmp_path / "project")


def rules_for_claims(project: Project, studies: list[str]) -> set[str]:
    params = yaml.safe_load(project.path("params.yaml").read_text())
    params["runs"][0]["studies"] = studies
    project.path("params.yaml").write_text(yaml.safe_dump(params))
    return set(project.planned("results/claims.json"))


def test_only_tables_of_the_studies_that_are_made_are_asked_for(project):
    of_deactivation = rules_for_claims(project, ["deactivation"])
    of_layers = rules_for_claims(project, ["layers"])
    assert {"check_published", "decide_claims"} <= of_deactivation & of_layers
    assert {"tabulate_deactivation", "summarise_deactivation"} <= of_deactivation - of_layers
    assert "tabulate_layers" in of_layers - of_deactivation


def test_a_mistake_in_the_claims_is_said_before_any_job(project):
    project.edit("claims.yaml", "margin: 1\n", "marign: 1\n")
    said = project.snakemake("-n", "claims", ok=False)
    assert "claims.t1_classification.marign: unknown key. Did you mean `margin`?" in said
