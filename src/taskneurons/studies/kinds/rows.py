"""The rows of the tables of kinds."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from taskneurons.table import Column, Table

Predictor = Literal["jaccard", "prompt_words", "answer_words", "same_family"]
PREDICTORS: tuple[Predictor, ...] = get_args(Predictor)
Outcome = Literal["loss_gain", "gain"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
Pairs = Literal["across", "all"]
PAIRS: tuple[Pairs, ...] = get_args(Pairs)
Given = Literal["", "means of tasks", "means of tasks, words"]
GIVENS: tuple[Given, ...] = get_args(Given)
Use = Literal["trained", "tested"]
Share = Annotated[float, Column(low=0, high=1, measured=True)]
# A coefficient may pass 1 by rounding, so it has no limits.
Coefficient = Annotated[float | None, Column(measured=True)]
Score = Annotated[float | None, Column(unit="%", low=0, high=100, measured=True)]
Note = Annotated[str, Column(measured=True)]


@dataclass(frozen=True)
class PairRow:
    """A task that one model was tuned on, and a task that the model was not tuned on.

    Attributes:
        suite, model, seed: the run.
        train_task, test_task: the tasks.
        train_family, test_family: their families, the kinds of this study.
        jaccard: Jaccard index of their tops, over the whole pre-trained model.
        prompt_words, answer_words: Jaccard index of the sets of words of their training prompts, and answers.
        gain: score (accuracy or ROUGE-L) of the tuned model on the test task less that of the untuned one.
        loss_gain: loss of the untuned model on the test task less that of the tuned one.
    """

    suite: str
    model: str
    seed: Annotated[int, Column(low=0)]
    train_task: str
    test_task: str
    train_family: Annotated[str, Column(measured=True)]
    test_family: Annotated[str, Column(measured=True)]
    jaccard: Share
    prompt_words: Share
    answer_words: Share
    gain: Annotated[float, Column(unit="points", measured=True)]
    loss_gain: Annotated[float, Column(unit="nats a token", measured=True)]


@dataclass(frozen=True)
class StateRow:
    """What a task scores in one model before and after tuning.

    Attributes:
        suite, model, seed: the run.
        task: its name.
        family: the kind of this study.
        use: whether models are tuned on it, or tested with it alone.
        constant: score of the best constant answer; empty where it is not known.
        untuned: score of the pre-trained model.
        tuned: score after tuning on the task; of a task that only tests, the highest of all tuned models.
    """

    suite: str
    model: str
    seed: Annotated[int, Column(low=0)]
    task: str
    family: Annotated[str, Column(measured=True)]
    use: Annotated[Use, Column(measured=True)]
    constant: Score
    untuned: Annotated[float, Column(unit="%", low=0, high=100, measured=True)]
    tuned: Annotated[float, Column(unit="%", low=0, high=100, measured=True)]


@dataclass(frozen=True)
class TaskRow:
    """Whether a task can tell: it can be learned, and leaves room to gain. Means over seeds.

    Attributes:
        suite, model: the run.
        task: its name.
        family: the kind of this study.
        use: whether models are tuned on it, or tested with it alone.
        seeds: of the run.
        constant: score of the best constant answer; empty where it is not known.
        untuned: score of the pre-trained model.
        tuned: score after tuning on the task; of a task that only tests, the highest of all tuned models.
        tells: whether the task is in the tests.
        reason: why it is not.
    """

    suite: str
    model: str
    task: str
    family: Annotated[str, Column(measured=True)]
    use: Annotated[Use, Column(measured=True)]
    seeds: Annotated[int, Column(unit="seeds", low=1, measured=True)]
    constant: Score
    untuned: Score
    tuned: Score
    tells: Annotated[bool, Column(measured=True)]
    reason: Note


@dataclass(frozen=True)
class CorrelationRow:
    """Does something that two tasks share go with what training on one gives the other?

    Outcomes are ranked within each test task; so is the predictor.

    Attributes:
        suite, model: the run.
        pairs: all pairs of a training and a test task, or those of different families alone.
        predictor: jaccard of the tops; words of prompts or answers that both have, the surface; whether both are of one
            family.
        outcome: gain in loss or in score.
        given: what is taken out of both first: each task's mean, and the words that both have.
        seeds: of the run.
        trained, tested: tasks that can tell.
        n: pairs.
        value: mean over seeds of the rank correlation.
        low, high: limits of its t interval over seeds; it does not cover the choice of tasks.
        joined: the correlation of the mean values over seeds.
        p_value: of `joined`, two-sided, by permutation of the labels of training and test tasks; not adjusted.
        permutations: labellings that make the null.
        reason: why there is no value.
    """

    suite: str
    model: str
    pairs: Pairs
    predictor: Predictor
    outcome: Outcome
    given: Given
    seeds: Annotated[int, Column(unit="seeds", low=1, measured=True)]
    trained: Annotated[int, Column(unit="tasks", low=0, measured=True)]
    tested: Annotated[int, Column(unit="tasks", low=0, measured=True)]
    n: Annotated[int, Column(unit="pairs", low=0, measured=True)]
    value: Coefficient = None
    low: Coefficient = None
    high: Coefficient = None
    joined: Coefficient = None
    p_value: Annotated[float | None, Column(low=0, high=1, measured=True)] = None
    permutations: Annotated[int | None, Column(unit="orders", measured=True)] = None
    reason: Note = ""


def _correlation_order(row: CorrelationRow) -> tuple[object, ...]:
    return (
        row.suite, row.model, OUTCOMES.index(row.outcome), PAIRS.index(row.pairs), PREDICTORS.index(row.predictor),
        GIVENS.index(row.given),
    )  # fmt: skip


PAIR = Table(PairRow, order=lambda row: (row.suite, row.model, row.seed, row.train_task, row.test_task))
STATES = Table(StateRow, order=lambda row: (row.suite, row.model, row.seed, row.use, row.task))
TASKS = Table(TaskRow, order=lambda row: (row.suite, row.model, row.use, row.task))
CORRELATIONS = Table(CorrelationRow, order=_correlation_order)
TABLES: dict[str, Table[Any]] = {"kinds_correlation": CORRELATIONS, "kinds_tasks": TASKS, "kinds": PAIR}
