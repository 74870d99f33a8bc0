"""What the study of training says of itself."""

from taskneurons.evidence.study import LENG, Beside, Study

STUDY = Study(
    name="training",
    title="Training neurons alone",
    question="what training a task's neurons alone gives",
    asks="In the pre-trained model only a set of neurons is trained and everything else is frozen. If a task's neurons "
    "carry the task, training them must teach the task better or sooner than training as many random ones.",
    paper=f"{LENG}, Tables 2 and 7, Figure 5 c-d",
    page="training.md",
    figures=(
        (
            "shares*",
            "How far own neurons are ahead of each control after how many steps, by the share that is trained.",
        ),
        ("rates*", "How far own neurons are ahead of each control after how many steps, by the learning rate."),
        ("map", "Where own neurons are ahead of random ones: every share, rate and step, scores beside losses."),
        ("specificity", "Own neurons beside a sibling's and another family's, at one reading that can decide."),
    ),
    tables=(
        ("training_advantage", "How far each condition is ahead over all readings that can decide"),
        ("training_published", "Our values beside the printed ones"),
        ("training_areas", "Areas under the curves, and steps until a fixed loss"),
        ("training_curves", "Differences at every reading, and whether it can decide"),
        ("training", "Every measured value"),
    ),
    published=(
        ("leng2025/table2_neuron_tuning_llama2_7b.csv", "Table 2: Llama-2-7b"),
        ("leng2025/table7_neuron_tuning_bloom_7b1.csv", "Table 7: Bloom-7b1"),
    ),
    beside=Beside("training_published", ("zero_shot", "random", "task")),
)
