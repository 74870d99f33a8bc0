"""What a caption says of the model that its figure shows."""


def studied(model: str, suite: str, *, tuned: bool) -> str:
    """A run in the words of a caption: two studies of one model may differ in its tuning alone.

    Args:
        model, suite: names in the parameters.
        tuned: whether the model was tuned on all tasks of the suite; else it is studied as it is.
    """
    return f"{model} {'tuned on all tasks' if tuned else 'as it is'}, suite {suite}"
