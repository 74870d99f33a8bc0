"""What the study of layers says of itself."""

from taskneurons.evidence.study import ZHAO, Filter, Lines, Study

STUDY = Study(
    name="layers",
    title="Layer by layer",
    question="what each layer holds, and whether neurons and representations agree",
    asks="Each layer of the model tuned on all tasks is compared with models tuned on one task each, the specialists "
    "(linear CKA, unbiased). Where it is more similar to a specialist than the base is, the layer holds what the "
    "specialist learned.",
    paper=f"{ZHAO}, Figures 1 to 4",
    page="layers.md",
    figures=(
        (
            "similarity*",
            "CKA with the specialist of each task, by layer, for the base and for the model tuned on all tasks. "
            "Shuffled pairs show what chance gives.",
        ),
        (
            "map*",
            "The groups of layers: shared, transition and refinement, where the test of change points finds them.",
        ),
        ("families*", "Which families of tasks the base holds already, and which gain by tuning."),
        ("joint*", "Correlation over pairs of tasks: shared neurons and similar representations with transfer."),
    ),
    tables=(
        ("layers_map", "Change points of the layers"),
        ("layers_summary", "Means over tasks and families"),
        ("layers_joint", "Neurons against representations"),
        ("layers", "Every comparison"),
    ),
    charts=(
        Lines(
            table="layers_summary",
            title="What each layer holds",
            caption="Mean over tasks of the similarity with each task's specialist. Where the tuned model lies above "
            "the base, its layer holds more of what specialists learn.",
            lines=(("value", "tuned"), ("base", "base")),
            axis="Linear CKA with the specialists",
            filters=(
                Filter("Model", ("model", "suite")),
                Filter("Tuned on", ("role",)),
                Filter("Tasks", ("group", "scope"), first="all", either=True),
                Filter("Metric", ("metric",)),
            ),
        ),
    ),
    words=(
        ("role", "base", "base"),
        ("role", "experimental", "tuned on all tasks"),
        ("role", "held_out", "tuned on the seen tasks"),
        ("role", "control", "tuned on one task"),
        ("scope", "all", "all tasks"),
        ("scope", "seen", "seen tasks"),
        ("scope", "unseen", "unseen tasks"),
        ("measure", "excess~cka", "shared neurons and similar representations"),
        ("measure", "excess~transfer", "shared neurons and transfer, by score"),
        ("measure", "excess~transfer_loss", "shared neurons and transfer, by loss"),
        ("measure", "cka~transfer", "similar representations and transfer, by score"),
        ("measure", "cka~transfer_loss", "similar representations and transfer, by loss"),
        ("measure", "neuron_share", "share of the task's neurons in the layer"),
        ("measure", "group_share", "share of the task's neurons in the group of layers"),
    ),
)
