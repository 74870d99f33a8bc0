"""What the jobs of planted neurons do, for what they need: see `workflow.tally`."""

from taskneurons.workflow.tally import Tally


def plant_neurons(tally: Tally) -> None:
    """A model from scratch is trained with gated neurons."""
    course = tally.settings["schedule"]
    tally.train("whole", course["steps"], course["batch_size"])
    tally.disk += 4 * tally.size.parameters


def measure(tally: Tally) -> None:
    """Each neuron is ablated alone, sets of them too, and all estimators score them."""
    made = tally.settings
    tally.undivided = True
    examples = tally.tasks * made["test_examples"]
    # Each neuron alone, and some sixty sets of each task.
    passes = tally.neurons + 60 * tally.tasks
    tally.read(passes * examples, made["batch_size"], "attribution.batch_size")
    tally.attribute(
        3 * tally.tasks, tally.train_examples(made["examples"]), made["batch_size"], "attribution.batch_size", 40
    )


def ablate(tally: Tally) -> None:
    """Neurons of three kinds are ablated one by one; what lies below the layer of one is not computed again."""
    made = tally.settings
    # Whatever the model's own precision: the job compares small differences.
    tally.dtype = "float32"
    tally.undivided = True
    examples = tally.train_examples(made["examples"])
    tally.attribute(tally.tasks, examples, made["batch_size"], "attribution.batch_size")
    passes = 3 * made["neurons"] / 2
    tally.read(round(passes * tally.tasks * made["test_examples"]), made["batch_size"], "attribution.batch_size")
