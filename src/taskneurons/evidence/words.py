"""What readers are told that a name in a table means: one vocabulary for tables, figures, the report and the README.

A name belongs to the column of a table in which it stands, for `mean` is an intervention in one and an average in
another. Names of conditions, metrics and measures are told apart without their column. Words that only one study needs
stand in its `study.py`, and are the report's alone: a job that read them would run again for a caption.
"""

from collections.abc import Callable, Iterable, Mapping

CONDITIONS = {
    "original": "untouched model",
    "zero_shot": "before training",
    "bottom": "lowest-scored neurons",
    "random": "random neurons",
    "uniform": "random neurons of any layer",
    "keystone": "neurons that every task needs",
    "other_task": "another task's neurons",
    "higher": "a set overlap with the task's higher-scored neurons",
    "lower": "a set overlap with the task's lower-scored neurons",
    "sibling": "neurons of its family's other task",
    "task": "the task's own neurons",
    "all_tasks": "all tasks' neurons together",
    "full": "the whole model",
}
METRICS = {
    "score": "accuracy or ROUGE-L",
    "accuracy": "accuracy",
    "accuracy_restricted": "accuracy among the options",
    "rougeL": "ROUGE-L",
    "exact_match": "exact match",
    "token_f1": "F1 of words",
    "loss": "loss",
    "layer_share": "share of the set",
    "cka_unbiased": "CKA, unbiased",
    "cka_biased": "CKA, biased",
    "cka_standardised_unbiased": "CKA of standardised features, unbiased",
    "cka_standardised_biased": "CKA of standardised features, biased",
    "effective_rank": "effective rank",
    "components": "principal components",
    "CL": "final accuracy (CL)",
    "FG": "retention (FG)",
    "BWT": "backward transfer (BWT)",
    "FWT": "forward transfer (FWT)",
    "learned": "accuracy just after learning",
    "learned_share": "accuracy just after learning, as a share of Per-Task FT",
    "forgetting": "forgetting, mean",
    "max_forgetting": "forgetting, largest",
    "identification": "prompts whose task is inferred right",
    "trainable": "weights that a stage trains",
    "storage": "what is kept (bytes)",
}
MEASURES = {
    "overlap": "overlap of neurons",
    "jaccard": "overlap (Jaccard)",
    "ochiai": "overlap (Ochiai)",
    "ochiai_chance": "overlap (Ochiai) by chance",
    "masked_cosine": "masked cosine (the paper's)",
    "masked_cosine_residual": "masked cosine, overlap taken out",
    "mean_cosine": "mean vectors",
    "mean_cosine_outside": "mean vectors, shared neurons left out",
    "best_match": "best match",
    "best_match_outside": "best match, shared neurons left out",
    "best_match_excess": "best match of unshared neurons beyond chance",
    "change_cosine": "cosine of what tuning changed",
    "transfer_loss": "transfer, by loss",
    "transfer_rougeL": "transfer, by ROUGE-L",
}
ESTIMATORS = {
    "taylor": "Taylor",
    "taylor_token": "Taylor, by token",
    "taylor_global": "Taylor, signed sum",
    "taylor_all_tokens": "Taylor, prompt and answer",
    "activation": "activation",
    "integrated_gradients": "integrated gradients",
    "contrast": "contrast with other tasks",
    "entropy": "entropy over tasks",
}
INTERVENTIONS = {"zero": "set to zero", "mean": "set to the mean", "parameters": "parameters set to zero"}
WITHIN = {"model": "ranked over the model", "layer": "ranked within layers"}
MEANS = {"mean_cls": "mean, classification", "mean_gen": "mean, generation", "mean_all": "mean, all tasks"}
# What a claim can come out as: its symbol, how several are counted, and what it means.
VERDICTS: Mapping[str, tuple[str, str, str]] = {
    "holds": ("✔", "hold", "the whole interval lies beyond the margin, as claimed"),
    "fails": ("✘", "fail", "the whole interval lies short of the margin"),
    "opposite": ("⇄", "opposite", "the whole interval lies beyond the margin on the other side"),
    "inconclusive": ("?", "inconclusive", "the margin lies in the interval, or there is no interval"),
    "the setting cannot tell": (
        "∅",
        "that the setting cannot tell",
        "the positive control did not pass in the same cells",
    ),
    "not tested": ("–", "not tested", "nothing was measured for it"),
}
# The columns in which each kind of name stands.
VALUES: Mapping[str, Mapping[str, str]] = {
    "condition": CONDITIONS,
    "metric": METRICS,
    "measure": MEASURES,
    "outcome": {"gain": "gain in score", "loss_gain": "gain in loss"},
    "estimator": ESTIMATORS,
    "intervention": INTERVENTIONS,
    "selection": WITHIN,
    "task": MEANS,
    "published_task": MEANS,
}
_ALONE = {**CONDITIONS, **METRICS, **MEASURES, **MEANS}


def of(name: str, column: str = "") -> str:
    """The words for a name.

    Args:
        name: as it stands in tables.
        column: in which it stands; without it, names of conditions, metrics, measures and means are known.

    Returns:
        The words. An unknown name is told as it is in a column, where it may be a user's, and with spaces without one.
    """
    if column:
        return VALUES.get(column, {}).get(name, name)
    return _ALONE.get(name, name.replace("_", " "))


def joined(cells: Iterable[tuple[str, str]], say: Callable[[str, str], str] = of) -> str:
    """Several cells of a row in words, such as `top 10 %, Taylor, ranked within layers`; empty ones are left out.

    Args:
        cells: (column, value).
        say: the words for a value and its column.
    """
    return ", ".join(
        f"top {float(value):g} %" if column == "percent" else say(value, column) for column, value in cells if value
    )
