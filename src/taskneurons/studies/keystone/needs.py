"""What the jobs of keystone neurons do, for what they need: see `workflow.tally`."""

from taskneurons.workflow.tally import GENERATED, Tally


def score_neutral(tally: Tally) -> None:
    """Neurons are scored on neutral text."""
    made = tally.settings
    tally.attribute(1, made["neutral"]["texts"], made["batch_size"], "attribution.batch_size")
    tally.disk += 8 * tally.neurons


def score_signed(tally: Tally) -> None:
    """Neurons are scored with their sign, for some tasks."""
    made = tally.settings
    tally.attribute(
        len(tally.outputs), tally.train_examples(made["examples"]), made["batch_size"], "attribution.batch_size"
    )
    tally.disk += 8 * tally.neurons * len(tally.outputs)


def deactivate(tally: Tally) -> None:
    """Tests of some tasks and of neutral text with each set of neurons at zero."""
    design = tally.settings["design"]
    # Sets of the task and of another one, beside random and keystone neurons; each of them on neutral text, too.
    sets = 1 + len(design["percents"]) * (1 + design["random_draws"] + 2 * len(design["sets"]))
    # Losses need no generation, those on neutral text least of all.
    generated = GENERATED if design["scores"] else 0
    tally.test(len(tally.outputs) * sets, design["test_examples"], generated=generated)
    tally.test(len(tally.outputs) * sets, tally.settings["neutral"]["texts"], generated=0)
