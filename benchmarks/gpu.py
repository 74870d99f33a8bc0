"""What the engine reaches on one GPU at the dimensions of Llama-2-7b, within eight minutes.

    python -m benchmarks.gpu --out gpu.json
    python -m benchmarks.gpu --weights CHECKPOINT --tasks results/data/real/tasks
    python -m benchmarks.gpu --small

attribution    the scores of all neurons from one batch
deactivation   a forward pass with a tenth of the neurons at zero
neurons        a training step of a tenth of the neurons
lora           a training step of LoRA of rank 8 on all linear layers
mask           a training step as the papers' code does it: all logits, all gradients, then a mask; AdamW in bfloat16

Weights are random, in bfloat16, with 32 layers where the bound of memory lets them fit, else with as many as fit. A
batch has 8 examples of 527 tokens and no pads. The share is that of the rate of the model's largest product, measured
on the same GPU in the same run; products are counted as `workflow/costs.py` does, without attention. Peak memory stands
beside the bound by which rules ask for it.

With `--weights`, a checkpoint folder such as `results/models/imported/<model>`, and `--tasks`, the folder of a suite's
tasks, Table 1 follows: the model is tuned on all tasks, and every task is tested without its own neurons, those of the
others and random ones, with three seeds. What would end too late is stopped and named. `--small` runs the same code on
the CPU with tiny dimensions, in seconds; its figures mean nothing.
"""

import argparse
import gc
import signal
import statistics
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any

import torch
from transformers import PreTrainedModel

from benchmarks.measure import Bar, conclude, interleave, options, print_table, versions
from benchmarks.shapes import SHAPES, Shape, build_model, product_rate, random_ids
from benchmarks.tuning import build_neurons, mask
from taskneurons.engine.attribution import Attributor, attribute
from taskneurons.engine.deactivation import deactivated
from taskneurons.engine.evaluation import Evaluation, PreparedTask, prepare_task, score_task
from taskneurons.engine.execution import Execution, Schedule
from taskneurons.engine.forward import forward
from taskneurons.engine.training import tune_multitask
from taskneurons.engine.tuning import Lora, tune
from taskneurons.models.encoding import Batch, Encoded, collate, encode
from taskneurons.models.load import Checkpoint, load_checkpoint
from taskneurons.neurons.controls import select_with_controls
from taskneurons.neurons.selection import Selection
from taskneurons.tasks.storage import read_split
from taskneurons.workflow import costs
from taskneurons.workflow.costs import Size

MINUTES, GOAL = 8.0, 0.60
SHARE, LEARNING_RATE, WARM_UP = 0.1, 1e-4, 2
# The papers' way keeps weights, gradients and both moments in bfloat16, and all logits in float32 and bfloat16.
MASKED_BYTES, LOGIT_BYTES = 8, 12
# Of the memory that is free at the start.
USABLE = 0.95


class Late(Exception):
    """The time is over."""


@dataclass(frozen=True)
class Way:
    """One thing that is measured.

    Attributes:
        run: gives the seconds of a step of a model, a number of times.
        held: bytes of a model of a size and a number of tokens, besides what `costs.whole` adds.
        products: operations of one step, besides the language head and attention.
        bounded: whether rules ask for `held`.
    """

    run: Callable[[PreTrainedModel, Shape, int], float]
    held: Callable[[Size, int], float]
    products: Callable[[Size, int], float]
    bounded: bool = True


def examples_of(shape: Shape) -> list[Encoded]:
    """Examples of one length, so that a batch has no pads."""
    prompt = shape.tokens - shape.answer + 1
    return [
        Encoded(random_ids(prompt, shape, row), random_ids(shape.answer, shape, 1000 + row))
        for row in range(shape.examples)
    ]


def batch_of(shape: Shape, device: torch.device) -> Batch:
    return collate(examples_of(shape), pad_id=0).to(device)


def _timed(run: Callable[[], object], model: PreTrainedModel, rounds: int) -> float:
    for _ in range(WARM_UP):
        run()
    return interleave({"run": run}, rounds, device=model.device.type).median("run")


def attribution(model: PreTrainedModel, shape: Shape, rounds: int) -> float:
    attributor, batch = Attributor(model), batch_of(shape, model.device)
    return _timed(lambda: attributor.update(batch), model, rounds)


def deactivation(model: PreTrainedModel, shape: Shape, rounds: int) -> float:
    batch = batch_of(shape, model.device)

    def run() -> None:
        with torch.inference_mode(), deactivated(model, build_neurons(shape)):
            forward(model, batch.input_ids, batch.attention_mask, batch.position_ids, keep=batch.answer_width)

    return _timed(run, model, rounds)


def neurons(model: PreTrainedModel, shape: Shape, rounds: int) -> float:
    return _tuned(model, shape, rounds, "neurons", neurons=build_neurons(shape))


def lora(model: PreTrainedModel, shape: Shape, rounds: int) -> float:
    return _tuned(model, shape, rounds, "lora", lora=Lora(targets="all"))


def _tuned(model: PreTrainedModel, shape: Shape, rounds: int, method: Any, **form: Any) -> float:
    """Seconds of a step as the training's own log has them."""
    base = Checkpoint(model, SimpleNamespace(pad_token_id=0), "0" * 64, shape.tokens, "llama", "random")
    schedule = Schedule(WARM_UP + rounds, shape.examples, LEARNING_RATE)
    log = tune(base, {"random": examples_of(shape)}, method, schedule, Execution(model.device, "bfloat16"), **form).log
    seconds = [second for _, _, second in log.rows]
    steps = [after - before for before, after in zip(seconds[WARM_UP - 1 :], seconds[WARM_UP:], strict=False)]
    # The log counts milliseconds.
    return max(1e-3, statistics.median(steps))


def masked(model: PreTrainedModel, shape: Shape, rounds: int) -> float:
    return _timed(mask(model, batch_of(shape, model.device), shape).step, model, rounds)


def _weights(size: Size) -> float:
    return costs.BYTES["bfloat16"] * size.parameters


WAYS: Mapping[str, Way] = {
    "attribution": Way(
        attribution,
        lambda size, tokens: _weights(size) + costs.kept_bytes(size, "bfloat16", tokens, moving=False),
        lambda size, tokens: costs.training_flops(size, "neurons", tokens, share=0),
    ),
    "deactivation": Way(
        deactivation,
        lambda size, tokens: _weights(size) + costs.cache_bytes(size, "bfloat16", tokens),
        lambda size, tokens: costs.training_flops(size, "neurons", tokens, share=0) / 2,
    ),
    "neurons": Way(
        neurons,
        lambda size, tokens: (
            costs.training_bytes(size, "neurons", "bfloat16", share=SHARE)
            + costs.kept_bytes(size, "bfloat16", tokens, moving=True)
        ),
        lambda size, tokens: costs.training_flops(size, "neurons", tokens, share=SHARE),
    ),
    "lora": Way(
        lora,
        lambda size, tokens: (
            costs.training_bytes(size, "lora", "bfloat16")
            + costs.kept_bytes(size, "bfloat16", tokens, moving=False)
        ),
        lambda size, tokens: costs.training_flops(size, "lora", tokens),
    ),
    "mask": Way(
        masked,
        lambda size, tokens: (
            MASKED_BYTES * size.parameters
            + costs.kept_bytes(size, "bfloat16", tokens, moving=True)
            + LOGIT_BYTES * tokens * SHAPES["llama2-7b"].vocabulary
        ),
        lambda size, tokens: costs.training_flops(size, "whole", tokens),
        bounded=False,
    ),
}  # fmt: skip


def size_of(shape: Shape, *, products: bool = False) -> Size:
    """The size of a shape; with `products` without embeddings and head, whose products are few or none."""
    layer_ffn = 3 * shape.hidden_size * shape.ffn_size
    layers = shape.layers * (4 * shape.hidden_size**2 + layer_ffn)
    embeddings = 0 if products else 2 * shape.vocabulary * shape.hidden_size
    return Size(layers + embeddings, shape.layers, shape.hidden_size, shape.layers * layer_ffn)


def fitting(way: Way, shape: Shape, memory: float) -> Shape:
    """The shape with as many of its layers as the memory holds, by the bound.

    Raises:
        torch.OutOfMemoryError: not even one does.
    """
    for layers in range(shape.layers, 0, -1):
        fewer = replace(shape, layers=layers)
        if costs.whole(way.held(size_of(fewer), shape.examples * shape.tokens)) <= memory:
            return fewer
    raise torch.OutOfMemoryError(f"{memory / 1e9:.0f} GB do not hold one layer")


def measure(name: str, shape: Shape, device: torch.device, rounds: int, rate: float) -> dict[str, Any]:
    """The row of one way."""
    way, tokens = WAYS[name], shape.examples * shape.tokens
    on_gpu = device.type == "cuda"
    if on_gpu:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    fits = fitting(way, shape, USABLE * torch.cuda.mem_get_info()[0] if on_gpu else float("inf"))
    bound = costs.whole(way.held(size_of(fits), tokens))
    seconds = way.run(build_model(fits, device.type, "bfloat16"), fits, rounds)
    return {
        "layers": fits.layers,
        "seconds": seconds,
        "tokens_per_second": tokens / seconds,
        "share_of_product_rate": way.products(size_of(fits, products=True), tokens) / seconds / rate,
        "peak_gb": torch.cuda.max_memory_reserved() / 1e9 if on_gpu else None,
        "bound_gb": bound / 1e9 if way.bounded else None,
    }


@dataclass(frozen=True)
class Table1:
    """What Table 1 is made with.

    Attributes:
        schedule: of the tuning on all tasks; its seed is that of a run.
        scored, tested: examples of each task.
        percent: of the neurons.
        draws: random sets.
        evaluation: how answers are scored.
        seeds: of the tuning and of the random sets.
    """

    schedule: Schedule
    scored: int
    tested: int
    percent: float
    draws: int
    evaluation: Evaluation
    seeds: tuple[int, ...]


SMOLLM2 = Table1(Schedule(300, 32, 1e-4, 20), 100, 100, 10.0, 3, Evaluation(100, 32), (0, 1, 2))
SMALL = Table1(Schedule(2, 2, 1e-3), 2, 2, 10.0, 1, Evaluation(2, 2), (0, 1, 2))


def table_1(weights: Path, folders: Sequence[Path], made: Table1, device: torch.device) -> Iterator[dict[str, Any]]:
    """Rows (seed, kind, condition, score, drop): means over the tasks of a kind, seed by seed."""
    execution = Execution(device, "bfloat16")
    for seed in made.seeds:
        loaded = load_checkpoint(weights, device=device)
        encoded = {
            folder.name: encode(read_split(folder, "train"), loaded.tokenizer, loaded.context) for folder in folders
        }
        tune_multitask(
            loaded.model, encoded, replace(made.schedule, seed=seed), execution, pad_id=loaded.tokenizer.pad_token_id
        )
        sets = {}
        for task, examples in encoded.items():
            scores = attribute(
                loaded, examples[: made.scored], task=task, batch_size=min(16, made.scored), estimators=("taylor",)
            )["taylor"]
            selection = Selection("taylor", made.percent, "model")
            sets[task] = select_with_controls(scores, selection, draws=made.draws, matching="layer", seed=seed)
        yield from _tested(loaded, folders, sets, made, seed)


def _tested(
    loaded: Checkpoint, folders: Sequence[Path], sets: Mapping[str, Any], made: Table1, seed: int
) -> Iterator[dict[str, Any]]:
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for folder in folders:
        task, prepared = prepare_task(loaded, folder, made.evaluation.max_new_tokens, limit=made.tested)

        def score(neurons: Any, name: str = task.name, prepared: PreparedTask = prepared) -> float:
            with deactivated(loaded.model, neurons):
                scores = score_task(loaded.model, name, prepared, made.evaluation)
            return next(one.value for one in scores if one.metric in ("accuracy", "rougeL"))

        own = sets[task.name]
        cases = {
            "original": [own["task"] - own["task"]],
            "task": [own["task"]],
            "other_task": [others["task"] for other, others in sets.items() if other != task.name],
            "random": [neurons for name, neurons in own.items() if name.startswith("random.")],
        }
        for condition, members in cases.items():
            if members:
                found[task.kind, condition].append(statistics.mean(map(score, members)))
    for (kind, condition), values in found.items():
        drops = [before - after for before, after in zip(found[kind, "original"], values, strict=True)]
        yield {
            "seed": seed,
            "kind": kind,
            "condition": condition,
            "tasks": len(values),
            "score": statistics.mean(values),
            "drop": statistics.mean(drops),
        }


@contextmanager
def _within(minutes: float) -> Iterator[None]:
    """Raise `Late` inside the block when the time is over."""

    def late(_number: int, _frame: FrameType | None) -> None:
        raise Late

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, 60 * minutes)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _all(chosen: argparse.Namespace, rows: dict[str, Any], table: list[dict[str, Any]]) -> float:
    """Measure what was asked for into `rows` and `table`; returns the product rate."""
    device = torch.device("cpu" if chosen.small else "cuda")
    shape = SHAPES["tiny" if chosen.small else "llama2-7b"]
    rate = product_rate(shape, device.type, "bfloat16", rounds=min(10, chosen.repeats))
    for name in chosen.only:
        print(f"== {name}", file=sys.stderr, flush=True)
        try:
            rows[name] = measure(name, shape, device, chosen.repeats, rate)
        except torch.OutOfMemoryError as error:
            print(f"{name} is left out: {str(error).splitlines()[0]}")
        gc.collect()
    if chosen.weights:
        print("== Table 1", file=sys.stderr, flush=True)
        folders = sorted(path for path in chosen.tasks.iterdir() if (path / "task.json").is_file())
        for row in table_1(chosen.weights, folders, SMALL if chosen.small else SMOLLM2, device):
            table.append(row)
    return rate


def main(arguments: list[str] | None = None) -> int:
    """Measure, print tables, write JSON, compare with the bars."""
    parser = options(__doc__)
    parser.add_argument("--only", nargs="+", choices=WAYS, default=list(WAYS), help="some of them")
    parser.add_argument("--small", action="store_true", help="tiny dimensions on the CPU, to try the script")
    parser.add_argument("--weights", type=Path, metavar="FOLDER", help="checkpoint of the model of Table 1")
    parser.add_argument("--tasks", type=Path, metavar="FOLDER", help="of its tasks, a folder each")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="after which it stops (8)")
    chosen = parser.parse_args(arguments)
    if (chosen.weights is None) != (chosen.tasks is None):
        parser.error("--weights and --tasks go together")
    if not chosen.small and not torch.cuda.is_available():
        print("There is no GPU here that torch can use: run this on a machine with one, or try it with --small.")
        return int(chosen.check)
    rows: dict[str, Any] = {}
    table: list[dict[str, Any]] = []
    rate, late = None, False
    try:
        with _within(chosen.minutes):
            rate = _all(chosen, rows, table)
    except Late:
        late = True
        print(f"stopped after {chosen.minutes:g} minutes; what is not below is to be run by itself with --only")
    device = "cpu" if chosen.small else torch.cuda.get_device_name()
    print(f"{device}, bfloat16" + (f", products at {rate / 1e12:.3g} TFLOP/s" if rate else "") + "\n")
    for found in (rows, {str(number): row for number, row in enumerate(table)}):
        if found:
            columns = list(next(iter(found.values())))
            print_table(["", *columns], [(name, *row.values()) for name, row in found.items()])
    bars = [
        Bar(f"{name}: {what}", value, most)
        for name, row in rows.items()
        if WAYS[name].bounded
        for what, value, most in (
            ("product rate / reached", 1 / row["share_of_product_rate"], 1 / GOAL),
            *((("peak / bound", row["peak_gb"] / row["bound_gb"], 1.0),) if row["peak_gb"] else ()),
        )
    ]
    measurements = {
        "device": device,
        "product_rate": rate,
        "ways": rows,
        "table_1": table,
        "late": late,
        "software": versions("torch", "transformers", "peft", "taskneurons"),
    }
    return (conclude(bars, measurements, chosen) if bars else 0) or int(chosen.check and late)


if __name__ == "__main__":
    sys.exit(main())
