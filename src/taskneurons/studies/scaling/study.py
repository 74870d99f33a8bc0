"""What the study of scale says of itself."""

from taskneurons.evidence.study import Study

STUDY = Study(
    name="scaling",
    title="Sizes and architectures",
    question="whether task neurons depend on the size and the architecture of a model",
    asks="Are task neurons special to their task in every architecture, and what becomes of them as models grow? "
    "Models of several architectures, and of several sizes of one, are trained from scratch on the same tasks. "
    "Of each is measured what a task loses without its own neurons beyond other neurons, how concentrated the "
    "scores are, how many neurons are in the top of every task, what the tops of two tasks share, and what a task "
    "gains when the model is trained on another one. A line over the logarithm of the number of parameters says what "
    "goes with size.",
    page="scaling.md",
    figures=(
        (
            "sizes",
            "Each measure over the number of parameters, with its line and what it predicts far beyond.",
        ),
        ("architectures", "Each measure in models of different architectures and one size."),
    ),
    tables=(
        ("scaling_summary", "Each measure of each model, mean over seeds"),
        ("scaling_trend", "Lines over the number of parameters, and what they predict"),
        ("scaling_models", "The models, and whether they have learned their tasks"),
        ("scaling", "Each measure of each model and seed"),
    ),
    words=(
        ("measure", "own", "rise of the loss without own neurons"),
        ("measure", "own_less_sibling", "own less the sibling's"),
        ("measure", "own_less_other_family", "own less another family's"),
        ("measure", "own_less_random", "own less random"),
        ("measure", "own_share", "part of the damage that is the task's own"),
        ("measure", "own_points", "score lost without own neurons"),
        ("measure", "own_less_sibling_points", "own less the sibling's, score"),
        ("measure", "own_less_other_family_points", "own less another family's, score"),
        ("measure", "own_less_random_points", "own less random, score"),
        ("measure", "half_share", "neurons that hold half of the scores"),
        ("measure", "gini", "Gini coefficient of the scores"),
        ("measure", "keystone_share", "part of a top that every task's top has"),
        ("measure", "overlap_sibling", "overlap with the sibling"),
        ("measure", "overlap_other_family", "overlap with another family"),
        ("measure", "overlap_other_kind", "overlap with another kind"),
        ("measure", "transfer_sibling", "gained by training on the sibling"),
        ("measure", "transfer_other_family", "gained by training on another family"),
        ("measure", "transfer_sibling_points", "gained by training on the sibling, score"),
        ("measure", "transfer_other_family_points", "gained by training on another family, score"),
    ),
)
