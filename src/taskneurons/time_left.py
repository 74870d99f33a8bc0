"""How long the rest of a run takes: from what each job was expected to take, and the pace of those that are done."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

# What a job says of itself once a minute; see `engine/counting.py`.
_SAYS = re.compile(r"(?P<what>.+: \d+ of \d+ \w+s), [\d:]+ gone, (?P<left>[\d:]+) left")
# ASSUME: as many seconds of jobs as expected go on top of those that are done, so that the first short ones, most of
# whose time is the start of a process, do not set the pace.
TRUSTED = 20.0


@dataclass(frozen=True)
class Expected:
    """What one job was expected to take.

    Attributes:
        rule: its rule.
        seconds: that it was expected to take.
    """

    rule: str
    seconds: float


def expectations(planned: Mapping[int, Expected], recorded: Mapping[str, float]) -> dict[int, Expected]:
    """Expectations in which a rule that ran before takes, on average, what it took then.

    Args:
        planned: of the jobs by their numbers, in closed form.
        recorded: seconds that a job of each rule took before, on average.
    """
    known = [one for one in planned.values() if one.rule in recorded]
    sums: dict[str, list[float]] = {}
    for one in known:
        sums.setdefault(one.rule, []).append(one.seconds)
    means = {rule: sum(own) / len(own) for rule, own in sums.items()}
    asked = sum(means[one.rule] for one in known)
    pace = sum(recorded[one.rule] for one in known) / asked if asked else 1.0
    return {
        number: Expected(one.rule, one.seconds * (recorded[one.rule] / means[one.rule] if one in known else pace))
        if means.get(one.rule, 1.0)
        else one
        for number, one in planned.items()
    }


@dataclass
class TimeLeft:
    """The time left of a run; see the module. Times are seconds of one clock.

    Attributes:
        expected: of all jobs of the run by their numbers.
    """

    expected: Mapping[int, Expected]
    _begun: dict[int, float] = field(default_factory=dict)
    _took: dict[int, float] = field(default_factory=dict)
    _first: float | None = None
    _said: tuple[float, float] | None = None
    what: str = ""

    def begin(self, number: int, now: float) -> None:
        """A job has begun."""
        self._first = now if self._first is None else self._first
        self._begun[number] = now

    def end(self, number: int, now: float) -> None:
        """A job is done."""
        begun = self._begun.pop(number, None)
        if begun is not None:
            self._took[number] = now - begun
            self._said, self.what = None, ""

    def hear(self, line: str, now: float) -> bool:
        """Take in a line of a job, and say whether it is one that tells how far the job is."""
        match = _SAYS.match(line)
        if match:
            self.what = match["what"]
            parts = [int(part) for part in match["left"].split(":") if part]
            self._said = (now, float(sum(60**place * part for place, part in enumerate(reversed(parts)))))
        return match is not None

    def left(self, now: float) -> float | None:
        """Seconds left; None until something has begun that is known."""
        if self._first is None or not self.expected:
            return None
        paces = self._paces(now)
        waiting = sum(
            paces.get(one.rule, paces[""]) * one.seconds
            for number, one in self.expected.items()
            if number not in self._took and number not in self._begun
        )
        running = [self._rest(number, paces, now) for number in self._begun]
        busy = sum(self._took.values()) + sum(now - begun for begun in self._begun.values())
        at_once = max(1.0, busy / max(now - self._first, 1e-9))
        # What runs now ends no earlier than its longest job.
        return max((waiting + sum(running)) / at_once, max(running, default=0.0))

    def _paces(self, now: float) -> dict[str, float]:
        """Seconds for each expected one: of a rule whose jobs ended, and under an empty name of all others."""
        took: dict[str, float] = {"": TRUSTED}
        asked: dict[str, float] = {"": TRUSTED}
        for number, seconds in self._took.items():
            one = self.expected.get(number)
            for rule in ("", one.rule) if one else ():
                took[rule] = took.get(rule, 0.0) + seconds
                asked[rule] = asked.get(rule, 0.0) + one.seconds if one else 0.0
        return {rule: took[rule] / asked[rule] for rule in took if asked[rule]}

    def _rest(self, number: int, paces: Mapping[str, float], now: float) -> float:
        """Seconds left of a job that runs."""
        if self._said and len(self._begun) == 1:
            then, left = self._said
            return max(0.0, left - (now - then))
        one, age = self.expected.get(number), now - self._begun[number]
        whole = paces.get(one.rule, paces[""]) * one.seconds if one else 0.0
        # One that takes longer than was thought may be half done.
        return whole - age if age < whole / 2 else max(whole - age, age / 4)
