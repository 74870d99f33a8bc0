"""What the jobs that score neurons and show examples do, for what they need: see `workflow.tally`."""

from taskneurons.workflow.tally import Tally


def attribute_scores(tally: Tally) -> None:
    """Neurons are scored by some estimators, for some tasks."""
    made = tally.settings
    estimators = len(made.get("estimators", [None]))
    # Scores of the pre-trained model come with those of two halves of the examples.
    files = 3 if "estimator" in made else estimators
    tasks = len(tally.outputs) / files
    tally.attribute(
        tasks, tally.train_examples(made["examples"]), made["batch_size"], "attribution.batch_size", estimators
    )
    tally.disk += 8 * tally.neurons * len(tally.outputs)


attribute_base = attribute_scores


def find_examples(tally: Tally) -> None:
    """A forward pass over the test examples of some tasks."""
    examples = len(tally.settings["tasks"]) * tally.test_examples
    tally.read(examples, tally.params.workflow.evaluation_batch_size, "workflow.evaluation_batch_size")
