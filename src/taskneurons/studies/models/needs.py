"""What the jobs that make and test models do, for what they need: see `workflow.tally`."""

from taskneurons.workflow.tally import Tally


def import_model(tally: Tally) -> None:
    """The published weights are read and written."""
    tally.copy()


def pretrain_model(tally: Tally) -> None:
    """A model from scratch is trained on the corpus."""
    course = tally.settings["model"]["pretraining"]
    tally.train("whole", course["steps"], course["batch_size"])
    tally.disk += 4 * tally.size.parameters


pretrain_further_model = pretrain_model


def tune_multitask_model(tally: Tally) -> None:
    """All weights are tuned on all tasks."""
    course = tally.settings["schedule"]
    tally.train(
        "whole",
        course["steps"],
        course["batch_size"],
        other=(("multitask: null (the model is studied as it is)", None),),
    )
    tally.disk += 4 * tally.size.parameters


def evaluate_multitask(tally: Tally) -> None:
    """The tuned model answers the test examples of some tasks."""
    tally.test(len(tally.outputs), tally.test_examples)
