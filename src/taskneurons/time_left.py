"""How long the rest of a run takes: from what its jobs are expected to take, and the pace of those that are done."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from taskneurons.errors import InputError
from taskneurons.files import read_json, write_json

EXPECTED = Path(".taskneurons") / "expected.json"
"""Seconds that a job of each rule of the run is expected to take, in closed form."""
# ASSUME: a job of which nothing is known, such as a table, takes so many seconds.
UNKNOWN = 1.0
# ASSUME: so many seconds of jobs that take what is expected stand beside those that are done, so that the first short
# ones, most of whose time is the start of a process, do not set the pace.
TRUSTED = 20.0
# What a job says of itself once a minute; see `engine/counting.py`.
_SAYS = re.compile(r"(?P<what>.+: \d+ of \d+ \w+s), [\d:]+ gone, (?P<left>[\d:]+) left")


def save_expected(jobs: Iterable[Any]) -> None:
    """Write what the jobs of a run are expected to take.

    Args:
        jobs: of Snakemake, those that will be done.
    """
    found: dict[str, list[float]] = {}
    for job in jobs:
        seconds = 0.0 if job.is_norun else max(UNKNOWN, float(job.resources.get("seconds", UNKNOWN)))
        found.setdefault(job.rule.name, []).append(seconds)
    write_json(EXPECTED, {rule: sum(own) / len(own) for rule, own in sorted(found.items())})


def read_expected() -> dict[str, float]:
    """What `save_expected` wrote; nothing where it is not there."""
    try:
        return {str(rule): float(seconds) for rule, seconds in read_json(EXPECTED).items()}
    except (InputError, AttributeError, TypeError, ValueError):
        # It only makes the estimate better.
        return {}


def seconds_of_rules(expected: Mapping[str, float], recorded: Mapping[str, float]) -> dict[str, float]:
    """Seconds of a job of each rule: what it took before, or what is expected, at the pace of the rules with both.

    Args:
        expected: in closed form.
        recorded: before, on average.
    """
    both = expected.keys() & recorded.keys()
    asked = sum(expected[rule] for rule in both)
    pace = sum(recorded[rule] for rule in both) / asked if asked else 1.0
    return {rule: pace * seconds for rule, seconds in expected.items()} | dict(recorded)


@dataclass
class TimeLeft:
    """The time left of a run; see the module. Times are seconds of one clock.

    Attributes:
        seconds: that a job of each rule is expected to take.
        planned: jobs of each rule.
        what: the last thing that a job said of itself.
    """

    seconds: Mapping[str, float]
    planned: Mapping[str, int] = field(default_factory=dict)
    what: str = ""
    _begun: dict[int, tuple[str, float]] = field(default_factory=dict)
    _took: dict[str, list[float]] = field(default_factory=dict)
    _first: float | None = None
    _said: tuple[float, float] | None = None

    def begin(self, number: int, rule: str, now: float) -> None:
        """A job has begun."""
        self._first = now if self._first is None else self._first
        self._begun[number] = (rule, now)

    def end(self, number: int, now: float) -> None:
        """A job is done."""
        if number in self._begun:
            rule, begun = self._begun.pop(number)
            self._took.setdefault(rule, []).append(now - begun)
            self._said, self.what = None, ""

    def fail(self, number: int) -> None:
        """A job has failed; nothing follows from the time that it took."""
        self._begun.pop(number, None)

    def hear(self, line: str, now: float) -> bool:
        """Take in a line of a job, and say whether it is one that tells how far the job is."""
        match = _SAYS.match(line)
        if match:
            self.what = match["what"]
            parts = [int(part) for part in match["left"].split(":")]
            self._said = (now, float(sum(60**place * part for place, part in enumerate(reversed(parts)))))
        return match is not None

    def left(self, now: float) -> float | None:
        """Seconds left; None before the first job has begun."""
        if self._first is None:
            return None
        going = [rule for rule, _ in self._begun.values()]
        waiting = sum(
            self._whole(rule) * max(0, count - len(self._took.get(rule, ())) - going.count(rule))
            for rule, count in self.planned.items()
        )
        running = [self._rest(rule, now - begun, now) for rule, begun in self._begun.values()]
        done = sum(map(sum, self._took.values()))
        busy = done + sum(now - begun for _, begun in self._begun.values())
        at_once = max(1.0, busy / max(now - self._first, 1e-9))
        # What runs now ends no earlier than its longest job.
        return max((waiting + sum(running)) / at_once, max(running, default=0.0))

    def _expected(self, rule: str) -> float:
        return self.seconds.get(rule, UNKNOWN)

    def _whole(self, rule: str) -> float:
        """Seconds of a job of a rule: as long as those that are done, or expected, at the pace of all others."""
        if own := self._took.get(rule):
            return sum(own) / len(own)
        asked = sum(self._expected(one) * len(own) for one, own in self._took.items())
        took = sum(map(sum, self._took.values()))
        return self._expected(rule) * (took + TRUSTED) / (asked + TRUSTED)

    def _rest(self, rule: str, age: float, now: float) -> float:
        """Seconds left of a job that runs."""
        if self._said and len(self._begun) == 1:
            then, left = self._said
            return max(0.0, left - (now - then))
        whole = self._whole(rule)
        # ASSUME: one that takes longer than was thought takes half as much again as it is late.
        return max(whole - age, whole / 20, (age - whole) / 2)
