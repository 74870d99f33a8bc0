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


def jobs(project: Project) -> Counter[str]:
    """The jobs of the study."""
    return Counter({rule: number for rule, number in project.planned("continual").items() if rule != "continual"})


def test_each_method_learns_all_orders_with_every_seed(project):
    found = jobs(project)
    for name in ("seqft", "olora", "ewc", "ncft", "pertask"):
        assert found[f"choose_stream_rates_{name}"] == 1
        assert found[f"learn_streams_{name}_stream"] == 2
    # Joint training has the rate of Per-Task FT, and a control that of what it controls.
    for name in ("multitask", "ncft_random"):
        assert found[f"learn_streams_{name}_stream"] == 2 and f"choose_stream_rates_{name}" not in found
    for kind in ("weightings", "dynamic"):
        assert found[f"weigh_patches_{kind}_stream"] == 2
    assert all(found[rule] == 1 for rule in ("tabulate_continual", "summarise_continual", "plot_continual"))


def test_a_stream_of_unknown_tasks_is_refused_before_any_job(project):
    params = yaml.safe_load(project.path("params.yaml").read_text())
    params["streams"]["stream"]["development"] = ["topic_nws", "rating_product"]
    project.path("params.yaml").write_text(yaml.safe_dump(params))
    said = project.snakemake("-n", "continual", ok=False)
    assert "streams.stream: there is no task topic_nws. Choose among topic_encyclopedia" in said


def test_more_sampled_orders_than_there_are_is_refused_before_any_job(project):
    params = yaml.safe_load(project.path("params.yaml").read_text())
    params["streams"]["stream"]["sampled"]["count"] = 9
    project.path("params.yaml").write_text(yaml.safe_dump(params))
    assert "3 tasks have no 9 orders besides 1" in project.snakemake("-n", "continual", ok=False)


def codes(project: Project) -> dict[str, str]:
    """The code of each rule that runs models of streams."""
    project.planned("continual")
    found = {
        job["rule"]: job["code"] for job in json.loads(project.path(".taskneurons/graph.json").read_text())["jobs"]
    }
    return {rule: code for rule, code in found.items() if rule.startswith(("choose_stream", "learn_", "weigh_"))}


def test_a_new_method_is_a_module_and_an_entry_and_no_other_one_is_learned_again(project):
    before = codes(project)
    source = project.path("src/taskneurons/continual/seqft.py")
    source.with_name("lazy.py").write_text(source.read_text().replace("SeqFT", "Lazy").replace("seqft", "lazy"))
    listed = project.path("src/taskneurons/studies/continual/methods.py")
    entry = 'Method("lazy", "Lazy", "sequential", "lazy"),\n            Method("seqft"'
    listed.write_text(listed.read_text().replace('Method("seqft"', entry))
    params = yaml.safe_load(project.path("params.yaml").read_text())
    params["continual"]["methods"].append("lazy")
    project.path("params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    after = codes(project)
    assert set(after) - set(before) == {
        "choose_stream_rates_lazy",
        "learn_streams_lazy_stream",
    }
    assert {rule: after[rule] for rule in before} == before
