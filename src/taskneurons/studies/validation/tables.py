"""Tables of the planted neurons: the proof, how well scores find them, how specific chosen sets are."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import numpy as np
from jaxtyping import Float

from taskneurons.evidence.intervals import in_words
from taskneurons.evidence.runs import ALL_SEEDS, Run
from taskneurons.job import Job
from taskneurons.measures.specificity import Specificity, specificity
from taskneurons.measures.stats import paired_difference, t_interval
from taskneurons.studies.validation.estimators import BACKWARD
from taskneurons.studies.validation.proof import failure
from taskneurons.studies.validation.rows import (
    AGREEMENT,
    DROPS,
    PROOF,
    RANKED,
    SPECIFICITY,
    STABILITY,
    SUMMARY,
    AgreementRow,
    DropRow,
    ProofRow,
    RankedRow,
    SpecificityRow,
    StabilityRow,
    SummaryRow,
)

PAPERS = "taylor"
"""The paper's score, which others are compared with."""


def failures(proof: Iterable[ProofRow]) -> dict[Run, str]:
    """Why the plant of each run fails its proof; empty for one that passes."""
    of_run: dict[Run, list[ProofRow]] = defaultdict(list)
    for row in proof:
        of_run[Run(row.suite, row.model, row.seed)].append(row)
    return {run: failure(rows) for run, rows in of_run.items()}


def summarise(ranked: Iterable[RankedRow], failed: Mapping[Run, str]) -> Iterator[SummaryRow]:
    """The mean over tasks in each seed, and over the seeds with its t interval.

    Args:
        ranked: of every plant that passes its proof.
        failed: of `failures`; a plant that fails has one row with the reason.
    """
    for run, reason in failed.items():
        if reason:
            yield SummaryRow("validation", run.model, run.suite, run.seed, "", 0, "", "", "", reason=reason)
    groups: dict[tuple[str, ...], dict[int, list[RankedRow]]] = defaultdict(lambda: defaultdict(list))
    for row in ranked:
        groups[row.model, row.suite, row.measure, row.positives, row.negatives, row.estimator][row.seed].append(row)
    for (model, suite, measure, positives, negatives, estimator), seeds in groups.items():
        whole = SummaryRow(
            "validation", model, suite, ALL_SEEDS, estimator, BACKWARD[estimator], measure, positives, negatives
        )
        means = [_of_seed(replace(whole, seed=seed, seeds=1), rows) for seed, rows in sorted(seeds.items())]
        yield from means
        papers = groups.get((model, suite, measure, positives, negatives, PAPERS), {})
        lead = paired_difference(_known(means), _known(_of_seed(replace(whole, seed=s), r) for s, r in papers.items()))
        if estimator == PAPERS or lead.mean is None:
            yield _over_seeds(whole, means)
        else:
            yield replace(_over_seeds(whole, means), lead=lead.mean, lead_low=lead.low, lead_high=lead.high)


def _of_seed(row: SummaryRow, ranked: Sequence[RankedRow]) -> SummaryRow:
    known = [one.value for one in ranked if one.value is not None]
    return replace(
        row,
        value=fmean(known) if len(known) == len(ranked) else None,
        tied=sum(one.tied > 0 for one in ranked),
        reason="; ".join(sorted({one.reason for one in ranked if one.reason})),
    )


def _known(means: Iterable[SummaryRow]) -> dict[int, float]:
    return {int(one.seed): one.value for one in means if one.value is not None}


def _over_seeds(whole: SummaryRow, means: Sequence[SummaryRow]) -> SummaryRow:
    known = [one.value for one in means if one.value is not None]
    tied = sum(one.tied for one in means)
    if len(known) < len(means):
        lacking = (
            f"{len(means) - len(known)} of {len(means)} seeds have no value: {means[0].reason or means[-1].reason}"
        )
        return replace(whole, seeds=len(known), tied=tied, reason=lacking)
    interval = t_interval(known)
    return replace(
        whole,
        value=interval.mean,
        low=interval.low,
        high=interval.high,
        seeds=len(known),
        tied=tied,
        interval=in_words(interval),
        reason=interval.reason,
    )


def steadiness(rows: Iterable[AgreementRow]) -> Iterator[StabilityRow]:
    """The mean over tasks in each seed, and over the seeds with its t interval.

    Args:
        rows: of every plant that passes its proof.
    """
    groups: dict[tuple[str, str, str, int, str], dict[int, list[AgreementRow]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        groups[row.model, row.suite, row.estimator, row.examples, row.measure][row.seed].append(row)
    for (model, suite, estimator, examples, measure), seeds in groups.items():
        whole = StabilityRow("validation", model, suite, ALL_SEEDS, estimator, examples, measure)
        means = []
        for seed, of_seed in sorted(seeds.items()):
            known = [row.value for row in of_seed if row.value is not None]
            reason = "; ".join(sorted({row.reason for row in of_seed if row.reason}))
            value = fmean(known) if len(known) == len(of_seed) else None
            means.append(replace(whole, seed=seed, seeds=1, value=value, reason=reason))
        yield from means
        values = [one.value for one in means if one.value is not None]
        if len(values) < len(means):
            lacking = next(one.reason for one in means if one.value is None)
            reason = f"{len(means) - len(values)} of {len(means)} seeds have no value: {lacking}"
            yield replace(whole, seeds=len(values), reason=reason)
            continue
        interval = t_interval(values)
        yield replace(
            whole,
            value=interval.mean,
            low=interval.low,
            high=interval.high,
            seeds=len(values),
            interval=in_words(interval),
            reason=interval.reason,
        )


def indices(drops: Iterable[DropRow], *, floor: float, draws: int) -> Iterator[SpecificityRow]:
    """The specificity index of every way to choose sets, in each seed and over the seeds.

    Args:
        drops: of every plant that passes its proof.
        floor: nats that tasks must lose and gain for an index, see `specificity`.
        draws: labellings of the test over all seeds.
    """
    groups: dict[tuple[str, str, str, str], dict[int, list[DropRow]]] = defaultdict(lambda: defaultdict(list))
    for row in drops:
        groups[row.model, row.suite, row.state, row.sets][row.seed].append(row)
    of_plants = {
        (model, suite, seed): specificity([_matrix(rows)], floor=floor).difference
        for (model, suite, state, sets), seeds in groups.items()
        for seed, rows in seeds.items()
        if (state, sets) == ("planted", "plant")
    }
    for (model, suite, state, sets), seeds in groups.items():
        blank = SpecificityRow("validation", model, suite, ALL_SEEDS, state, sets)
        found = []
        for seed, rows in sorted(seeds.items()):
            plant = of_plants.get((model, suite, seed))
            test = specificity([_matrix(rows)], floor=floor, draws=draws)
            share = test.difference / plant if test.difference is not None and plant else None
            found.append(replace(_described(blank, test, rows), seed=seed, seeds=1, of_plant=share))
        yield from found
        every = [one for rows in seeds.values() for one in rows]
        test = specificity([_matrix(rows) for _, rows in sorted(seeds.items())], floor=floor, draws=draws)
        yield _with_intervals(_described(replace(blank, seeds=len(found)), test, every), found)


def _described(row: SpecificityRow, test: Specificity, drops: Sequence[DropRow]) -> SpecificityRow:
    own = [drop.value for drop in drops if drop.train_task == drop.test_task]
    others = [drop.value for drop in drops if drop.train_task != drop.test_task]
    return replace(
        row,
        index=test.index,
        difference=test.difference,
        p=test.p,
        own=fmean(own),
        others=fmean(others) if others else None,
        neurons=fmean(drop.neurons for drop in drops),
        reason=test.reason,
    )


def _with_intervals(whole: SpecificityRow, seeds: Sequence[SpecificityRow]) -> SpecificityRow:
    known = [one.index for one in seeds if one.index is not None]
    shares = [one.of_plant for one in seeds if one.of_plant is not None]
    nats = t_interval([one.difference for one in seeds if one.difference is not None])
    whole = replace(
        whole,
        difference_low=nats.low,
        difference_high=nats.high,
        of_plant=fmean(shares) if len(shares) == len(seeds) else None,
        interval=in_words(nats),
        reason=whole.reason or nats.reason,
    )
    if len(known) < len(seeds):
        return whole
    index = t_interval(known)
    return replace(whole, low=index.low, high=index.high)


def _matrix(rows: Sequence[DropRow]) -> Float[np.ndarray, "row column"]:
    tasks = list(dict.fromkeys(row.test_task for row in rows))
    matrix = np.full((len(tasks), len(tasks)), np.nan)
    for row in rows:
        matrix[tasks.index(row.train_task), tasks.index(row.test_task)] = row.value
    return matrix


# Jobs


@dataclass(frozen=True)
class TabulateSettings:
    """Settings of `tabulate`.

    Attributes:
        floor: nats that tasks must lose and gain for a specificity index.
        draws: labellings of the tasks in the test over all seeds.
    """

    floor: float
    draws: int


def tabulate(job: Job[TabulateSettings]) -> None:
    """Gather the proofs of all plants and what was found in those that pass."""
    proof = PROOF.gather(job.inputs["proof"])
    PROOF.write(job.outputs.one("proof"), proof)
    SUMMARY.write(job.outputs.one("summary"), summarise(RANKED.gather(job.inputs["ranked"]), failures(proof)))
    drops = DROPS.gather(job.inputs["drops"])
    STABILITY.write(job.outputs.one("stability"), steadiness(AGREEMENT.gather(job.inputs["agreement"])))
    SPECIFICITY.write(
        job.outputs.one("specificity"), indices(drops, floor=job.settings.floor, draws=job.settings.draws)
    )
