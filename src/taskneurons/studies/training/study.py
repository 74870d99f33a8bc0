"""What the study of training says of itself."""

from taskneurons.evidence.study import LENG, Beside, Study

STUDY = Study(
    name="training",
    title="Training neurons alone",
    question="what training a task's neurons alone gives",
    asks="In the pre-trained model only a set of neurons is trained and everything else is frozen. If a task's neurons "
    "carry the task, training them must teach the task better than training as many random ones.",
    paper=f"{LENG}, Tables 2 and 7, Figure 5 c-d",
    page="training.md",
    figures=(
        ("gains-loss-*", "How far training a set of neurons lowers the loss of its task."),
        ("gains-*", "What training a set of neurons adds to the score of its task, against as many random neurons."),
        (
            "pairs-*",
            "Rows: the task whose neurons are trained, on the data of the tested task. Columns: the tested task.",
        ),
        ("transfer-*", "Rows: the task whose neurons are trained on its own data. Columns: the tested task."),
    ),
    tables=(
        ("training_published", "Our values beside the printed ones"),
        ("training_summary", "Means, intervals, gains over the untrained model and over random neurons"),
        ("training_diagonal", "Permutation test of the diagonal"),
        ("training_rates", "Learning rates that were tried, and those that were chosen"),
        ("training", "Every measured value"),
    ),
    published=(
        ("leng2025/table2_neuron_tuning_llama2_7b.csv", "Table 2: Llama-2-7b"),
        ("leng2025/table7_neuron_tuning_bloom_7b1.csv", "Table 7: Bloom-7b1"),
    ),
    beside=Beside("training_published", ("zero_shot", "random", "task")),
)
