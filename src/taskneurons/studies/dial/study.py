"""What the study of known transfer says of itself."""

from taskneurons.evidence.study import Study

STUDY = Study(
    name="dial",
    title="A suite in which the answer is known",
    question="the same where it is known by construction what tasks share",
    asks="Does the overlap of task neurons, or the similarity of their parameters, predict how well a model tuned on "
    "one task does another one? Here the answer is known by construction: two tasks share 0, 1, 2 or 3 of three "
    "skills, and differ in nothing else.",
    page="dial.md",
    figures=(("*", "Transfer, overlap and similarity against the number of skills that two tasks share."),),
    tables=(
        ("dial_summary", "Means and intervals by the number of shared skills"),
        ("dial", "Every pair of tasks"),
    ),
    words=(
        ("sets", "base", "sets of the base"),
        ("sets", "multitask", "sets of the model of all tasks"),
        ("sets", "source", "sets of the tuned model"),
        ("sets", "shuffled", "sets of the base, shuffled answers"),
        ("against", "shared", "shared skills"),
        ("against", "transfer_loss", "transfer, by loss"),
        ("against", "transfer_rougeL", "transfer, by ROUGE-L"),
    ),
)
