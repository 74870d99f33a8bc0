"""Parameters of the neurons of two tasks inside fully tuned models, and how these models do on other tasks.

Leng & Xiong 2025, Figure 3 and Table 4: one model for each training task, tuned as a whole on it alone. The neurons
are those that scores on the pre-trained model select; tuning moves their parameters, not the sets.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from jaxtyping import Float
from torch import nn

from taskneurons.engine.cells import Cell, Condition, run_cells
from taskneurons.engine.fine_tuner import FineTuner
from taskneurons.engine.rates import Arm, Rates, rate
from taskneurons.engine.tuning import tuned
from taskneurons.measures.similarity import parameter_similarity
from taskneurons.models.ffn import neuron_shape
from taskneurons.models.neuron_weights import neuron_weights
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.selection import Selection
from taskneurons.neurons.sets import NeuronSet


def compare_parameters(
    tuner: FineTuner,
    scores: Mapping[str, NeuronScores],
    tasks: Sequence[str],
    unseen: Sequence[str],
    rates: Rates,
    *,
    selection: Selection,
) -> Iterator[tuple[list[dict[str, Any]], list[dict[str, Any]]]]:
    """Tune the model on each training task; compare, layer by layer, its neurons with those of each test task.

    Args:
        tuner: the pre-trained model and the tasks.
        scores: of all tasks, on that model.
        tasks: that are trained on, each by itself.
        unseen: that only test.
        rates: the learning rate of the arm `full`.
        selection: of the sets.

    Yields:
        Tidy rows of scores (conditions zero_shot and full) and rows of similarities: `state` (base, or tuned on
        `train_task`), `train_task`, `test_task`, `layer` from 0, and the fields of `ParameterSimilarity`. First for the
        model as it is, with the sets of all pairs, then for each tuned model, which knows its own task's set.
    """
    sets = {task: selection.of(scores[task]) for task in (*tasks, *unseen)}
    learning_rate = rate(rates, Arm("full"))
    cells = [Cell((*tasks, *unseen), Condition("zero_shot"))]
    for task in tasks:
        condition = Condition("full", task, learning_rate=learning_rate)
        cells.append(Cell((task, *unseen), condition, "full", (task,), keep=True))
    model = tuner.base.model
    for cell, scored, result in run_cells(tuner, cells, name="similarity"):
        if result is None:
            state, trained, parameters = "base", tuple(tasks), layer_parameters(model)
        else:
            with tuned(model, result, base=tuner.base.digest):
                state, trained, parameters = "tuned", cell.train, layer_parameters(model)
        found = [
            {"state": state, "train_task": task, "test_task": other, "layer": layer}
            | asdict(parameter_similarity(values, sets[task].mask[layer], sets[other].mask[layer]))
            for task in trained
            for other in unseen
            for layer, values in enumerate(parameters)
        ]
        yield [cell.condition.columns() | asdict(score) for score in scored], found


def layer_parameters(model: nn.Module) -> list[Float[np.ndarray, "neuron width"]]:
    """The parameters of every FFN neuron, one row a neuron, layer by layer, as float32 copies.

    A row holds the neuron's rows of the input projections (gate, up), their biases where neurons own some, and its
    column of the output projection.
    """
    every = NeuronSet(np.ones(neuron_shape(model), dtype=bool))
    parts: list[list[np.ndarray]] = [[] for _ in range(every.shape[0])]
    for place in neuron_weights(model, every):
        rows, bias = place.read()
        own = parts[int(place.name.split(".")[1])]
        own.append(rows.float().cpu().numpy())
        if bias is not None:
            own.append(bias.float().cpu().numpy()[:, None])
    return [np.concatenate(own, axis=1) for own in parts]
