"""The claims as the page shows them, from `results/claims.json`: what is there is taken, what is not stays empty."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from taskneurons.evidence.words import VERDICTS

PAPERS = {"leng2025": "Leng & Xiong 2025", "zhao2024": "Zhao, Ziser & Cohen 2024"}


@dataclass(frozen=True)
class Result:
    """One verdict on a claim, for one model on one suite.

    Attributes:
        run: model and suite; empty for what looks at printed numbers alone.
        verdict: one of `VERDICTS`.
        effect, low, high, p, p_corrected, n: as text, empty where there is none.
        seeds: the seeds, as text.
        told: the interval's kind, and the reason of the verdict where it is not plain.
    """

    run: str
    verdict: str
    effect: str
    low: str
    high: str
    p: str
    p_corrected: str
    n: str
    seeds: str
    told: str


@dataclass(frozen=True)
class Claim:
    """One claim with its results.

    Attributes:
        id, statement, source, role: as the claims' file has them.
        paper: in words.
        published: the printed value.
        rule: direction, margin and unit in words.
        gate: the positive control without which the setting cannot tell, in words.
        digest: of the rule that decides it.
        path: the table that it is decided from, or the file of the claims.
        results: at least one.
    """

    id: str
    statement: str
    paper: str
    source: str
    role: str
    published: str
    rule: str
    gate: str
    digest: str
    path: str
    results: tuple[Result, ...]


def read_claims(content: Any, path: str) -> tuple[Claim, ...]:
    """The claims of a JSON file, tested ones first; it holds a list, or a mapping with a list or mapping `claims`."""
    listed = content.get("claims", ()) if isinstance(content, Mapping) else content
    if isinstance(listed, Mapping):
        listed = [{"id": name, **claim} for name, claim in listed.items() if isinstance(claim, Mapping)]
    if not isinstance(listed, list):
        return ()
    claims = [_claim(one, path) for one in listed if isinstance(one, Mapping)]
    # What was tested comes first; within that, the order of the file.
    return tuple(sorted(claims, key=lambda claim: all(result.verdict == "not tested" for result in claim.results)))


def tally(claims: Iterable[Claim]) -> list[tuple[str, int]]:
    """How often each verdict was given, in the order of `VERDICTS`; verdicts that nobody got are left out.

    A check of the design is in no count: a suite was designed until it was so.
    """
    found = [result.verdict for claim in claims if claim.role != "design" for result in claim.results]
    names = [*VERDICTS, *sorted(set(found) - set(VERDICTS))]
    return [(name, found.count(name)) for name in names if name in found]


def _claim(claim: Mapping[str, Any], path: str) -> Claim:
    results = [one for one in claim.get("results") or () if isinstance(one, Mapping)] or [claim]
    table = _text(claim.get("table"))
    return Claim(
        id=_text(claim.get("id")),
        statement=_text(claim.get("statement")) or _text(claim.get("id")),
        paper=PAPERS.get(_text(claim.get("paper")), _text(claim.get("paper"))),
        source=_text(claim.get("source")),
        role=_text(claim.get("role")),
        published=_text(claim.get("published")),
        rule=" ".join(_text(claim.get(name)) for name in ("direction", "margin", "unit") if _text(claim.get(name))),
        gate=_text((claim.get("gate") or {}).get("statement")),
        digest=_text(claim.get("digest")),
        path=f"results/tables/{table}" if table and "/" not in table else table or path,
        results=tuple(_result(one) for one in results),
    )


def _result(result: Mapping[str, Any]) -> Result:
    seeds = result.get("seeds")
    words = (_text(result.get(name)) for name in ("words", "interval", "reason"))
    return Result(
        run=" on ".join(filter(None, (_text(result.get("model")), _text(result.get("suite"))))),
        verdict=_text(result.get("verdict")).replace("_", " ") or "not tested",
        effect=_text(result.get("effect")),
        low=_text(result.get("low")),
        high=_text(result.get("high")),
        p=_text(result.get("p")),
        p_corrected=_text(result.get("p_holm", result.get("p_corrected"))),
        n=_text(result.get("n")),
        seeds=", ".join(map(str, seeds)) if isinstance(seeds, list | tuple) else _text(seeds),
        told="; ".join(filter(None, words)),
    )


def _text(value: Any) -> str:
    return "" if value is None else str(value)
