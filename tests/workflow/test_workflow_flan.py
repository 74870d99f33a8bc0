"""FLAN through the real workflow: what its parameter file plans, and its tasks made of a small mirror."""

import json
from collections import Counter

import yaml
from projects import ROOT, lay

from taskneurons.params.show import show

TASKS = 66


def test_the_scale_of_the_layers_paper_plans_with_every_task(tmp_path):
    project = lay(tmp_path / "project", seeds=[0], tasks_per_job=1)
    # In place of the folder's own parameters, so that no other run's records are read.
    project.path("params.yaml").write_text(show(ROOT / "params/flan.yaml"))
    counts: Counter[str] = Counter()
    for rule, number in project.planned().items():
        counts["_".join(rule.split("_")[:2])] += number
    each = ("make_tasks", "tune_controls", "compare_layers", "measure_transfer", "attribute_scores")
    assert {name: counts[name] for name in each} == dict.fromkeys(each, TASKS)
    assert counts["tune_generalists"] == counts["import_model"] == counts["join_layers"] == 1


def test_tasks_are_made_of_a_mirror_and_no_other_suite_is_made_again(tmp_path):
    project = lay(tmp_path / "project", seeds=[0], tasks_per_job="all")
    folder = project.path("raw/mirror/Muennighoff__flan")
    for split in ("train", "validation", "test"):
        for task in ("rte", "samsum"):
            rows = [
                {"inputs": f"{task} {split} {n} ?", "targets": f"{n}", "task": f"{task}_10templates"} for n in range(20)
            ]
            path = folder / split / f"{task}_10templates_{split}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    own = "results/data/mine/tasks/echo/task.json"
    project.snakemake(own)
    params = yaml.safe_load(project.path("params.yaml").read_text())
    params["suites"]["flan"] = {
        "source": "flan", "tasks": ["rte", "samsum"], "train": 12, "validation": 4, "test": 8, "seed": 0,
        "max_invalid_percent": 5.0, "mirror": "raw/mirror", "revision": "a" * 40, "corpus": 50,
    }  # fmt: skip
    params["runs"].append(params["runs"][0] | {"suite": "flan"})
    project.path("params.yaml").write_text(yaml.safe_dump(params))
    made = "results/data/flan/tasks/rte/task.json"
    assert project.planned(made, own) == {"make_tasks_flan_all": 1}
    project.snakemake(made)
    families = {}
    for path in sorted(project.path("results/data/flan/tasks").iterdir()):
        families[path.name] = json.loads((path / "task.json").read_text())["family"]
        assert len((path / "train.jsonl").read_text().splitlines()) == 12
    assert families == {"rte": "nli", "samsum": "summarization"}
