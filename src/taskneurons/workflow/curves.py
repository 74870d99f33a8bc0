"""What the study that trains neurons asks of the workflow: whose curves are made, and what is trained for them."""

from collections.abc import Mapping
from typing import Any

from taskneurons.evidence.tasks import KINDS
from taskneurons.workflow.grouped import Grouped
from taskneurons.workflow.plan import present


class Curves:
    """The parameters as the rules of this study ask them; what they give is a value of `settings`.

    Args:
        grouped: tasks that are trained on, and how sets are made.
    """

    def __init__(self, grouped: Grouped) -> None:
        self.grouped, self.params = grouped, grouped.plan.params

    def tasks(self, suite: str) -> tuple[str, ...]:
        """The tasks whose curves are made: the first of each kind that is trained on."""
        count = present(self.params.curves).tasks
        return tuple(task for kind in KINDS for task in self.grouped.tasks(suite, "train", kind)[:count])

    def recipe(self, *, seed: int) -> Mapping[str, Any]:
        """How the trainings behind curves are done, read and tested: the rate stays after the warm-up."""
        curves = present(self.params.curves)
        return {
            "steps": curves.readings[-1],
            "batch_size": curves.batch_size,
            "warmup": curves.warmup,
            "seed": seed,
            "evaluation": self.params.evaluation,
            "limit": curves.test_examples,
            "decay": "none",
            "readings": curves.readings,
        }

    def cells(self) -> list[Mapping[str, Any]]:
        """What is trained in each cell of the grid; see `taskneurons.studies.training.measure.CellPlan`."""
        curves = present(self.params.curves)
        return [
            {
                "selection": self.grouped.selections([percent])[0],
                "learning_rate": rate,
                "controls": curves.controls
                if percent in curves.control_percents
                and (curves.controls_everywhere or rate == curves.centre.learning_rate)
                else (),
            }
            for percent, rate in curves.trained()
        ]
