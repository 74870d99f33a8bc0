"""How far first-order scores agree with exact ablation in a sample of neurons: rows to tables."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from taskneurons.job import Job
from taskneurons.measures.ranking import rank_correlation, slope
from taskneurons.studies.validation.rows import (
    ORACLE,
    SAMPLED,
    TOGETHER,
    Kind,
    OracleRow,
    SampledRow,
    TogetherRow,
)

KINDS: tuple[Kind, ...] = ("keystone", "top", "random")
FEWEST = 10
"""Neurons from which an interval is drawn."""

Columns = Mapping[str, Float[np.ndarray, " neuron"]]


_MEASURES: Mapping[str, Callable[[Columns], float | None]] = {
    "absolute": lambda of: rank_correlation(of["absolute"], of["exact_absolute"]),
    "scored": lambda of: rank_correlation(of["scored"], of["exact_absolute"]),
    "signed": lambda of: rank_correlation(of["signed"], of["exact_signed"]),
    "same_sign": lambda of: float(np.mean(np.sign(of["signed"]) == np.sign(of["exact_signed"]))),
    "slope": lambda of: slope(of["signed"], of["exact_signed"]),
}


def compared(rows: Iterable[SampledRow], together: Iterable[TogetherRow], *, draws: int) -> Iterator[OracleRow]:
    """Every measure of each task, for each kind of neurons and for all together.

    Args:
        rows: of every neuron.
        together: of every kind.
        draws: bootstrap samples of the neurons of each kind.
    """
    groups: dict[tuple[str, str, int, str], dict[Kind, list[SampledRow]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        groups[row.model, row.suite, row.seed, row.task][row.kind].append(row)
    sums = {(row.model, row.suite, row.seed, row.task, row.kind): row for row in together}
    for run, kinds in groups.items():
        blank = OracleRow("validation", *run, kind="all", measure="")
        yield from _agreement(blank, list(kinds.values()), draws)
        for kind in (kind for kind in KINDS if kind in kinds):
            of_kind = replace(blank, kind=kind)
            yield from _agreement(of_kind, [kinds[kind]], draws)
            for measure, column in (("parts", "exact_signed"), ("first", "signed")):
                parts = _columns(kinds[kind])[column].sum()
                yield replace(of_kind, measure=measure, value=float(parts), neurons=len(kinds[kind]))
            whole = sums[(*run, kind)]
            yield replace(of_kind, measure="together", value=whole.together, neurons=whole.neurons)


def _agreement(blank: OracleRow, kinds: Sequence[Sequence[SampledRow]], draws: int) -> Iterator[OracleRow]:
    columns, sizes = _columns([row for rows in kinds for row in rows]), [len(rows) for rows in kinds]
    random, starts = np.random.default_rng(0), np.cumsum([0, *sizes[:-1]])
    # Of each kind as many as there are, so that the mixture stays.
    samples = [
        np.concatenate([start + random.integers(size, size=size) for start, size in zip(starts, sizes, strict=True)])
        for _ in range(draws)
    ]
    for measure, of in _MEASURES.items():
        value = of(columns)
        row = replace(blank, measure=measure, value=value, neurons=sum(sizes))
        if value is None:
            yield replace(row, reason="all values are equal")
        elif min(sizes) < FEWEST:
            yield replace(row, reason=f"an interval needs {FEWEST} neurons")
        else:
            found = (of({name: column[sample] for name, column in columns.items()}) for sample in samples)
            drawn = [one for one in found if one is not None]
            if not drawn:
                yield replace(row, reason="all values are equal in every bootstrap sample")
                continue
            low, high = np.percentile(drawn, [2.5, 97.5])
            yield replace(row, low=float(low), high=float(high), interval="95 % bootstrap of neurons")


def _columns(rows: Sequence[SampledRow]) -> Columns:
    names = ("scored", "absolute", "signed", "exact_absolute", "exact_signed")
    return {name: np.array([getattr(row, name) for row in rows], dtype=np.float64) for name in names}


# Jobs


@dataclass(frozen=True)
class CompareSettings:
    """Settings of `compare`.

    Attributes:
        draws: bootstrap samples of the neurons.
    """

    draws: int


def compare(job: Job[CompareSettings]) -> None:
    """Gather the samples of all runs and say how far first-order scores agree with exact ablation."""
    sampled, together = SAMPLED.gather(job.inputs["sampled"]), TOGETHER.gather(job.inputs["together"])
    SAMPLED.write(job.outputs.one("sample"), sampled)
    ORACLE.write(job.outputs.one("oracle"), compared(sampled, together, draws=job.settings.draws))
