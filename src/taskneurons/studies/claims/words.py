"""Claims in words: their numbers, and the page docs/claims.md, from `results/claims.json`."""

from collections.abc import Mapping, Sequence
from typing import Any

from taskneurons.studies.claims.pages import pages_of

PAGE, RESULTS = "docs/claims.md", "results/claims.json"
SYMBOLS = {"holds": "✔", "fails": "✘", "inconclusive": "?", "not tested": "–"}
_PAPERS = {"leng2025": "Leng & Xiong 2025", "zhao2024": "Zhao et al. 2024"}
_ROLES = {
    "claim": "",
    "control": "*Control:* ",
    "design": "*Check of the design:* ",
    "arithmetic": "*Printed numbers:* ",
}
_DIGITS = {"points": 1, "slope": 2, "percent": 0, "layers": 0, "correlation": 2, "similarity": 2}


def claims_page(decided: Mapping[str, Any]) -> str:
    """The page of all claims: what the rules are, how many verdicts there are, one row a claim.

    Args:
        decided: the content of `claims.json`.
    """
    counts, rules = decided["counts"], decided["rules"]
    verdicts = ", ".join(f"{SYMBOLS[verdict]} {verdict} {counts[verdict]}" for verdict in SYMBOLS)
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
        "Pictures: "
        + ", ".join(
            f"[{page.title}](../results/figures/claims/{page.name}.png)" for page in pages_of(decided["claims"])
        )
        + ".",
        "",
        *_rows(others),
        "",
    ]
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
    if verdict == "not tested":
        return f"{start} not tested: {result['reason']}"
    if result["words"]:
        return f"{start} {said_words(result['words'])}"
    if result["effect"] is None:
        return f"{start} {result['reason']}"
    text = f"{start} {shown(result['effect'], claim['unit'])}"
    if result["low"] is not None:
        text += f" ({shown(result['low'], claim['unit'])} to {shown(result['high'], claim['unit'])})"
    if result["p_holm"] is not None:
        text += f", p {result['p_holm']:.2g}"
    return f"{text}, {_units(result)}"


def _units(result: Mapping[str, Any]) -> str:
    """How many seeds, or else tasks, the interval rests on."""
    told = result["interval"]
    units: str = told.partition(" t ")[2] or (told.removeprefix("none: ") if told.startswith("none") else told)
    return units


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
