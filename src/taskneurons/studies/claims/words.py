"""Claims in words: their numbers, and the page docs/claims.md, from `results/claims.json`."""

from collections.abc import Mapping, Sequence
from typing import Any

from taskneurons.evidence.words import VERDICTS
from taskneurons.measures.stats import MINIMUM_SEEDS
from taskneurons.studies.claims.pages import STUDIES, pages_of

PAGE, RESULTS = "docs/claims.md", "results/claims.json"
SYMBOLS = {verdict: symbol for verdict, (symbol, _, _) in VERDICTS.items()}
# What p against the claim's margin is told for: on the other side of it that p says nothing.
_WITH_P = ("holds", "inconclusive")
_PAPERS = {"leng2025": "Leng & Xiong 2025", "zhao2024": "Zhao et al. 2024"}
_ROLES = {
    "claim": "",
    "control": "*Control:* ",
    "design": "*Check of the design:* ",
    "arithmetic": "*Printed numbers:* ",
}
_DIGITS = {"points": 1, "slope": 2, "percent": 0, "layers": 0, "correlation": 2, "similarity": 2}


def claims_page(decided: Mapping[str, Any], more: Sequence[str] = ()) -> str:
    """The page of all claims: what the rules are, how many verdicts there are, one row a claim.

    Args:
        decided: the content of `claims.json`.
        more: lines of further sections.
    """
    counts, rules = decided["counts"], decided["rules"]
    verdicts = ", ".join(f"{SYMBOLS[verdict]} {verdict} {counts.get(verdict, 0)}" for verdict in SYMBOLS)
    designs = [claim for claim in decided["claims"] if claim["role"] == "design"]
    others = [claim for claim in decided["claims"] if claim["role"] != "design"]
    lines = [
        "# Which claims hold",
        "",
        "Generated from `results/claims.json` by `taskneurons claims docs`; a test fails when it is stale.",
        "",
        "[claims.yaml](../claims.yaml) states every claim of both papers with the rule that decides it: what is "
        "compared, by which test, and by which margin it must hold. The head of that file says how margins were "
        "chosen and which choices were made after first results had been seen.",
        "",
        f"{len(others)} claims. Verdicts: {verdicts}. A claim has one verdict for each model that can decide it.",
        "",
        f"Effects stand with their {100 * rules['level']:g} % intervals, in points of accuracy or ROUGE-L, in "
        "correlations or in similarities. p is corrected by Holm within a family of claims. Digest of the rules: "
        f"`{rules['digest'][:12]}`.",
        "",
        *(f"- {symbol} {verdict}: {meaning}." for verdict, (symbol, _, meaning) in VERDICTS.items()),
        "",
        *(f"{sentence}\n" for sentence in decided["told"]),
        "Pictures: "
        + ", ".join(
            f"[{page.title}](../results/figures/claims/{page.name}.png)" for page in pages_of(decided["claims"])
        )
        + ".",
        "",
        *_rows(others),
        "",
    ]
    lines += more
    if designs:
        lines += [
            "## Checks of a design",
            "",
            "A suite was changed until these were so. They are no findings and stand in no count.",
            "",
            *_rows(designs),
            "",
        ]
    return "\n".join(lines)


def told(claims: Sequence[Mapping[str, Any]]) -> list[str]:
    """What a reader must know first: each positive control that did not pass, and what few seeds cannot give.

    Args:
        claims: of `claims.json`, with their results.
    """
    return [*_gates_that_failed(claims), *_wanting_seeds(claims), *_without_a_gate(claims)]


def _gates_that_failed(claims: Sequence[Mapping[str, Any]]) -> list[str]:
    failed: dict[tuple[str, str, str], list[tuple[str, Mapping[str, Any], Mapping[str, Any]]]] = {}
    for claim in claims:
        for result in claim["results"]:
            if result["verdict"] == "the setting cannot tell":
                place = _study(claim["table"]), claim["gate"]["name"], result["model"]
                failed.setdefault(place, []).append((claim["id"], claim["gate"], result))
    sentences = []
    for (study, _, model), members in failed.items():
        _, gate, result = members[0]
        measured = "there was nothing to measure it on"
        if result["gate_value"] is not None:
            measured = f"{result['gate_value']:.3g}, where {gate['side']} {gate['threshold']:g} was needed"
        names = ", ".join(name for name, _, _ in members)
        sentences.append(
            f"In {study} ({model}), the positive control did not pass ({gate['statement'].rstrip('.')}: "
            f"{measured}), so the setting cannot tell {names}."
        )
    return sentences


def _without_a_gate(claims: Sequence[Mapping[str, Any]]) -> list[str]:
    """Which decided claims name no positive control: their setting is taken to be able to tell."""
    names = [
        claim["id"]
        for claim in claims
        if claim["gate"] is None
        and claim["role"] in ("claim", "control")
        and any(result["verdict"] in ("holds", "fails", "opposite") for result in claim["results"])
    ]
    return [f"These are decided without a positive control: {', '.join(names)}."] if names else []


def _study(table: str) -> str:
    name = table.removesuffix(".csv").partition("_")[0]
    return STUDIES.get(name, name)


def _wanting_seeds(claims: Sequence[Mapping[str, Any]]) -> list[str]:
    few: dict[int, list[str]] = {}
    for claim in claims:
        for result in claim["results"]:
            seeds = len(result["seeds"])
            if (
                0 < seeds < MINIMUM_SEEDS
                and result["verdict"] == "inconclusive"
                and claim["id"] not in few.get(seeds, ())
            ):
                few.setdefault(seeds, []).append(claim["id"])
    return [
        f"With {'one seed' if seeds == 1 else 'two seeds'} there is no interval over seeds, and this run gives no "
        f"verdict on {', '.join(names)}."
        for seeds, names in sorted(few.items())
    ]


def shown(value: float, unit: str) -> str:
    """A number with as many digits as its unit deserves."""
    return f"{value:.{_DIGITS[unit]}f}".replace("-", "−")


def said_words(words: str) -> str:
    """The verdict of a study itself; checks that agree or do not are counted."""
    return {"True": "all agree", "False": "none agrees"}.get(words, words.replace(" True", " agree"))


def _rows(claims: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = ["| | claim | published | found |", "|---|---|---|---|"]
    for claim in claims:
        role = _ROLES[claim["role"]]
        published = shown(claim["published"], claim["unit"]) if claim["published"] is not None else ""
        found = "<br>".join(_found(claim, result) for result in claim["results"])
        said = f"{role}{claim['statement']} {_PAPERS[claim['paper']]}, {claim['source']}"
        lines.append(f"| `{claim['id']}` | {_cell(said)} | {published} | {_cell(found)} |")
    return lines


def _found(claim: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    verdict = result["verdict"]
    start = f"{SYMBOLS[verdict]} {result['model']}".rstrip()
    if verdict in ("not tested", "the setting cannot tell"):
        return f"{start} {verdict}: {result['reason']}"
    if result["words"]:
        return f"{start} {said_words(result['words'])}"
    if result["effect"] is None:
        return f"{start} {result['reason']}"
    text = f"{start} {shown(result['effect'], claim['unit'])}"
    if result["low"] is not None:
        text += f" ({shown(result['low'], claim['unit'])} to {shown(result['high'], claim['unit'])})"
    p = result.get("p_opposite") if verdict == "opposite" else result["p_holm"] if verdict in _WITH_P else None
    if p is not None:
        text += f", p {p:.2g}"
    return f"{text}, {_units(result)}"


def _units(result: Mapping[str, Any]) -> str:
    """How many seeds, or else tasks, the interval rests on."""
    told = result["interval"]
    units: str = told.partition(" t ")[2] or (told.removeprefix("none: ") if told.startswith("none") else told)
    return units


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
