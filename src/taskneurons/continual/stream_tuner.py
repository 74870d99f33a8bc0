"""Where methods learn: a base model that is fine-tuned on a stream of classification tasks and tested by example."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from taskneurons.engine.evaluation import PreparedTask, evaluate_examples, prepare
from taskneurons.engine.fine_tuner import FineTuner
from taskneurons.engine.representations import representations
from taskneurons.errors import InputError
from taskneurons.models.encoding import Encoded, encode_options
from taskneurons.tasks.storage import read_task

ACCURACIES = ("accuracy", "accuracy_restricted")
"""Of what the model writes, and of the options alone."""
Right = Mapping[str, Float[np.ndarray, " example"]]
"""By accuracy: 100 for each example that is answered right, else 0."""


@dataclass(frozen=True, eq=False)
class StreamTuner(FineTuner):
    """A base model with what all methods have in common: the tasks' examples, and the budget that every stage has.

    Raises:
        InputError: a task is no classification.
    """

    _batches: dict[str, list[tuple[np.ndarray, PreparedTask]]] = field(default_factory=dict)
    _features: dict[tuple[str, str, int], np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for folder in self.tasks.values():
            task = read_task(folder)
            if task.kind != "classification":
                raise InputError(
                    "the scores of a stream are accuracies (Leng & Xiong 2025, Eq. 4), which a generation has not",
                    where=f"task {task.name}",
                    remedy="Leave it out of the orders",
                )

    def prompts(self, task: str) -> list[Encoded]:
        """The examples that the task is tested on; methods may read their prompts, never their answers."""
        return self._split(task, self.recipe.split)

    def tested(self, task: str) -> PreparedTask:
        """All of `prompts`, ready to be evaluated."""
        if task not in self._prepared:
            self._prepared[task] = self._prepare(task, range(len(self.prompts(task))))
        return self._prepared[task]

    def correct(self, task: str, rows: Sequence[int] | None = None) -> Right:
        """For each test example, or each of some, 100 where the model as it is now answers it right, else 0.

        Args:
            task: that is tested.
            rows: places of examples among `prompts(task)`; None: all.
        """
        prepared = self.tested(task) if rows is None else self._prepare(task, rows)
        return self._right(prepared, self.recipe.evaluation.batch_size)

    def batches(self, task: str) -> list[tuple[np.ndarray, PreparedTask]]:
        """The test examples in batches of like length: their places among `prompts(task)`, as the model meets them."""
        if task not in self._batches:
            lengths = [len(example.prompt) + len(example.target) for example in self.prompts(task)]
            order = np.argsort(lengths, kind="stable")
            self._batches[task] = []
            for begin in range(0, len(order), self.recipe.evaluation.batch_size):
                rows = order[begin : begin + self.recipe.evaluation.batch_size]
                batch = self._prepare(task, rows.tolist())
                self._batches[task].append((rows[batch.order], batch))
        return self._batches[task]

    def correct_in_batch(self, batch: PreparedTask) -> Right:
        """As `correct`, of one of `batches`, which is not cut again."""
        return self._right(batch, len(batch))

    def score(self, task: str) -> dict[str, tuple[float, int]]:
        """Both accuracies of the model as it is now, in percent, and the number of test examples."""
        return averaged(self.correct(task))

    def features(self, examples: Sequence[Encoded]) -> Float[np.ndarray, "example width"]:
        """The last layer's features of prompts in the model as it is, mean over tokens (Leng & Xiong 2025, Eq. 10)."""
        found = representations(
            self.base.model,
            examples,
            pad_id=self.base.tokenizer.pad_token_id,
            batch_size=self.recipe.evaluation.batch_size,
            position="mean",
        )
        last: np.ndarray = found[-1]
        return last

    def base_features(self, task: str, split: str, limit: int) -> Float[np.ndarray, "example width"]:
        """Features of a split's first prompts in the base model, which must be as it was loaded; computed once."""
        key = (task, split, limit)
        if key not in self._features:
            self._features[key] = self.features(self._split(task, split)[:limit])
        return self._features[key]

    def _reserve(self, task: str) -> int:
        """That of the longest label."""
        return max(map(len, encode_options(read_task(self.tasks[task]).options, self.base.tokenizer)))

    def _right(self, prepared: PreparedTask, batch_size: int) -> Right:
        return evaluate_examples(
            self.base.model,
            prepared,
            batch_size=batch_size,
            max_new_tokens=self.recipe.evaluation.max_new_tokens,
            metrics=ACCURACIES,
        )

    def _prepare(self, task: str, rows: Sequence[int]) -> PreparedTask:
        examples = self.prompts(task)
        options = encode_options(read_task(self.tasks[task]).options, self.base.tokenizer)
        return prepare("classification", [examples[row] for row in rows], self.base.tokenizer, options=options)


def averaged(right: Right) -> dict[str, tuple[float, int]]:
    """The mean of each accuracy, and the number of examples."""
    return {name: (float(values.mean()), len(values)) for name, values in right.items()}
