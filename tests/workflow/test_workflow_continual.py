"""Which jobs streams ask for, and which run again after what: planned on the smallest scale, nothing is trained."""

import json
from collections import Counter
from pathlib import Path

import pytest
import yaml
from projects import ROOT, Project, lay

from taskneurons.params.show import show


@pytest.fixture(scope="module")
def laid(tmp_path_factory) -> Project:
    """The smallest scale, with the streams alone."""
    project = lay(tmp_path_factory.mktemp("laid") / "project", seeds=[0], tasks_per_job="all")
    params = yaml.safe_load(show(ROOT / "params" / "ci.yaml"))
    params["runs"] = [run for run in params["runs"] if "continual" in run["studies"]]
    project.path("params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    return project


@pytest.fixture
def project(laid: Project, tmp_path: Path) -> Project:
    return laid.copy(tmp_path / "project")


@pytest.fixture(scope="module")
def planned(laid: Project) -> Counter[str]:
    """The jobs of the study; the graph of the plan lies in the folder."""
    return laid.planned("continual")


def test_each_method_learns_all_orders_with_every_seed(planned):
    for name in ("seqft", "olora", "ewc", "ncft", "pertask"):
        assert planned[f"choose_stream_rates_{name}"] == 1
        assert planned[f"learn_streams_{name}_stream"] == 2
    # Joint training has the rate of Per-Task FT, and a control that of what it controls.
    for name in ("multitask", "ncft_random"):
        assert planned[f"learn_streams_{name}_stream"] == 2 and f"choose_stream_rates_{name}" not in planned
    for kind in ("weightings", "dynamic"):
        assert planned[f"weigh_patches_{kind}_stream"] == 2
    assert all(planned[rule] == 1 for rule in ("tabulate_continual", "summarise_continual", "plot_continual"))


def test_a_stream_of_unknown_tasks_is_refused_before_any_job(project):
    params = yaml.safe_load(project.path("params.yaml").read_text())
    params["streams"]["stream"]["development"] = ["topic_nws", "rating_product"]
    project.path("params.yaml").write_text(yaml.safe_dump(params))
    said = project.snakemake("-n", "continual", ok=False)
    assert "streams.stream: there is no task topic_nws. Choose among topic_encyclopedia" in said


def codes(project: Project) -> dict[str, str]:
    """The code of each rule that runs models of streams, as last planned."""
    found = {
        job["rule"]: job["code"] for job in json.loads(project.path(".taskneurons/graph.json").read_text())["jobs"]
    }
    return {rule: code for rule, code in found.items() if rule.startswith(("choose_stream", "learn_", "weigh_"))}


def test_a_new_method_is_a_module_and_an_entry_and_no_other_one_is_learned_again(planned, project):
    before = codes(project)
    source = project.path("src/taskneurons/continual/seqft.py")
    source.with_name("lazy.py").write_text(source.read_text().replace("SeqFT", "Lazy").replace("seqft", "lazy"))
    listed = project.path("src/taskneurons/studies/continual/methods.py")
    entry = 'Method("lazy", "Lazy", "sequential", "lazy"),\n            Method("seqft"'
    listed.write_text(listed.read_text().replace('Method("seqft"', entry))
    params = yaml.safe_load(project.path("params.yaml").read_text())
    params["continual"]["methods"].append("lazy")
    project.path("params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    project.planned("continual")
    after = codes(project)
    assert set(after) - set(before) == {
        "choose_stream_rates_lazy",
        "learn_streams_lazy_stream",
    }
    assert {rule: after[rule] for rule in before} == before
