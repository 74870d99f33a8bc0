"""Which jobs the layers study asks for: beside the neuron studies, alone, with LoRA, and not at all."""

from collections import Counter
from pathlib import Path

import pytest
import yaml
from projects import Project, lay

PER_TASK = {"tune_controls", "compare_layers", "measure_transfer"}
ONCE = {"tabulate_layers", "join_layers", "plot_layers", "write_layers"}
LAYERS = {"tune_generalists", *ONCE, *PER_TASK}
LORA = {
    "method": "lora",
    "rank": 2,
    "alpha": 4.0,
    "targets": "attention",
    "generalists": {"steps": 2, "batch_size": 4, "learning_rate": 0.001, "warmup": 1},
}


@pytest.fixture(scope="module")
def laid(tmp_path_factory) -> Project:
    return lay(tmp_path_factory.mktemp("laid") / "project", seeds=[0, 1], tasks_per_job=1)


@pytest.fixture
def project(laid: Project, tmp_path: Path) -> Project:
    return laid.copy(tmp_path / "project")


def jobs(project: Project, *targets: str, studies: list[str], tuning: dict | None = None) -> Counter[str]:
    """Jobs by the verb and noun that their rules begin with."""
    params = yaml.safe_load(project.path("params.yaml").read_text())
    params["runs"][0]["studies"] = studies
    params["layers"]["tuning"] = tuning or {"method": "full"}
    project.path("params.yaml").write_text(yaml.safe_dump(params))
    counts: Counter[str] = Counter()
    for rule, number in project.planned(*targets).items():
        counts["_".join(rule.split("_")[:2])] += number
    return counts


def test_a_run_of_both_studies_makes_both(project):
    both, alone, other = (
        jobs(project, studies=studies) for studies in (["deactivation", "layers"], ["deactivation"], ["layers"])
    )
    added = both - alone
    assert set(added) == LAYERS
    # Two tasks, two seeds; one held-out model a seed; tables, figures and headline numbers once.
    # Transfer is measured with the first seed alone.
    numbers = dict.fromkeys(PER_TASK, 4) | dict.fromkeys(ONCE, 1) | {"tune_generalists": 2, "measure_transfer": 2}
    assert added == Counter(numbers)
    assert not alone - both and not other - both
    assert "deactivate_neurons" in alone and "deactivate_neurons" not in other
    assert "summarise_deactivation" not in other
    assert added == Counter({name: number for name, number in other.items() if name in LAYERS})


def test_full_tuning_compares_the_model_of_the_neuron_studies_and_lora_one_of_its_own(project):
    """Either way the sets that are joined with the layers are of the model whose layers they are."""
    joint = "results/tables/layers_joint.csv"
    full = jobs(project, joint, studies=["layers"])
    of_multitask = {"tune_multitask", "attribute_scores", "select_neurons"}
    of_adapter = {"merge_adapter", "attribute_experimental", "select_experimental"}
    assert of_multitask <= set(full) and not of_adapter & set(full)
    lora = jobs(project, joint, studies=["layers"], tuning=LORA)
    assert set(full) - set(lora) == of_multitask
    assert set(lora) - set(full) == of_adapter
    # Two tasks of the first seed, and one selection.
    assert {name: lora[name] for name in of_adapter} == {
        "merge_adapter": 2, "attribute_experimental": 2, "select_experimental": 2,
    }  # fmt: skip
    assert lora["tune_generalists"] == full["tune_generalists"] == 2
    compared = "results/layers/mine/small/seed1/comparison/echo.csv"
    needed = jobs(project, compared, studies=["layers"], tuning=LORA)
    assert needed["merge_adapter"] == needed["tune_generalists"] == 1
