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
    "method has the same budget and the same grid of learning rates. Rates are chosen on an order of the tasks that "
    "no result uses.",
    paper=f"{LENG}, Tables 5 and 14, Figure 4",
    page="continual.md",
    figures=(
        (
            "methods",
            "Mean accuracy on all tasks after the last one (CL), every method on every order of the tasks. Hollow "
            "diamonds are the printed values (Table 5).",
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
        ("cost", "Accuracy after the last task against the bytes that are kept and against training time."),
        (
            "ranks",
            "Mean ranks of the methods over orders. Bars join methods whose ranks differ by less than the critical "
            "difference.",
        ),
        ("rates", "What was tried on the development order. Stars mark what was chosen for all other orders."),
    ),
    tables=(
        ("continual_methods", "Means and ranks over orders, with Friedman's test and the critical difference"),
        ("continual_published", "Our values beside the printed ones, and whether the methods rank alike"),
        ("continual_summary", "Every measure of every method and order, with intervals over seeds"),
        ("continual_rates", "Every trial on the development order"),
        ("continual", "Every measured value"),
        ("continual_costs_summary", "Training time of a stage by method and order"),
        ("continual_costs", "Training time of every stage"),
    ),
    published=(
        ("leng2025/table5_continual_learning.csv", "Table 5: mean accuracy after the last task"),
        ("leng2025/table14_task_orders.csv", "Table 14: the orders of the tasks"),
    ),
    words=tuple(
        (column, name, method.label) for name, method in METHODS.items() for column in ("method", "best", "group", "")
    ),
)
