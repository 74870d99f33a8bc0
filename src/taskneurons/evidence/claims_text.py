"""Claims in words: their numbers, and the table in the README, between two markers, from `results/claims.json`."""

from collections.abc import Mapping, Sequence
from typing import Any

from taskneurons.errors import InputError

README, RESULTS = "README.md", "results/claims.json"
BEGIN, END = "<!-- claims: begin -->", "<!-- claims: end -->"
SYMBOLS = {"holds": "✔", "fails": "✘", "inconclusive": "?", "not tested": "–"}
_PAPERS = {"leng2025": "Leng & Xiong 2025", "zhao2024": "Zhao et al. 2024"}
_ROLES = {
    "claim": "",
    "control": "*Control:* ",
    "design": "*Check of the design:* ",
    "arithmetic": "*Printed numbers:* ",
}
_DIGITS = {"points": 1, "slope": 2, "percent": 0, "layers": 0, "correlation": 2, "similarity": 2}


def with_claims(readme: str, decided: Mapping[str, Any], name: str = README) -> str:
    """The text of the README with the table of claims between its markers.

    Args:
        readme: the text as it is.
        decided: the content of `claims.json`.
        name: of the README, for errors.

    Raises:
        InputError: the two markers do not stand there once, in order.
    """
    if readme.count(BEGIN) != 1 or readme.count(END) != 1 or readme.index(BEGIN) > readme.index(END):
        raise InputError(f"`{BEGIN}` and `{END}` must stand there once", where=name)
    before, _, rest = readme.partition(BEGIN)
    return f"{before}{BEGIN}\n{claims_table(decided)}{END}{rest.partition(END)[2]}"


def claims_table(decided: Mapping[str, Any]) -> str:
    """The claims as a Markdown table: one row a claim, what each model says, and what the rules and counts are."""
    counts, rules = decided["counts"], decided["rules"]
    told = ", ".join(f"{SYMBOLS[verdict]} {verdict} {counts[verdict]}" for verdict in SYMBOLS)
    designs = [claim for claim in decided["claims"] if claim["role"] == "design"]
    others = [claim for claim in decided["claims"] if claim["role"] != "design"]
    lines = [
        "<details>",
        f"<summary>{len(others)} claims; verdicts: {told}</summary>",
        "",
        f"Effects with their {100 * rules['level']:g} % intervals in points of accuracy or ROUGE-L, correlations or "
        "similarities; p is Holm-corrected within a family of claims. Digest of the rules: "
        f"`{rules['digest'][:12]}`.",
        "",
        *_rows(others),
        "",
    ]
    if designs:
        lines += ["In no count, for a suite was designed until it was so:", "", *_rows(designs), ""]
    return "\n".join([*lines, "</details>"]) + "\n"


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
    return told.partition(" t ")[2] or (told.removeprefix("none: ") if told.startswith("none") else told)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
