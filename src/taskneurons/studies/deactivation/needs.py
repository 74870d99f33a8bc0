"""What a job that sets neurons to zero does, for what they need: see `workflow.tally`."""

from taskneurons.workflow.tally import Tally


def deactivate_neurons(tally: Tally) -> None:
    """Tests of some tasks with each set of neurons at zero."""
    design = tally.settings["design"]
    others, alike = (tally.tasks - 1, tally.tasks / 2 - 1) if design["matrix"] else (0, 0)
    cases = design["original"] + len(design["interventions"]) + 2 + design["random_draws"] + others
    cases += len(design["percents"]) * (1 + design["random_draws"] + alike)
    tally.undivided = "parameters" in design["interventions"]
    tally.test(len(tally.outputs) * cases, design["examples"])
