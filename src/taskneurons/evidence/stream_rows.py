"""The tidy form of what a stream of tasks measures; its tables may change without a new measurement."""

COLUMNS = (
    "suite", "model", "seed", "method", "order", "stage", "train_task", "test_task", "metric", "value", "n",
)  # fmt: skip
