"""What the study of continual learning says of itself."""

from taskneurons.evidence.study import LENG, Study
from taskneurons.studies.continual.methods import METHODS

STUDY = Study(
    name="continual",
    title="Tasks one after the other",
    question="which ways of learning tasks one after another forget least",
    asks="Tasks are trained in sequence. Does training only the neurons of the current task (NCFT) forget less than "
    "training everything, a low-rank adapter or random neurons? Does it help to weight what each task changed by its "
    "similarity to the task that is asked (W-NCFT), with weights that are fixed or that adapt to each prompt? Every "
    "method has the same budget, and is shown at two learning rates: the one that it has chosen on an order of the "
    "tasks that no result uses, and one that is the same for all.",
    paper=f"{LENG}, Tables 5 and 14, Figure 4",
    page="continual.md",
    figures=(
        (
            "methods",
            "Mean accuracy on all tasks after the last one (CL), of what is written and among the options, at each "
            "method's own learning rate and at an equal one. Grey diamonds are the printed values (Table 5).",
        ),
        (
            "retention",
            "The accuracy on earlier tasks after each stage, as a share of what training on each task alone reaches "
            "(Figure 4). High is good.",
        ),
        (
            "stages",
            "The accuracy on every task after every stage of one order. Tasks below the stepped line were already "
            "learned. Where cells become lighter there, the task was forgotten.",
        ),
        ("cost", "Accuracy after the last task against the bytes that are kept and against what training takes."),
        ("rates", "What was tried on the development order. Stars mark what was chosen for all other orders."),
    ),
    tables=(
        ("continual_methods", "Means over bases, with paired differences from NCFT, and whether methods have learned"),
        ("continual_published", "Our values beside the printed ones, and whether the methods rank alike"),
        ("continual_summary", "Every measure of every method and order, with intervals over seeds"),
        ("continual_rates", "Every trial on the development order"),
        ("continual_measures", "Every measure of every stream"),
        ("continual", "Every measured value"),
    ),
    published=(
        ("leng2025/table5_continual_learning.csv", "Table 5: mean accuracy after the last task"),
        ("leng2025/table14_task_orders.csv", "Table 14: the orders of the tasks"),
    ),
    words=tuple((column, name, method.label) for name, method in METHODS.items() for column in ("method", "group", "")),
)
