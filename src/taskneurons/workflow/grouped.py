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

    def pilots(self, suite: str) -> tuple[str, ...]:
        """The tasks whose validation loss decides the learning rates: the first of each kind that is trained on."""
        return tuple(self.tasks(suite, "train", kind)[0] for kind in KINDS)

    # How neurons are trained

    def recipe(self, **more: object) -> Mapping[str, Any]:
        """How every fine-tuning is done and tested; see `taskneurons.engine.fine_tuner.Recipe`.

        Args:
            more: what the parameters do not say: the seed, the number of test examples.
        """
        training = present(self.plan.params.training)
        return {
            "steps": training.steps,
            "batch_size": training.batch_size,
            "warmup": training.warmup,
            "evaluation": self.plan.params.evaluation,
            **more,
        }

    def course(self, schedule: Schedule, **more: object) -> Mapping[str, Any]:
        """`recipe` of a study whose trainings have a course of their own; their rate is handed to the job apart."""
        return {**schedule.model_dump(exclude={"learning_rate"}), "evaluation": self.plan.params.evaluation, **more}

    def selections(self, percents: Iterable[float]) -> list[Mapping[str, Any]]:
        """How sets of some shares are made of scores on the pre-trained model."""
        training = present(self.plan.params.training)
        return [
            {"estimator": training.estimator, "percent": percent, "within": training.within} for percent in percents
        ]

    def trained_selections(self, *, first_seed: bool) -> list[Mapping[str, Any]]:
        """How sets are made that the study `training` trains; those of further shares with the first seed alone."""
        training = present(self.plan.params.training)
        return self.selections((*training.percents, *(training.first_seed_percents if first_seed else ())))

    def arms(self) -> Mapping[str, Any]:
        """What the study `training` trains and chooses learning rates for.

        Returns:
            `methods` that train all FFN neurons or the whole model, `conditions` that train sets of neurons, and the
            `selections` of these sets.
        """
        return {
            "methods": ("ffn", "full"),
            "conditions": ("task", "random", "other_task"),
            "selections": self.trained_selections(first_seed=True),
        }

    def training_figures(self) -> Mapping[str, Mapping[str, Any]]:
        """What each figure of the study `training` shows, by its name, and of which sets of neurons."""
        figures: dict[str, Mapping[str, Any]] = {}
        for place, selection in enumerate(self.trained_selections(first_seed=True)):
            shows = {"gains": "score", "gains-loss": "loss", "transfer": "transfer"}
            if place == 0:
                # At the first share alone each task was trained with every other task's neurons.
                shows["pairs"] = "pairs"
            slug = f"{selection['estimator']}-{selection['percent']:g}-{selection['within']}"
            setting = {
                "estimator": selection["estimator"],
                "percent": selection["percent"],
                "selection": selection["within"],
            }
            figures |= {f"{name}-{slug}": {"shows": what, "setting": setting} for name, what in shows.items()}
        return figures
