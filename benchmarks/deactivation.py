"""What deactivated neurons, scored options and a whole evaluation cost.

    python -m benchmarks.deactivation --check
    python -m benchmarks.deactivation --shape llama2-7b --device cuda --dtype bfloat16

plain               four batches through the model as it is
zero, mean, parameters
                    the same with a tenth of the neurons deactivated; entering and leaving the block counts
options_shared      the log-probability of four options of 2 to 3 tokens after each prompt, which runs once
options_repeated    the same, prompt and option together for each option
prompt              the prompts alone, with one option

In the same process it is asserted that the interventions zero and parameters give the same logits and that both ways
score the options alike. At the end one task is evaluated: 500 examples of 30 tokens on the tiny model of the default.
"""

import sys
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from benchmarks.measure import Bar, Run, conclude, interleave, print_table, versions
from benchmarks.shapes import SHAPES, Shape, build_batch, build_model, random_ids, shape_options
from taskneurons.engine.answers import force, force_options
from taskneurons.engine.deactivation import deactivated
from taskneurons.engine.evaluation import evaluate, prepare
from taskneurons.engine.forward import forward
from taskneurons.models.encoding import IGNORED, Batch, Encoded, collate
from taskneurons.neurons.sets import NeuronSet

BATCHES = 4
OPTION_LENGTHS = (1, 2, 2, 1)
# Of the greatest logit or log-probability. bfloat16 has 8 bits, and the ways round in different places.
TOLERANCE = {"float32": 1e-5, "float16": 1e-2, "bfloat16": 5e-2}
MOST = {("zero", "plain"): 1.03, ("mean", "plain"): 1.03, ("parameters", "plain"): 1.03}
MOST_OPTIONS = 0.30
# The model and the tasks of params.yaml.
TASK_SHAPE = Shape(64, 4, 4, 256, 600, examples=500, tokens=30, answer=2)


def deactivations(model: PreTrainedModel, batch: Batch) -> dict[str, Callable[[], Tensor]]:
    """Each gives the logits of the last of four batches."""
    layers, width = model.config.num_hidden_layers, model.config.intermediate_size
    random = np.random.default_rng(0)
    neurons = NeuronSet(random.random((layers, width)) < 0.1)
    means = random.standard_normal((layers, width)).astype(np.float32) / 100

    def plain() -> Tensor:
        with torch.inference_mode():
            for _ in range(BATCHES):
                logits, _ = forward(
                    model, batch.input_ids, batch.attention_mask, batch.position_ids, keep=batch.answer_width
                )
        return logits

    def zero() -> Tensor:
        with deactivated(model, neurons):
            return plain()

    def mean() -> Tensor:
        with deactivated(model, neurons, intervention="mean", means=means):
            return plain()

    def parameters() -> Tensor:
        with deactivated(model, neurons, intervention="parameters"):
            return plain()

    return {"plain": plain, "zero": zero, "mean": mean, "parameters": parameters}


def scored_options(model: PreTrainedModel, shape: Shape, device: str) -> dict[str, Callable[[], Tensor]]:
    """Each gives the log-probability of every option after every prompt; `prompt` of one option only."""
    lengths = np.linspace(shape.tokens // 2, shape.tokens, shape.examples).astype(int)
    prompts = [random_ids(int(length), shape, row) for row, length in enumerate(lengths)]
    options = [(*random_ids(length, shape, 50 + row), 2) for row, length in enumerate(OPTION_LENGTHS)]
    width = max(map(len, options))
    padded = torch.tensor([[*option, *[IGNORED] * (width - len(option))] for option in options], device=device)
    gold = torch.arange(shape.examples, device=device) % len(options)
    alone = collate([Encoded(prompt, (2,)) for prompt in prompts], pad_id=0).to(device)
    joined = [collate([Encoded(prompt, option) for prompt in prompts], pad_id=0).to(device) for option in options]

    def shared() -> Tensor:
        with torch.inference_mode():
            return force_options(model, alone, padded, gold)[0]

    def repeated() -> Tensor:
        with torch.inference_mode():
            return torch.stack([force(model, batch).log_probability.sum(1) for batch in joined], 1)

    def prompt() -> Tensor:
        with torch.inference_mode():
            return force(model, joined[0]).log_probability.sum(1)

    return {"options_shared": shared, "options_repeated": repeated, "prompt": prompt}


def task_evaluations() -> dict[str, Run]:
    """One evaluation of a task of each kind, with all its metrics."""
    model, shape = build_model(TASK_SHAPE), TASK_SHAPE
    options = [(*random_ids(1, shape, row), 2) for row in range(3)]
    prompts = [random_ids(shape.tokens - 1, shape, 100 + row) for row in range(shape.examples)]
    # Outputs are compared as texts: here, as their ids.
    tokenizer = SimpleNamespace(
        pad_token_id=0,
        eos_token_id=2,
        batch_decode=lambda rows, skip_special_tokens: [" ".join(map(str, row)) for row in rows],
    )
    classification = prepare(
        "classification",
        [Encoded(prompt, options[row % 3]) for row, prompt in enumerate(prompts)],
        tokenizer,
        options=options,
    )
    answers = [(*random_ids(8, shape, 1000 + row), 2) for row in range(shape.examples)]
    generation = prepare(
        "generation",
        [Encoded(prompt[:21], answer) for prompt, answer in zip(prompts, answers, strict=True)],
        tokenizer,
        references=[" ".join(map(str, answer[:-1])) for answer in answers],
    )
    return {
        "classification": lambda: evaluate(model, classification, batch_size=100),
        "generation": lambda: evaluate(model, generation, batch_size=100),
    }


def assert_parity(runs: dict[str, Callable[[], Tensor]], dtype: str) -> dict[str, float]:
    """The greatest distance between results that must be the same, as a share of the greatest value.

    Raises:
        AssertionError: they are not, or an intervention changes nothing.
    """
    plain = runs["plain"]()
    distances = {}
    for one, other in (("zero", "parameters"), ("options_shared", "options_repeated")):
        expected = runs[other]()
        distances[one] = float((runs[one]() - expected).abs().max() / expected.abs().max())
        assert distances[one] <= TOLERANCE[dtype], f"{one} and {other} differ by {distances[one]:.2g} of the greatest"
    for name in ("zero", "mean"):
        assert not torch.equal(runs[name](), plain), f"{name} changes nothing"
    assert torch.equal(runs["plain"](), plain), "the model is not what it was before"
    return distances


def main(arguments: list[str] | None = None) -> int:
    """Measure, print tables, write JSON, compare with the bars."""
    chosen = shape_options(__doc__).parse_args(arguments)
    torch.set_num_threads(chosen.threads)
    shape = SHAPES[chosen.shape]
    model = build_model(shape, chosen.device, chosen.dtype)
    runs = {
        **deactivations(model, build_batch(shape, chosen.device)),
        **scored_options(model, shape, chosen.device),
    }
    distances = assert_parity(runs, chosen.dtype)
    times = interleave(runs, chosen.repeats, device=chosen.device)
    of_tasks = task_evaluations()
    for run in of_tasks.values():
        run()
    task_times = interleave(of_tasks, chosen.repeats)

    rows = {
        name: {
            "seconds": times.median(name),
            "per_plain": times.ratio(name, "plain"),
            "per_options_repeated": times.ratio(name, "options_repeated"),
            "parity": distances.get(name),
        }
        for name in runs
    }
    print(f"{chosen.shape} {shape}\n{chosen.device} {chosen.dtype}\n")
    print_table(["variant", *rows["plain"]], [(name, *row.values()) for name, row in rows.items()])
    print_table(
        ["task of 500 x 30 tokens, tiny model", "CPU seconds"], [(name, task_times.median(name)) for name in of_tasks]
    )
    bars = [Bar(f"{one} / {other}", times.ratio(one, other), most) for (one, other), most in MOST.items()]
    shared = times.ratio("options_shared", "options_repeated")
    bars.append(Bar("four options on one prompt / on repeated prompts", shared, MOST_OPTIONS))
    measurements = {
        "shape": chosen.shape,
        "device": torch.cuda.get_device_name() if chosen.device == "cuda" else "cpu",
        "dtype": chosen.dtype,
        "threads": chosen.threads,
        "repeats": chosen.repeats,
        "variants": rows,
        "task_seconds": {name: task_times.median(name) for name in of_tasks},
        "software": versions("torch", "transformers"),
    }
    return conclude(bars, measurements, chosen)


if __name__ == "__main__":
    sys.exit(main())
