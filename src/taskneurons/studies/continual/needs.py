"""What the jobs of streams do, for what they need: see `workflow.tally`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from taskneurons.studies.continual.methods import METHODS
from taskneurons.workflow.costs import GRADIENT, MASTER, MOMENTS, Method
from taskneurons.workflow.tally import Part, Tally


def _streams(tally: Tally, methods: Iterable[Mapping[str, Any]], stages: float) -> None:
    """Stages of streams; `bytes_per_parameter` of a method is what it holds besides activations."""
    budget = tally.settings["budget"]
    for asked in methods:
        held = METHODS[asked["name"]].bytes_per_parameter
        method: Method = "full" if held > 8 else "lora" if "lora" in asked["parameters"] else "neurons"
        share = asked["parameters"].get("ncft", {}).get("percent", 100) / 100
        tally.train(method, budget["steps"], budget["batch_size"], times=stages, share=share)
        other = ((f"continual.methods without {asked['name']}", None),) if held > 8 else ()
        processes = tally.params.workflow.processes_per_job
        # Weights under a penalty are not shared out: it needs the whole of them.
        spread = 1 - 1 / processes if method == "full" and not METHODS[asked["name"]].penalised else 0
        fixed = (held - spread * (MASTER + GRADIENT + MOMENTS)) * tally.size.parameters
        tally.parts[-1] = replace(tally.parts[-1], fixed=fixed, other=other)
        # ASSUME: what a method carries from stage to stage lies on the host too, with all that it holds in training.
        tally.loaded = max(tally.loaded, held * tally.size.parameters)
        if held > 8:
            tally.disk = max(tally.disk, 4 * tally.size.parameters)


def choose_rates(tally: Tally) -> None:
    """Trials of each rate and strength on the development stream, and tests."""
    made = tally.settings
    grid, stages = made["grid"], len(made["order"])
    trials = len(grid["learning_rates"]) * max(1, len(grid["strengths"]))
    _streams(tally, [made["method"]], trials * stages)
    answered = trials + len(made["weightings"]) * max(1, len(grid["temperatures"]))
    tally.test(answered * stages, None)


def learn_streams(tally: Tally) -> None:
    """All streams of a method, and tests after each stage."""
    made = tally.settings
    rates = 1 if made["equal_rate"] is None else 2
    stages = rates * _stages(made["orders"].values())
    _streams(tally, [made["method"]], stages)
    tally.test(rates * sum(len(order) ** 2 for order in made["orders"].values()), made["budget"]["limit"])
    if METHODS[made["method"]["name"]].keeps_patches:
        share = made["method"]["parameters"]["ncft"]["percent"] / 100
        tally.disk += 4 * share * tally.size.ffn * sum(path.endswith(".safetensors") for path in tally.outputs)


def weigh_patches(tally: Tally) -> None:
    """Answers of finished patches under each weighting; nothing is trained."""
    made = tally.settings
    tally.undivided = True
    answered = 2 * len(made["weightings"]) * sum(len(order) ** 2 for order in made["orders"].values())
    tally.test(answered, made["budget"]["limit"])
    held = METHODS[made["learner"]].bytes_per_parameter * tally.size.parameters
    tally.parts.append(Part(held))
    tally.loaded = held


def _stages(orders: Iterable[Sequence[str]]) -> int:
    """Stages of some orders, those once that begin alike."""
    return len({tuple(order[:end]) for order in orders for end in range(1, len(order) + 1)})
