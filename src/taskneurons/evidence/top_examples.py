"""The examples that drive a neuron hardest, as the report shows them: one example of one neuron a row."""

from dataclasses import dataclass
from typing import Annotated

from taskneurons.table import Column, Table


@dataclass(frozen=True)
class TopExample:
    """One of the test examples that activate a neuron most.

    Attributes:
        layer: of the neuron, from 0, nearest to the input.
        neuron: its number in the layer.
        rank: of the example, from 1, the strongest.
        task: that the example belongs to.
        example: its id.
        activation: the greatest by magnitude, over the tokens of prompt and correct answer.
    """

    layer: Annotated[int, Column(low=0)]
    neuron: Annotated[int, Column(low=0)]
    rank: Annotated[int, Column(low=1)]
    task: str
    example: str
    activation: Annotated[float, Column(measured=True)]


TOP_EXAMPLES = Table(TopExample)
