"""What the study of overlaps says of itself."""

from taskneurons.evidence.study import LENG, Study

STUDY = Study(
    name="overlap",
    title="Overlap of neuron sets",
    question="how far neuron sets overlap beyond chance, and what the overlap does",
    asks="Do tasks that share neurons help each other? The overlap of the sets is measured beside what chance would "
    "give. Then the overlap is set by hand, while the number of trained neurons stays the same.",
    paper=f"{LENG}, Tables 8 to 11",
    page="training.md",
    figures=(
        ("shares", "Overlap by the share of neurons that is selected, beside what chance would give (Table 8)."),
        ("layers-*", "Overlap in each layer, beside chance."),
        ("pairs-*", "Overlap of every pair of tasks above chance."),
        (
            "controlled",
            "Scores of a task when its overlap with the trained neurons is set by hand (Tables 9 to 11).",
        ),
    ),
    tables=(
        ("overlap_summary", "Overlap beside chance and the printed values"),
        ("overlap_controlled_setting", "Could this setting show it?"),
        ("overlap_controlled_trend", "Do scores rise with an overlap that is set?"),
        ("overlap_controlled_summary", "Scores by the overlap that is set"),
        ("overlap", "Every pair of tasks"),
        ("overlap_controlled", "Every measured value"),
    ),
    published=(
        ("leng2025/table8_overlap.csv", "Table 8: overlap by share"),
        ("leng2025/table9_controlled_overlap_cls_cls.csv", "Table 9: classification to classification"),
        ("leng2025/table10_controlled_overlap_gen_gen.csv", "Table 10: generation to generation"),
        ("leng2025/table11_controlled_overlap_gen_cls.csv", "Table 11: generation to classification"),
    ),
    words=(
        ("relation", "same_family", "same family"),
        ("relation", "same_kind", "same kind, other family"),
        ("relation", "other_kind", "other kind"),
        ("group", "same_family", "same family"),
        ("group", "same_kind", "same kind, other family"),
        ("group", "other_kind", "other kind"),
        ("scope", "unions", "unions of the tasks of a kind"),
        ("scope", "pairs", "pairs of tasks"),
        ("scope", "halves", "halves of one task"),
    ),
)
