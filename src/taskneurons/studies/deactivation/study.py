"""What the study of deactivation says of itself."""

from taskneurons.evidence.study import LENG, Beside, Dots, Filter, Matrix, Study

_FILTERS = (
    Filter("Model", ("model", "suite")),
    Filter("Neurons", ("percent", "estimator", "selection")),
    Filter("Intervention", ("intervention",), first="zero"),
    Filter("Metric", ("metric",), first="accuracy", together=("accuracy", "rougeL")),
)

STUDY = Study(
    name="deactivation",
    title="Switching neurons off",
    question="what a model loses without a task's neurons",
    asks="If the neurons that gradient attribution names carry a task, then switching them off must hurt that task "
    "far more than switching off as many other neurons. Each task's set is compared with random sets of the same "
    "layers, with the sets of other tasks, and with the lowest-scored neurons.",
    paper=f"{LENG}, Tables 1 and 6, Figure 5 a-b",
    figures=(
        (
            "specificity",
            "What a task loses without its own neurons, less what it loses without as many others: random ones, those "
            "of other families' tasks, those of its family's other task. Only what stays above 0 against other tasks "
            "is the task's own. Whiskers are 95 % t intervals over seeds.",
        ),
        (
            "drops-*",
            "What is left of every task when a set of neurons is set to zero: the task's own neurons (orange) against "
            "random, other tasks' and lowest-scored neurons. Dots are seeds, bars are means, whiskers 95 % t "
            "intervals over seeds.",
        ),
        (
            "matrix-*",
            "Rows: the task whose neurons are switched off. Columns: the tested task. Dark cells on the diagonal mean "
            "that the neurons belong to the task.",
        ),
    ),
    tables=(
        ("deactivation_published", "Our values beside the printed ones"),
        ("deactivation_summary", "Means, intervals over seeds and drops paired by seed"),
        ("deactivation_specificity", "Own less other: what is lost beyond what other neurons cost"),
        ("deactivation_diagonal", "Permutation test of the diagonal"),
        ("deactivation", "Every measured value"),
    ),
    published=(
        ("leng2025/table1_deactivation_llama2_7b.csv", "Table 1: Llama-2-7b"),
        ("leng2025/table6_deactivation_bloom_7b1.csv", "Table 6: Bloom-7b1"),
    ),
    beside=Beside(
        "deactivation_published",
        ("original", "random", "task"),
        # What the paper does.
        where=(("intervention", "zero"),),
    ),
    charts=(
        Dots(
            table="deactivation_summary",
            title="What each task loses",
            caption="The drop of a task's score when a set of neurons is switched off, averaged over seeds; whiskers "
            "are 95 % t intervals of the paired drops. The further to the right, the greater the loss.",
            value="drop",
            low="drop_low",
            high="drop_high",
            axis="Drop (points; nats for the loss)",
            legend="Neurons switched off",
            conditions=("task", "other_task", "random", "bottom"),
            filters=_FILTERS,
        ),
        Matrix(
            table="deactivation",
            title="What a task loses without another task's neurons",
            caption="Mean drop over seeds of the tested task (column) when the neurons of another task (row) are "
            "switched off.",
            rows="Neurons switched off",
            columns="Tested task",
            legend="Drop",
            conditions=("task", "other_task"),
            reference="original",
            filters=_FILTERS,
        ),
    ),
    files=(("effects", "results/tables/deactivation_summary.csv"),),
)
