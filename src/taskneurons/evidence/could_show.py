"""Whether a setting could show transfer at all: what was trained was learned, and unseen tasks could rise and fall."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Annotated, Literal

from taskneurons.evidence.tasks import SCORE, DescribedTask, Kind, kind_of, task_kinds
from taskneurons.evidence.trained import Trained
from taskneurons.table import Column, Table

Verdict = Literal[
    "can tell",
    "the trained tasks did not learn",
    "the unseen tasks start at chance",
    "the unseen tasks start at the ceiling",
    "not measured",
]
LEARNED = 5.0
"""Points that the trained tasks must gain over the untrained model."""
ABOVE_CHANCE = 2.0
"""Points above chance at which the unseen tasks must start at least."""
CEILING = 80.0
"""Score in percent at which the unseen tasks must start at most."""
Points = Annotated[float | None, Column(unit="points", measured=True)]
Percent = Annotated[float | None, Column(unit="%", low=0, high=100, measured=True)]


@dataclass(frozen=True)
class SettingRow:
    """The positive control of one pair of kinds. What a setting cannot show is not absent.

    Attributes:
        suite, model: the run.
        trained: the kind of the tasks that were trained on together.
        tested: the kind of the unseen tasks.
        gain: what the trained tasks score after the training less before it, mean over tasks and seeds.
        before: what the unseen tasks score before it, mean over tasks and seeds.
        chance: what the best constant answer scores on them.
        verdict: whether the setting can tell: the trained tasks gain at least 5 points, and the unseen ones start at
            least 2 points above chance and at 80 % at most.
        seeds: of the run.
        tasks: unseen tasks.
    """

    suite: str
    model: str
    trained: Kind
    tested: Kind
    gain: Points
    before: Percent
    chance: Percent
    verdict: Annotated[Verdict, Column(measured=True)]
    seeds: Annotated[int, Column(unit="seeds", low=0, measured=True)]
    tasks: Annotated[int, Column(unit="tasks", low=0, measured=True)]


SETTINGS = Table(SettingRow)


def setting_rows(
    rows: Sequence[Trained],
    tasks: Iterable[DescribedTask],
    pairs: Iterable[tuple[Kind, Kind]],
    unseen: Collection[str],
    control: Callable[[Trained], bool],
) -> list[SettingRow]:
    """One row for each run and pair of kinds, in their order.

    Args:
        rows: of one study.
        tasks: of every suite in the rows.
        pairs: the kind that is trained on, the kind that is tested.
        unseen: names of the tasks that only test.
        control: which of the joint trainings say whether the trained tasks were learned.

    Raises:
        InputError: a row's task is not described.
    """
    tasks, pairs = list(tasks), list(pairs)
    kinds, chances = task_kinds(tasks), {(task.suite, task.name): task.chance for task in tasks}
    scores = [row for row in rows if row.metric == SCORE[kind_of(kinds, row.suite, row.test_task)]]
    found = []
    for suite, model in dict.fromkeys((row.suite, row.model) for row in rows):
        own = [row for row in scores if (row.suite, row.model) == (suite, model)]
        untrained = {(row.seed, row.test_task): row.value for row in own if row.condition == "zero_shot"}
        for trained, tested in pairs:
            gains: dict[tuple[int, str], list[float]] = defaultdict(list)
            for row in own:
                key = row.seed, row.test_task
                if row.train_task == trained and control(row) and row.test_task not in unseen and key in untrained:
                    gains[key].append(row.value - untrained[key])
            starts = {
                key: value
                for key, value in untrained.items()
                if key[1] in unseen and kind_of(kinds, suite, key[1]) == tested
            }
            levels = [level for _, name in starts if (level := chances[suite, name]) is not None]
            gain = fmean(map(fmean, gains.values())) if gains else None
            before = fmean(starts.values()) if starts else None
            chance = fmean(levels) if levels and len(levels) == len(starts) else None
            found.append(
                SettingRow(
                    suite=suite,
                    model=model,
                    trained=trained,
                    tested=tested,
                    gain=gain,
                    before=before,
                    chance=chance,
                    verdict=_verdict(gain, before, chance),
                    seeds=len({seed for seed, _ in starts}),
                    tasks=len({name for _, name in starts}),
                )
            )
    return found


def _verdict(gain: float | None, before: float | None, chance: float | None) -> Verdict:
    if gain is None or before is None:
        return "not measured"
    if gain < LEARNED:
        return "the trained tasks did not learn"
    if chance is not None and before < chance + ABOVE_CHANCE:
        return "the unseen tasks start at chance"
    if before > CEILING:
        return "the unseen tasks start at the ceiling"
    return "can tell"
