"""What the jobs of the dial do, for what they need: see `workflow.tally`."""

from taskneurons.workflow.tally import Part, Tally


def tune(tally: Tally) -> None:
    """A fine-tuning for each task."""
    tally.tune_changes(tally.tasks)


def measure(tally: Tally) -> None:
    """Tests and scores of all models on all tasks."""
    measures = tally.settings["measures"]
    models = tally.tasks + 1
    tally.undivided = True
    tally.test(models * tally.tasks, measures["test_examples"])
    tally.attribute(
        (models + 1) * tally.tasks,
        tally.train_examples(measures["examples"]),
        measures["batch_size"],
        "attribution.batch_size",
    )
    tally.parts.append(Part(tally.weights + 4 * tally.size.parameters))
