"""Parameters of the similarity of what two tasks' neurons hold."""

from pydantic import PositiveInt

from taskneurons.params.schedule import Schedule
from taskneurons.params.section import Section, described


class Similarity(Section):
    """Parameters of the neurons of two tasks inside fully tuned models, and transfer (Figure 3, Table 4)."""

    percent: float = described("share of the neurons that are a task's", "% of the neurons", gt=0, le=100)
    tuning: Schedule = described("tuning of the whole model on each task", "-")
    test_examples: PositiveInt = described("test examples of each task, at most", "examples")
    draws: PositiveInt = described("permutations of tasks in every test, where they are not enumerated", "draws")
