"""Tables of the planted neurons: the proof, how well scores find them, how specific chosen sets are."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import numpy as np
from jaxtyping import Float

from taskneurons.evidence.intervals import in_words
from taskneurons.evidence.runs import Run
from taskneurons.job import Job
from taskneurons.measures.specificity import specificity
from taskneurons.measures.stats import t_interval
from taskneurons.studies.validation.estimators import BACKWARD
from taskneurons.studies.validation.proof import failure
from taskneurons.studies.validation.rows import (
    ALL_SEEDS,
    DROPS,
    PROOF,
    RANKED,
    SPECIFICITY,
    SUMMARY,
    DropRow,
    ProofRow,
    RankedRow,
    SpecificityRow,
    SummaryRow,
)


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
        groups[row.model, row.suite, row.estimator, row.measure, row.positives, row.negatives][row.seed].append(row)
    for (model, suite, estimator, measure, positives, negatives), seeds in groups.items():
        whole = SummaryRow(
            "validation", model, suite, ALL_SEEDS, estimator, BACKWARD[estimator], measure, positives, negatives
        )
        means = []
        for seed, rows in sorted(seeds.items()):
            known = [row.value for row in rows if row.value is not None]
            tied = sum(row.tied > 0 for row in rows)
            one = replace(
                whole, seed=seed, seeds=1, tied=tied, reason="; ".join(sorted({r.reason for r in rows if r.reason}))
            )
            if len(known) == len(rows):
                one = replace(one, value=fmean(known))
            means.append(one)
        yield from means
        yield _over_seeds(whole, means)


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


def indices(drops: Iterable[DropRow], *, draws: int) -> Iterator[SpecificityRow]:
    """The specificity index of every way to choose sets, in each seed and over the seeds.

    Args:
        drops: of every plant that passes its proof.
        draws: labellings of the test over all seeds.
    """
    groups: dict[tuple[str, str, str, str], dict[int, list[DropRow]]] = defaultdict(lambda: defaultdict(list))
    for row in drops:
        groups[row.model, row.suite, row.state, row.sets][row.seed].append(row)
    for (model, suite, state, sets), seeds in groups.items():
        row = SpecificityRow("validation", model, suite, ALL_SEEDS, state, sets)
        matrices = {seed: _matrix(rows) for seed, rows in sorted(seeds.items())}
        found = []
        for seed, matrix in matrices.items():
            found.append(_described(replace(row, seed=seed, seeds=1), [matrix], seeds[seed], draws))
        yield from found
        rows = [one for of_seed in seeds.values() for one in of_seed]
        whole = _described(replace(row, seeds=len(found)), list(matrices.values()), rows, draws)
        known = [one.index for one in found if one.index is not None]
        if len(known) == len(found):
            interval = t_interval(known)
            whole = replace(
                whole, low=interval.low, high=interval.high, interval=in_words(interval), reason=interval.reason
            )
        yield whole


def _described(
    row: SpecificityRow, matrices: Sequence[Float[np.ndarray, "row column"]], drops: Sequence[DropRow], draws: int
) -> SpecificityRow:
    test = specificity(matrices, draws=draws)
    own = [drop.value for drop in drops if drop.train_task == drop.test_task]
    others = [drop.value for drop in drops if drop.train_task != drop.test_task]
    return replace(
        row,
        index=test.index,
        p=test.p,
        own=fmean(own),
        others=fmean(others) if others else None,
        neurons=fmean(drop.neurons for drop in drops),
        reason=test.reason,
    )


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
        draws: labellings of the tasks in the test over all seeds.
    """

    draws: int


def tabulate(job: Job[TabulateSettings]) -> None:
    """Gather the proofs of all plants and what was found in those that pass."""
    proof = PROOF.gather(job.inputs["proof"])
    PROOF.write(job.outputs.one("proof"), proof)
    SUMMARY.write(job.outputs.one("summary"), summarise(RANKED.gather(job.inputs["ranked"]), failures(proof)))
    drops = DROPS.gather(job.inputs["drops"])
    SPECIFICITY.write(job.outputs.one("specificity"), indices(drops, draws=job.settings.draws))
