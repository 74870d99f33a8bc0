"""What the jobs that compare models layer by layer do, for what they need: see `workflow.tally`."""

from collections.abc import Iterable

from taskneurons.workflow.tally import Part, Tally


def tune_controls(tally: Tally) -> None:
    """A control model for each task."""
    tally.tune_changes(len(_folders(tally.outputs)), or_adapters=True)


def tune_generalists(tally: Tally) -> None:
    """The experimental and the held-out models."""
    tally.tune_changes(len(_folders(tally.outputs)))


def merge(tally: Tally) -> None:
    """Weights are read and written."""
    tally.copy()


def compare(tally: Tally) -> None:
    """Representations of all models on the prompts of some tasks."""
    made = tally.settings["comparison"]
    tasks, batch = len(tally.outputs), made["representation"]["batch_size"]
    tally.undivided = True
    # The base, the experimental and the held-out model, and the control model of each task.
    tally.read(4 * tasks * made["representation"]["examples"], batch, "layers.batch_size")
    tally.test(4 * tasks, made["scored_examples"])
    tally.parts.append(Part(2 * tally.weights + 4 * tally.size.parameters))


def measure_transfer(tally: Tally) -> None:
    """Representations and answers of pairs of tasks."""
    shown = tally.settings["representation"]
    pairs = tally.tasks * (len(tally.outputs) + 1)
    tally.undivided = True
    tally.read(pairs * shown["examples"], shown["batch_size"], "layers.batch_size")
    tally.test(pairs, shown["examples"])
    tally.resume = 8 * tally.tasks * tally.size.layers * tally.size.width * shown["examples"]


def _folders(outputs: Iterable[str]) -> set[str]:
    return {path.rpartition("/")[0] for path in outputs}
