"""What a rule says reaches the function of its job in the types that the function declares."""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from taskneurons.engine.evaluation import Evaluation
from taskneurons.engine.execution import Execution
from taskneurons.engine.fine_tuner import Recipe
from taskneurons.job import NoSettings
from taskneurons.lineage.fingerprint import settings
from taskneurons.params.loading import load_params
from taskneurons.workflow.handing import job_of
from taskneurons.workflow.plan import Plan
from taskneurons.workflow.resources import JobResources

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Given:
    evaluation: Evaluation
    recipe: Recipe


def test_the_batch_size_of_tests_is_granted_and_not_compared():
    params = load_params(ROOT / "params.yaml")
    recipe = {"steps": 2, "batch_size": 4, "warmup": 0, "seed": 0, "evaluation": params.evaluation}
    text = settings(evaluation=params.evaluation, recipe=recipe)
    assert text.count("batch_size") == 1, "that of the training alone"
    size = params.workflow.evaluation_batch_size
    resources_of = JobResources(Plan(params), {}.get)
    for resources in (resources_of.model(), resources_of.training()):
        rule = SimpleNamespace(
            params=SimpleNamespace(settings=text, code="code"),
            resources=resources,
            threads=1,
            input={},
            output={},
            wildcards={},
        )
        job = job_of(rule, Given, {})
        expected = Evaluation(size, params.evaluation.max_new_tokens)
        assert (job.settings.evaluation, job.settings.recipe.evaluation) == (expected, expected)
        assert job.settings.recipe.batch_size == 4
        assert job.evaluation_batch_size == size
        assert str(size) not in job.identity
        assert (job.micro_batch_size, job.gradient_checkpointing) == (None, False)


def test_how_a_training_fits_its_memory_is_granted_and_not_compared():
    params = load_params(ROOT / "params.yaml")
    workflow = params.workflow.model_copy(update={"micro_batch_size": 3, "gradient_checkpointing": True})
    granted = JobResources(Plan(params.model_copy(update={"workflow": workflow})), {}.get).training()
    rule = {
        "params": SimpleNamespace(settings=settings(), code="code"),
        "threads": 1,
        "input": {},
        "output": {"rows": "results/rows.csv"},
        "wildcards": {},
    }
    job = job_of(SimpleNamespace(**rule, resources={**granted, "gpu": 0}), NoSettings, {})
    execution = Execution.of(job)
    assert (execution.micro_batch_size, execution.gradient_checkpointing) == (3, True)
    plain = JobResources(Plan(params), {}.get).training()
    assert job.identity == job_of(SimpleNamespace(**rule, resources=plain), NoSettings, {}).identity
