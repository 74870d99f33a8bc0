"""The rows of the tables of the claims."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from taskneurons.table import Column, Table

Verdict = Literal["holds", "fails", "opposite", "inconclusive", "the setting cannot tell", "not tested"]
Number = Annotated[float | None, Column(unit="unit of the claim", measured=True)]
Words = Annotated[str, Column(measured=True)]
Needed = Annotated[int | None, Column(unit="seeds", low=3, high=200, measured=True)]
Share = Annotated[float | None, Column(unit="% of the variance", low=0, high=100, measured=True)]


@dataclass(frozen=True)
class ClaimRow:
    """The verdict on one claim from one model on one suite.

    Attributes:
        id: the claim's name in claims.yaml.
        paper: who makes it, or in whose numbers a control looks.
        role: claim (of a paper), control, design (what a suite was designed for) or arithmetic (printed numbers).
        statement: the claim in one sentence.
        source: table, figure or section of the paper.
        suite, model, architecture: the run; empty where the claim is about printed numbers.
        verdict: holds, fails, opposite, inconclusive, the setting cannot tell, or not tested.
        effect: estimate of what the claim is about.
        low, high: limits of its interval.
        interval: which interval it is, or why there is none.
        unit: of effect and margin; a slope is in points of score for ten points of overlap.
        direction: where the effect lies if the claim holds: above or below the margin, or within plus and minus it.
        margin: what the effect must pass.
        published: the paper's own value.
        p: one-sided, against the margin.
        p_holm: p, corrected by Holm within the family.
        family: the claims among which p is corrected.
        family_size: claims of the family that have a p.
        gate: the positive control that must pass in the same cells, by its name in claims.yaml.
        gate_value: what it measures there.
        gate_threshold: what this must lie above, or below.
        gate_passed: whether it does; without that the setting cannot tell.
        n: seeds or units behind the interval.
        seeds: the seeds behind the effect, separated by spaces.
        words: the verdict of the study itself, where it has one.
        reason: why the verdict is what it is, where that is not plain.
        test: t, welch, table (the study's own p) or words.
        table: the table that decides.
        scale: the smallest models that can decide it.
        digest: SHA-256 of what decides the claim.
    """

    id: str
    paper: str
    role: str
    statement: str
    source: str
    suite: str
    model: str
    architecture: str
    verdict: Verdict
    effect: Number
    low: Number
    high: Number
    interval: Words
    unit: str
    direction: str
    margin: Annotated[int | float, Column(unit="unit of the claim")]
    published: Annotated[int | float | None, Column(unit="unit of the claim", measured=True)]
    p: Annotated[float | None, Column(low=0, high=1, measured=True)]
    p_holm: Annotated[float | None, Column(low=0, high=1, measured=True)]
    family: str | None
    family_size: Annotated[int | None, Column(unit="claims", measured=True)]
    gate: str | None
    gate_value: Annotated[float | None, Column(unit="unit of the gate", measured=True)]
    gate_threshold: Annotated[float | None, Column(unit="unit of the gate")]
    gate_passed: Annotated[bool | None, Column(measured=True)]
    n: Annotated[int | None, Column(unit="seeds or units", measured=True)]
    seeds: Words
    words: Words
    reason: Words
    test: str
    table: str
    scale: str
    digest: str


@dataclass(frozen=True)
class CheckRow:
    """One check of printed numbers. A printed number stands for all numbers that round to it.

    Attributes:
        check: what is checked.
        table: of the paper.
        item: which number.
        printed: as the paper has it.
        computed: what follows from other printed numbers.
        lowest, highest: these are rounded, so that it may be anything between.
        agrees: whether `printed` is among these, itself rounded.
        note: what else there is to say.
    """

    check: str
    table: str
    item: str
    printed: Annotated[int | float, Column(measured=True)]
    computed: Annotated[int | float, Column(measured=True)]
    lowest: Annotated[int | float | None, Column(measured=True)]
    highest: Annotated[int | float | None, Column(measured=True)]
    agrees: Annotated[bool, Column(measured=True)]
    note: Annotated[str, Column(measured=True)] = ""


@dataclass(frozen=True)
class PowerRow:
    """How many seeds a verdict on an inconclusive result needs, if effect and spread are as they were seen.

    Attributes:
        id, role, unit, direction, margin, table: of the claim; see the table of the claims.
        suite, model: the run.
        effect, low, high: the estimate and the limits of its interval.
        seeds: behind the effect.
        sd: standard deviation over seeds.
        level: of the one-sided t test that the verdict asks for, corrected by Holm where it is that the claim holds.
        towards: the verdict on whose side of the margin the effect lies; fails stands for opposite, too.
        needed: seeds with which the verdict is reached with a chance of 80 %; empty where 200 are too few.
        needed_low, needed_high: the same with the limits of the spread (80 %).
        examples_low, examples_high: share of the spread that comes from the number of test examples, at least and at
            most; more examples lessen that share alone, more seeds all of it.
        draws: share of the spread that comes from few random draws or choices; empty where there is one alone.
        reason: why there is no number, or what it leaves out.
    """

    id: str
    role: str
    suite: str
    model: str
    effect: Number
    low: Number
    high: Number
    unit: str
    direction: str
    margin: Annotated[int | float, Column(unit="unit of the claim")]
    table: str
    seeds: Annotated[int | None, Column(unit="seeds", measured=True)] = None
    sd: Number = None
    level: Annotated[float | None, Column(low=0, high=1, measured=True)] = None
    towards: Annotated[Literal["holds", "fails"] | None, Column(measured=True)] = None
    needed: Needed = None
    needed_low: Needed = None
    needed_high: Needed = None
    examples_low: Share = None
    examples_high: Share = None
    draws: Share = None
    reason: Words = ""


CLAIMS = Table(ClaimRow)
POWER = Table(PowerRow)
CHECKS = Table(CheckRow)
TABLES: dict[str, Table[Any]] = {"claims": CLAIMS, "claims_power": POWER, "published_checks": CHECKS}
