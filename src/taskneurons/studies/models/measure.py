"""What the models score on the test splits of their tasks."""

from dataclasses import dataclass
from typing import cast

from taskneurons.engine.evaluation import BESIDE, METRICS, Evaluation, evaluate_tasks
from taskneurons.engine.execution import Execution
from taskneurons.evidence.measurements import MEASUREMENTS, Measurement, Metric
from taskneurons.job import Job
from taskneurons.models.load import DType

EVERY_METRIC = {kind: METRICS[kind] + BESIDE[kind] for kind in METRICS}

# Jobs


@dataclass(frozen=True)
class EvaluateSettings:
    """Settings of `evaluate_multitask`.

    Attributes:
        evaluation: how answers are generated and scored.
        dtype: precision in which the model is loaded.
    """

    evaluation: Evaluation
    dtype: DType


def evaluate_multitask(job: Job[EvaluateSettings]) -> None:
    """Evaluate a multi-task model on the test split of some of its tasks."""
    settings, paths = job.settings, job.outputs.by_stem("rows")
    folders = list(job.inputs.folders("tasks").values())
    execution = Execution.of(job, settings.dtype)
    checkpoint = job.inputs.folder("checkpoint")
    for task, scores in evaluate_tasks(checkpoint, folders, settings.evaluation, execution, EVERY_METRIC):
        rows = [
            Measurement(
                study="models",
                model=job.model,
                suite=job.suite,
                seed=job.seed,
                condition="original",
                train_task=None,
                test_task=score.test_task,
                percent=None,
                estimator=None,
                selection=None,
                intervention=None,
                draw=None,
                metric=cast(Metric, score.metric),
                value=score.value,
                n=score.n,
            )
            for score in scores
        ]
        MEASUREMENTS.write(paths[task], rows)
