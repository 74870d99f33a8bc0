"""What the study of the claims says of itself."""

from taskneurons.evidence.study import Study

STUDY = Study(
    name="claims",
    title="Claims",
    question="which claims of the papers hold, and whether the printed numbers agree with each other",
    asks="What the two papers claim, one claim to an entry. Margins come from the papers. claims.yaml says which "
    "choices were made after first results had been seen. A verdict is for the scale and the seeds of this run.",
    figures=(
        ("power", "How far the papers' inconclusive claims are from a verdict, and the seeds that it would need."),
        ("*", "Effects with their intervals, and the margins that decide."),
    ),
    tables=(
        ("published_checks", "Do the printed numbers agree with each other?"),
        ("claims", "Every verdict with its numbers"),
        ("claims_power", "How many seeds would a verdict need?"),
    ),
    files=(("verdicts", "results/claims.json"),),
)
