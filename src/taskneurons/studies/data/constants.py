"""The score of the best constant answer of a task: what a model reaches that does not read the input."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from random import Random

from taskneurons.files import write_json
from taskneurons.job import Job, NoSettings
from taskneurons.measures.metrics import accuracy, rouge_l
from taskneurons.tasks.storage import read_split, read_task
from taskneurons.tasks.task import Kind

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
    """

    answer: str
    metric: str
    score: float


def constant_answer(kind: Kind, train: Sequence[str], test: Sequence[str], seed: int = 0) -> ConstantAnswer:
    """The answer of the training split that, given to every input, scores best there, and its score on the test split.

    For a classification that is the most frequent class (accuracy); for a generation the best of up to 40 training
    answers by mean ROUGE-L against up to 100 others.

    Args:
        kind: classification or generation.
        train: answers of the training split.
        test: answers of the test split.
        seed: of the draw of training answers.
    """
    if kind == "classification":
        # Ties go to the alphabet, so that the order of the data does not matter.
        answer = max(sorted(set(train)), key=train.count)
        return ConstantAnswer(answer, "accuracy", accuracy([answer] * len(test), test))
    random = Random(seed)
    distinct = sorted(set(train))
    candidates = random.sample(distinct, min(CANDIDATES, len(distinct)))
    judges = random.sample(list(train), min(JUDGES, len(train)))
    answer = max(candidates, key=lambda text: rouge_l([text] * len(judges), judges))
    return ConstantAnswer(answer, "rougeL", rouge_l([answer] * len(test), test))


# Jobs


def score_constants(job: Job[NoSettings]) -> None:
    """Score the best constant answer of each of some tasks."""
    for path in job.outputs["constants"]:
        train, test = ([one.target for one in read_split(path.parent, split)] for split in ("train", "test"))
        write_json(path, asdict(constant_answer(read_task(path.parent).kind, train, test)))
