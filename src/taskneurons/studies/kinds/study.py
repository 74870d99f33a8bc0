"""What the study of kinds says of itself."""

from taskneurons.evidence.study import Study

STUDY = Study(
    name="kinds",
    title="Kinds of task",
    question="whether overlap explains transfer across kinds of task",
    asks="Do two tasks of different kinds, such as arithmetic and translation, gain more from each other where they "
    "share more neurons? Models are tuned as a whole on one task and tested on tasks of the same and of other kinds. "
    "What two tasks share in neurons is held against what training on one gives the other, beside what they share "
    "in words.",
    page="kinds.md",
    figures=(
        ("pairs", "What two tasks share, and what training on one gives the other."),
        ("correlation", "Correlation of what two tasks share with what training on one gives the other."),
    ),
    tables=(
        ("kinds_correlation", "Correlations with what training gives"),
        ("kinds_tasks", "The tasks, and which of them can tell"),
        ("kinds", "Every pair of tasks and seed"),
    ),
    words=(
        ("predictor", "jaccard", "overlap of neurons"),
        ("predictor", "prompt_words", "words of prompts"),
        ("predictor", "answer_words", "words of answers"),
        ("predictor", "same_family", "same kind"),
        ("pairs", "across", "pairs of different kinds"),
        ("pairs", "all", "all pairs"),
        ("outcome", "loss_gain", "loss"),
        ("outcome", "gain", "score"),
    ),
)
