"""What a job that trains overlapping sets does, for what they need: see `workflow.tally`."""

from taskneurons.workflow.tally import Tally


def train(tally: Tally) -> None:
    """Trainings of sets of each level of overlap for groups of tasks, and tests."""
    made, recipe, overlaps = tally.settings, tally.settings["recipe"], tally.settings["overlaps"]
    for group in made["combinations"].values():
        tasks, unseen = len(group["tasks"]), len(group["unseen"])
        tally.test(tasks + unseen, recipe["limit"])
        for selection in overlaps["selections"]:
            sets = 1 + 2 * unseen * len(overlaps["overlaps"]) * overlaps["choices"]
            tally.train(
                "neurons",
                tasks * recipe["steps"],
                recipe["batch_size"],
                times=sets,
                share=selection["percent"] / 100,
            )
            tally.test(sets + tasks - 1, recipe["limit"])
