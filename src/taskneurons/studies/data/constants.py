"""The score of the best constant answer of a task: what a model reaches that does not read the input."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from random import Random
from statistics import fmean, pstdev

from taskneurons.files import write_json
from taskneurons.job import Job, NoSettings
from taskneurons.measures.metrics import accuracy, rouge_l
from taskneurons.tasks.storage import read_split, read_task
from taskneurons.tasks.task import Task

# Enough to find a good constant answer; every pair costs a comparison of two texts.
CANDIDATES = 40
JUDGES = 100


@dataclass(frozen=True)
class ConstantAnswer:
    """A constant answer, in the form of `constant.json`.

    Attributes:
        answer: the text.
        metric: accuracy or rougeL.
        score: percent on the test split.
        spread: of a generation, the standard deviation of the score over the examples of the test split, in points;
            None of a classification, where it follows from the score.
    """

    answer: str
    metric: str
    score: float
    spread: float | None = None


def constant_answer(
    task: Task, train: Sequence[tuple[str, ...]], test: Sequence[tuple[str, ...]], seed: int = 0
) -> ConstantAnswer:
    """The answer of the training split that, given to every input, scores best there, and its score on the test split.

    For a classification that is the most frequent class (accuracy); for a generation the best of up to 40 training
    answers by mean ROUGE-L against up to 100 others.

    Args:
        task: what is answered.
        train: the right answers of each example of the training split, the one to train on first.
        test: those of the test split.
        seed: of the draw of training answers.
    """
    answers = [first for first, *_ in train]
    if task.kind == "classification":
        # Ties go to the alphabet, so that the order of the data does not matter.
        answer = max(sorted(set(answers)), key=answers.count)
        return ConstantAnswer(answer, "accuracy", accuracy([answer] * len(test), [first for first, *_ in test]))
    random = Random(seed)
    distinct = sorted(set(answers))
    candidates = random.sample(distinct, min(CANDIDATES, len(distinct)))
    judges = random.sample(list(train), min(JUDGES, len(train)))
    answer = max(candidates, key=lambda text: rouge_l([text] * len(judges), judges, task.words))
    scores = [rouge_l([answer], [right], task.words) for right in test]
    return ConstantAnswer(answer, "rougeL", fmean(scores), pstdev(scores))


# Jobs


def score_constants(job: Job[NoSettings]) -> None:
    """Score the best constant answer of each of some tasks."""
    for path in job.outputs["constants"]:
        train, test = ([one.references for one in read_split(path.parent, split)] for split in ("train", "test"))
        write_json(path, asdict(constant_answer(read_task(path.parent), train, test)))
