"""What the studies share that train neurons on groups of tasks: the tasks, the recipe, the sets, the learning rates."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from taskneurons.evidence.tasks import KINDS, Kind
from taskneurons.params.schedule import Schedule
from taskneurons.workflow.plan import Plan, present

Role = Literal["train", "test"]


class Grouped:
    """The parameters as the rules of these studies ask them; what they give is a value of `settings`.

    Args:
        plan: runs and tasks.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    # Tasks

    def tasks(self, suite: str, role: Role, kind: Kind) -> tuple[str, ...]:
        """The tasks of one kind that are trained on, or that only test."""
        found: tuple[str, ...] = getattr(self.plan.params.groups[suite], f"{role}_{kind}")
        return found

    def trained(self, suite: str, kinds: Iterable[Kind] = KINDS) -> tuple[str, ...]:
        """The tasks that are trained on, classification first."""
        return tuple(task for kind in kinds for task in self.tasks(suite, "train", kind))

    def unseen(self, suite: str) -> tuple[str, ...]:
        """The tasks that only test, classification first."""
        return tuple(task for kind in KINDS for task in self.tasks(suite, "test", kind))

    def joint(self, suite: str, kind: Kind, tested: Iterable[Kind] = KINDS) -> Mapping[str, Any]:
        """The tasks of a kind, which are trained on together, with those of some kinds that only test.

        See `taskneurons.engine.task_groups.TaskGroup`.
        """
        unseen = [task for other in tested for task in self.tasks(suite, "test", other)]
        return {"group": kind, "tasks": self.tasks(suite, "train", kind), "unseen": unseen}

    # How neurons are trained

    def course(self, schedule: Schedule, **more: object) -> Mapping[str, Any]:
        """How the fine-tunings of a study are done and tested; their rate is handed to the job apart.

        See `taskneurons.engine.fine_tuner.Recipe`.

        Args:
            schedule: of the study.
            more: what the parameters do not say: the seed, the number of test examples.
        """
        return {**schedule.model_dump(exclude={"learning_rate"}), "evaluation": self.plan.params.evaluation, **more}

    def selections(self, percents: Iterable[float]) -> list[Mapping[str, Any]]:
        """How sets of some shares are made of scores on the pre-trained model."""
        training = present(self.plan.params.training)
        return [
            {"estimator": training.estimator, "percent": percent, "within": training.within} for percent in percents
        ]
