"""The same seeds made twice, such as on two processors: how much of their spread is that of one seed made again?

Processors round differently, and a training carries a difference on: a seed that is made again elsewhere gives another
model. What differs between two makings of one seed is not the seed's.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from jaxtyping import Float

from taskneurons.errors import InputError
from taskneurons.files import read_json
from taskneurons.studies.claims.markdown import table_lines
from taskneurons.studies.claims.tables import Tables, decide_claims, read_tables
from taskneurons.studies.claims.words import shown

Groups = Mapping[str, Mapping[str, Sequence[str]]]
HEAD = ("claim", "model", "seeds", "first", "second", "between seeds", "within a seed", "share within")
# How the claims call an interval of a mean over seeds, whatever its level.
_OVER_SEEDS = re.compile(r"\S+ % t over \d+ seeds")
_Key = tuple[str, str, str]
_RuleKey = tuple[str, str, str, str]


@dataclass(frozen=True)
class Spreads:
    """Two sources of the spread of values, as a one-way analysis of variance with random effects estimates them.

    Attributes:
        between: standard deviation over seeds of what stays when a seed is made again.
        within: standard deviation over makings of one seed.
    """

    between: float
    within: float

    @property
    def share(self) -> float | None:
        """Share of a value's variance that is within: 1 less the intraclass correlation; None: nothing varies."""
        whole = self.between**2 + self.within**2
        return self.within**2 / whole if whole else None


@dataclass(frozen=True)
class Repeat:
    """A claim in one run, made twice with the same seeds.

    Attributes:
        claim, suite, model: the claim's name and the run.
        unit: of the effects.
        seeds: that both have.
        first, second: the mean effect over these seeds in either making.
        spreads: between and within seeds, in the unit.
    """

    claim: str
    suite: str
    model: str
    unit: str
    seeds: tuple[str, ...]
    first: float
    second: float
    spreads: Spreads


def spreads(values: Float[np.ndarray, "seed making"]) -> Spreads:
    """Split the variance of repeated values: Shrout & Fleiss 1979, the one-way model of ICC(1,1).

    Raises:
        ValueError: fewer than two seeds or makings.
    """
    seeds, makings = values.shape
    if seeds < 2 or makings < 2:
        raise ValueError(f"two seeds and two makings at least, not {seeds} and {makings}")
    means = values.mean(axis=1)
    within = float(((values - means[:, None]) ** 2).sum() / (seeds * (makings - 1)))
    between = (makings * float(means.var(ddof=1)) - within) / makings
    return Spreads(math.sqrt(max(0.0, between)), math.sqrt(within))


def repeats(rules: Mapping[str, Any], first: str | Path, second: str | Path, groups: Groups) -> list[Repeat]:
    """Every claim that both makings decide by a mean over the same seeds, in the order of the rules.

    Both are decided by these rules, whatever their files say of others. Whether their settings were the same is for the
    caller to know. Claims of other seeds are left out: what one seed gives may hang on which ones stand beside it, such
    as the readings of a training that decide.

    Args:
        rules: of `Claims.rules()`.
        first, second: folders of results with `claims.json` and `tables`.
        groups: the lists of tasks of each suite.

    Raises:
        InputError: a folder lacks them, or its file was decided from other tables; no claim has the same two seeds or
            more in both.
    """
    one, other = (_by_seed(rules, Path(folder), groups) for folder in (first, second))
    found = []
    for claim in rules["claims"]:
        for key in (key for key in one if key[0] == claim["id"] and key in other):
            seeds = tuple(one[key])
            if len(seeds) < 2 or set(seeds) != set(other[key]):
                continue
            values = np.array([[one[key][seed], other[key][seed]] for seed in seeds])
            before, after = (float(mean) for mean in values.mean(axis=0))
            found.append(Repeat(*key, claim["unit"], seeds, before, after, spreads(values)))
    if not found:
        raise InputError(
            "no claim has effects of the same seeds in both",
            where=f"{first} and {second}",
            remedy="Give two folders of results of the same suite and models, made with the same two seeds or more",
        )
    return found


def _by_seed(rules: Mapping[str, Any], folder: Path, groups: Groups) -> dict[_Key, dict[str, float]]:
    """The effect of each seed alone, of the claims whose effect is a mean over seeds."""
    decided = read_json(folder / "claims.json")
    try:
        results = [(claim["id"], result) for claim in decided["claims"] for result in claim["results"]]
        over_seeds = {
            (name, result["suite"], result["model"]): result["seeds"]
            for name, result in results
            if _OVER_SEEDS.fullmatch(result["interval"])
        }
        models = {
            (result["suite"], result["model"]): {"architecture": result["architecture"], "parameters": 0}
            for _, result in results
            if result["suite"]
        }
        effects = _effects(decided)
    except (KeyError, TypeError):
        raise InputError("no file of decided claims", where=str(folder / "claims.json")) from None
    tables = read_tables(sorted((folder / "tables").glob("*.csv")))
    _refuse_other_tables(effects, decide_claims(rules, tables, models, groups), folder)
    found: dict[_Key, dict[str, float]] = {key: {} for key in over_seeds}
    for seed in sorted({seed for seeds in over_seeds.values() for seed in seeds}, key=int):
        for claim in decide_claims(rules, _of_seed(tables, seed), models, groups)["claims"]:
            for result in claim["results"]:
                key = (claim["id"], result["suite"], result["model"])
                if seed in over_seeds.get(key, ()) and result["effect"] is not None:
                    found[key][seed] = result["effect"]
    return found


def _effects(decided: Mapping[str, Any]) -> dict[_RuleKey, float]:
    """Each effect, by its claim, the digest of the claim's rule, and the run."""
    return {
        (claim["id"], claim["digest"], result["suite"], result["model"]): result["effect"]
        for claim in decided["claims"]
        for result in claim["results"]
        if result["effect"] is not None
    }


def _refuse_other_tables(of_file: Mapping[_RuleKey, float], anew: Mapping[str, Any], folder: Path) -> None:
    """A claim by the same rule has the same effect, if the file is of these tables."""
    of_tables = _effects(anew)
    for key in of_tables.keys() & of_file.keys():
        if not math.isclose(of_file[key], of_tables[key], rel_tol=1e-9, abs_tol=1e-9):
            claim, _, _, model = key
            raise InputError(
                f"claims.json was decided from other tables: {claim} ({model}) is {of_file[key]:g} in it and "
                f"{of_tables[key]:g} in its tables",
                where=str(folder),
                remedy="Make both anew with `taskneurons results claims`",
            )


def _of_seed(tables: Tables, seed: str) -> dict[str, list[Mapping[str, str]]]:
    return {name: [row for row in rows if row.get("seed", seed) == seed] for name, rows in tables.items()}


def repeat_lines(found: Sequence[Repeat]) -> Iterator[str]:
    """What `taskneurons claims repeat` prints: a row for each claim, then what they say together."""
    yield from table_lines(HEAD, map(_cells, found))
    yield ""
    yield "Between seeds: standard deviation of what stays when a seed is made again. Within: of one seed made again."
    for model in dict.fromkeys(one.model for one in found):
        shares = [one.spreads.share for one in found if one.model == model and one.spreads.share is not None]
        if shares:
            yield (
                f"{model}: half of {len(shares)} claims have at least {_percent(median(shares))} of the variance of a "
                "seed within it."
            )


def _cells(one: Repeat) -> list[str]:
    numbers = (one.first, one.second, one.spreads.between, one.spreads.within)
    cells = [f"`{one.claim}`", one.model, str(len(one.seeds)), *(shown(value, one.unit) for value in numbers)]
    return [*cells, _percent(one.spreads.share)]


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.0f} %"
