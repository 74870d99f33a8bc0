"""What the jobs of the multiverse do, for what they need: see `workflow.tally`."""

from taskneurons.workflow.tally import Tally


def score(tally: Tally) -> None:
    """Neurons are scored by each score and loss, for some tasks."""
    made = tally.settings
    signed = len({"signed"} & set(made["grid"]["scores"]))
    # Scores of one loss share a pass, but for signed ones. A file of scores is written for each task and reading.
    losses = len(made["grid"]["losses"])
    tasks = len({path.rpartition("/")[2] for path in tally.outputs}) - 1
    examples = tally.train_examples(made["examples"])
    tally.attribute(tasks, examples, made["batch_size"], "attribution.batch_size", losses * (1 + signed))
    tally.disk += 8 * tally.neurons * len(tally.outputs)


def deactivate(tally: Tally) -> None:
    """Tests of some tasks and of neutral text with the set of each reading at zero or at its mean."""
    grid = tally.settings["grid"]
    scores = sum(1 if score == "activation" else len(grid["losses"]) for score in grid["scores"])
    makings = scores * len(grid["specificities"]) * len(grid["within"]) * len(grid["percents"])
    sets = makings * len(grid["interventions"]) * (1 + len(grid["controls"]))
    tally.test(len(tally.outputs) * sets, tally.settings["test_examples"])
    tally.test(len(tally.outputs) * sets, tally.settings["neutral"]["texts"])
