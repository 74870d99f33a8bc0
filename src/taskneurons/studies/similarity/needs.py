"""What a job that compares changes does, for what they need: see `workflow.tally`."""

from taskneurons.workflow.tally import Tally


def compare(tally: Tally) -> None:
    """A fine-tuning for each task, and tests of each on the unseen ones."""
    made, recipe = tally.settings, tally.settings["recipe"]
    tasks, unseen = len(made["tasks"]), len(made["unseen"])
    tally.train("full", recipe["steps"], recipe["batch_size"], times=tasks)
    tally.test(tasks + unseen + tasks * (1 + unseen), recipe["limit"])
