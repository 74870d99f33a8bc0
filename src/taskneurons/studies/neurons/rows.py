"""The rows of the tables of the neuron sets."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from taskneurons.table import Column, Table


@dataclass(frozen=True)
class LayerShare:
    """The share of a task's set that lies in one layer.

    Attributes:
        study: neurons.
        model, suite, seed: the run.
        condition: task, since the set is the task's own.
        train_task: the task.
        test_task: empty, since nothing is tested.
        percent: share of the neurons that was selected.
        estimator: the scores that ranked the neurons.
        selection: ranked over the whole model or in each layer.
        intervention: empty, since nothing is deactivated.
        draw: empty, since nothing is drawn.
        layer: from 0, nearest to the input.
        metric: layer_share.
        value: the share.
        n: neurons of the whole set.
    """

    study: str
    model: str
    suite: str
    seed: Annotated[int, Column(low=0)]
    condition: Literal["task"]
    train_task: str
    test_task: str
    percent: Annotated[float, Column(unit="% of the neurons", low=0, high=100)]
    estimator: str
    selection: str
    intervention: str
    draw: int | None
    layer: Annotated[int, Column(low=0)]
    metric: Literal["layer_share"]
    value: Annotated[float, Column(unit="% of the set", low=0, high=100, measured=True)]
    n: Annotated[int, Column(unit="neurons", low=1, measured=True)]


def order(row: LayerShare) -> tuple[Any, ...]:
    """Run, selection, task, layer."""
    return row.suite, row.model, row.seed, row.estimator, row.percent, row.selection, row.train_task, row.layer


LAYER_SHARES = Table(LayerShare, order)
TABLES: dict[str, Table[Any]] = {"neurons": LAYER_SHARES}
