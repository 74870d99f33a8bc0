"""What tasks and neutral text score while neurons are deactivated; equal interventions are measured once."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from taskneurons.engine.deactivation import deactivated
from taskneurons.engine.evaluation import Evaluation, PreparedTask, Score, evaluate, prepare, score_task
from taskneurons.errors import InputError
from taskneurons.models.encoding import Encoded
from taskneurons.models.load import Checkpoint
from taskneurons.models.plain_text import encode_text
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.sets import NeuronSet
from taskneurons.tasks.neutral import Neutral, neutral_texts

# No task has such a name.
NEUTRAL = "neutral text"


@dataclass(frozen=True)
class Ablation:
    """Neurons that are deactivated, and what their activations become.

    Attributes:
        neurons: which; the empty set is the untouched model.
        means: scores with the mean activation that each neuron takes; None: they become zero.
    """

    neurons: NeuronSet
    means: NeuronScores | None = None


class AblationTester:
    """Measures a model's tasks and neutral text under ablations. What is the same neurons and values is measured once.

    Args:
        loaded: the model.
        neutral: encoded neutral texts.
        evaluation: how answers are generated and scored.
    """

    def __init__(self, loaded: Checkpoint, neutral: Sequence[Encoded], evaluation: Evaluation) -> None:
        self._loaded, self._evaluation = loaded, evaluation
        # The "answer" of a text is the text itself; nothing is generated, so no reference counts.
        self._neutral = prepare("generation", neutral, loaded.tokenizer, references=[()] * len(neutral))
        self._losses: dict[Ablation, float] = {}
        self._scores: dict[tuple[str, Ablation, tuple[str, ...]], list[Score]] = {}

    def neutral_loss(self, ablation: Ablation) -> float:
        """Nats a token of neutral text, averaged over the texts."""
        key = _content(ablation)
        if key not in self._losses:
            with _under(self._loaded, key):
                found = evaluate(
                    self._loaded.model, self._neutral, batch_size=self._evaluation.batch_size, metrics=["loss"]
                )
            self._losses[key] = found["loss"][0]
        return self._losses[key]

    def scores(self, name: str, task: PreparedTask, ablation: Ablation, metrics: Sequence[str]) -> list[Score]:
        """The scores of a task.

        Args:
            name: of the task.
            task: its examples.
            ablation: under which it is tested.
            metrics: of the task's kind.
        """
        key = name, _content(ablation), tuple(metrics)
        if key not in self._scores:
            with _under(self._loaded, key[1]):
                self._scores[key] = score_task(self._loaded.model, name, task, self._evaluation, metrics=metrics)
        return self._scores[key]


def _content(ablation: Ablation) -> Ablation:
    """What an ablation is by its effect: no neurons are no neurons, whatever they would become."""
    return ablation if ablation.neurons else Ablation(ablation.neurons)


def _under(loaded: Checkpoint, ablation: Ablation) -> AbstractContextManager[None]:
    if ablation.means is None:
        return deactivated(loaded.model, ablation.neurons)
    return deactivated(loaded.model, ablation.neurons, intervention="mean", means=ablation.means.activation_mean)


def encode_neutral(
    loaded: Checkpoint, neutral: Neutral, tasks: Mapping[str, Path], files: Sequence[Path]
) -> tuple[list[Encoded], list[Encoded]]:
    """Neutral texts as the model reads them: those that are scored, and those that are tested.

    Args:
        loaded: the model.
        neutral: which texts.
        tasks: the data folders of all tasks, for their inputs.
        files: of the user; one.

    Raises:
        InputError: see `neutral_texts` and `encode_text`.
    """
    longest = min(neutral.tokens, loaded.context - 1)
    scored, tested = (encode_text(texts, loaded.tokenizer, longest) for texts in neutral_texts(neutral, tasks, files))
    return scored, tested


def check_scored(scores: NeuronScores, loaded: Checkpoint, path: Path) -> None:
    """Refuse scores of another model.

    Raises:
        InputError: the scores of this file are of another model.
    """
    if scores.model_digest != loaded.digest:
        raise InputError(
            f"made with the model {scores.model_digest[:12]}, the checkpoint is {loaded.digest[:12]}",
            where=str(path),
            remedy="Make the scores again with this checkpoint",
        )
