"""What a job that trains shares of neurons does, for what they need: see `workflow.tally`."""

from taskneurons.workflow.costs import training_bytes
from taskneurons.workflow.tally import Tally


def train(tally: Tally) -> None:
    """Trainings of growing shares for groups of tasks, and tests."""
    made, recipe = tally.settings, tally.settings["recipe"]
    steps, batch = recipe["steps"], recipe["batch_size"]
    for group in made["groups"]:
        tasks, tested = len(group["tasks"]), len(group["tasks"]) + len(group["unseen"])
        tally.test(tested, recipe["limit"])
        for selection in made["selections"]:
            share = selection["percent"] / 100
            # ASSUME: sets of several tasks share a half, so that their union is up to twice as large as one.
            union = min(1.0, 2 * share)
            sets = 1 + (made["random_draws"] if union <= 0.5 else 0)
            tenth = training_bytes(tally.size, "neurons", tally.dtype, share=0.2)
            other = (("proportion.percents up to 10", tenth),)
            tally.train("neurons", tasks * steps, batch, times=sets, share=union, other=other)
            tally.train("neurons", steps, batch, times=tasks, share=share, other=other)
            tally.test(sets * tested + tasks, recipe["limit"])
