"""The prompts of a stream suite: one instruction for each kind of task, and the options of the task.

As in the public code of O-LoRA (Wang et al. 2023), which the benchmark of the paper follows: "What is the topic of the
following paragraph? Choose one from the option. Option: World, Sports, ... Answer:". An instruction of its own for each
task would name the task, and an answer that is not listed would test whether a model remembers the label words.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from taskneurons.tasks.task import SLOT

INSTRUCTIONS: Mapping[str, str] = MappingProxyType(
    {
        "topic": "what is the topic of the following text",
        "sentiment": "what is the sentiment of the following text",
        "nli": "what is the logical relationship between the two sentences",
        "paraphrase": "do the two questions have the same meaning",
    }
)
"""By the family of the task."""


def stream_template(family: str, options: Sequence[str]) -> str:
    """The one template of a task: the instruction of its family, its options, the text."""
    return f"{INSTRUCTIONS[family]} ? option : {' '.join(options)} . {SLOT} . answer :"
