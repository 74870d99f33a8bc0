"""What two tasks of one model share, in neurons and in words, beside what training on one gives the other."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from taskneurons.errors import InputError
from taskneurons.evidence.runs import Run
from taskneurons.evidence.tasks import DescribedTask, described_tasks
from taskneurons.evidence.trained import TRAINED, Trained
from taskneurons.job import Job
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.selection import Selection
from taskneurons.neurons.special import load_scores
from taskneurons.studies.kinds.rows import PAIR, STATES, PairRow, StateRow, Use
from taskneurons.tasks.storage import read_split
from taskneurons.tasks.task import Example


@dataclass(frozen=True)
class Words:
    """The words of a task.

    Attributes:
        prompts, answers: the different words of its prompts, and of its answers.
    """

    prompts: frozenset[str]
    answers: frozenset[str]

    @classmethod
    def of(cls, examples: Iterable[Example]) -> "Words":
        """The words of examples, which are parted by spaces."""
        read = list(examples)
        return cls(
            frozenset(word for one in read for word in one.prompt.split()),
            frozenset(word for one in read for word in one.target.split()),
        )


def shared(one: frozenset[str], other: frozenset[str]) -> float:
    """Jaccard index of two sets of words; 0 where both are empty."""
    return len(one & other) / len(one | other) if one | other else 0.0


class Tuned:
    """What the models of one run score: untuned, and tuned as a whole on one task.

    Args:
        rows: of the study of similarity.
    """

    def __init__(self, rows: Iterable[Trained]) -> None:
        self._values = {(row.train_task, row.test_task, row.metric): row.value for row in rows}

    def value(self, train: str | None, test: str, metric: str) -> float:
        """A score or loss on `test` after tuning on `train`, or of the untuned model.

        Raises:
            InputError: it was not measured.
        """
        if (train, test, metric) not in self._values:
            raise InputError(f"no {metric} on {test} of the model tuned on {train or 'nothing'}", where="kinds study")
        return self._values[train, test, metric]

    def gain(self, train: str, test: str, metric: str) -> float:
        """What the tuned model has above the untuned one."""
        return self.value(train, test, metric) - self.value(None, test, metric)


def relate(
    run: Run,
    trained: Sequence[DescribedTask],
    tested: Sequence[DescribedTask],
    *,
    scores: Mapping[str, NeuronScores],
    words: Mapping[str, Words],
    selection: Selection,
    tuned: Tuned,
) -> list[PairRow]:
    """Every pair of a task that is trained on and one that only tests.

    Args:
        run: of the rows.
        trained, tested: the tasks.
        scores: of all these tasks, on the pre-trained model.
        words: of all these tasks.
        selection: of the tops.
        tuned: what the models score.
    """
    tops = {task.name: selection.of(scores[task.name]) for task in (*trained, *tested)}
    return [
        PairRow(
            run.suite,
            run.model,
            run.seed,
            one.name,
            other.name,
            one.family,
            other.family,
            jaccard=tops[one.name].jaccard(tops[other.name]),
            prompt_words=shared(words[one.name].prompts, words[other.name].prompts),
            answer_words=shared(words[one.name].answers, words[other.name].answers),
            gain=tuned.gain(one.name, other.name, other.score),
            loss_gain=-tuned.gain(one.name, other.name, "loss"),
        )
        for one, other in product(trained, tested)
    ]


def states(run: Run, trained: Sequence[DescribedTask], tested: Sequence[DescribedTask], tuned: Tuned) -> list[StateRow]:
    """What every task scores before tuning and after it.

    Args:
        run: of the rows.
        trained, tested: the tasks.
        tuned: what the models score.
    """
    rows = []
    for task in (*trained, *tested):
        sources = [task] if task in trained else trained
        best = max(tuned.value(one.name, task.name, task.score) for one in sources)
        untuned = tuned.value(None, task.name, task.score)
        use: Use = "trained" if task in trained else "tested"
        rows.append(StateRow(run.suite, run.model, run.seed, task.name, task.family, use, task.constant, untuned, best))
    return STATES.sorted(rows)


# Jobs


@dataclass(frozen=True)
class RelateSettings:
    """Settings of `relate_tasks`.

    Attributes:
        trained, tested: names of the tasks.
        selection: of the tops.
    """

    trained: tuple[str, ...]
    tested: tuple[str, ...]
    selection: Selection


def relate_tasks(job: Job[RelateSettings]) -> None:
    """What two tasks of one model share, beside transfer; what every task scores before and after tuning."""
    settings, run = job.settings, Run(job.suite, job.model, job.seed)
    known = {task.name: task for task in described_tasks(job.inputs["described"])}
    trained, tested = ([known[name] for name in names] for names in (settings.trained, settings.tested))
    folders = job.inputs.folders("tasks")
    tuned = Tuned(TRAINED.read(job.inputs.one("transfer")))
    pairs = relate(
        run,
        trained,
        tested,
        scores=load_scores(job.inputs["scores"]),
        words={task.name: Words.of(read_split(folders[task.name], "train")) for task in (*trained, *tested)},
        selection=settings.selection,
        tuned=tuned,
    )
    PAIR.write(job.outputs.one("pairs"), PAIR.sorted(pairs))
    STATES.write(job.outputs.one("states"), states(run, trained, tested, tuned))
