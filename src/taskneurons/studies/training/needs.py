"""What a job that trains curves does, for what they need: see `workflow.tally`."""

from taskneurons.workflow.tally import Tally


def train(tally: Tally) -> None:
    """Trainings of each cell of the grid, and tests at each reading."""
    made, recipe = tally.settings, tally.settings["recipe"]
    tasks, readings = len(tally.outputs), len(recipe["readings"])
    course = (recipe["steps"], recipe["batch_size"])
    rates = len({one["learning_rate"] for one in made["trained"]})
    tally.train("full", *course, times=tasks * rates, readings=readings)
    trained = 0
    for one in made["trained"]:
        sets = 1 + made["random_draws"] + len(one["controls"])
        trained += sets
        tally.train("neurons", *course, times=tasks * sets, share=one["selection"]["percent"] / 100)
    tally.test(tasks * (1 + readings * (trained + rates)), recipe["limit"])
