"""The tidy form of what is measured on the dial; its tables may change without a new measurement."""

RUN = ("study", "model", "suite", "seed")
MEASURED_COLUMNS = (
    *RUN, "train_task", "test_task", "shared", "sets", "selection", "metric", "value", "n", "reason",
)  # fmt: skip
