"""What a stage of NCFT costs beside the same steps of SeqLoRA, and what a stream of eight tasks leaves on disk.

    python -m benchmarks.continual --check

seqlora   a stage of SeqLoRA, whose adapter is trained on: rank 8 on all linear layers, as by default.
attention the same with adapters on the query and value projections alone.
steps     the training steps of NCFT's eighth stage, a tenth of the neurons, on a model with seven patches.
scoring   the scoring of the neurons on that model, by which the tenth is chosen.
ncft      NCFT's eighth stage as a stream has it: seven patches are read from disk and put on, then scoring, selection,
          steps; the patches are taken off.

The bars (a stage of NCFT costs at most 1.05 of the same steps of SeqLoRA, and 1.15 of those on query and value) are
about `ncft`, the whole stage with its scoring; `steps` alone stand beside it. Steps, their examples and the examples
that are scored come from parameter files. Both shapes are measured unless one is named: that of the default's models
with the budget of params.yaml, and that of the other benchmarks, for models from a hub, with 12 steps of 8 examples and
as large a share of them scored as params/paper.yaml scores. NCFT's patch is asserted to be, bit for bit, what `tune`
makes of the same set.

The checkpoint of a stream is the base's weights and the eight patches, in files that this run writes: as the workflow
keeps them (`patch files`), and as a stream that was killed goes on from (`stage files`).
"""

import copy
import gc
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel

from benchmarks.measure import Bar, Run, conclude, interleave, print_table, versions
from benchmarks.shapes import SHAPES, Shape, build_examples, build_model, shape_options
from taskneurons.continual.method import Learned, Method
from taskneurons.continual.ncft import NCFT, as_patch
from taskneurons.continual.seqlora import SeqLoRA
from taskneurons.continual.stages import Stages
from taskneurons.continual.stream_tuner import StreamTuner
from taskneurons.engine.attribution import attribute
from taskneurons.engine.evaluation import Evaluation
from taskneurons.engine.execution import Execution
from taskneurons.engine.fine_tuner import Recipe
from taskneurons.engine.tuning import Lora, tune
from taskneurons.files import sha256, write_safetensors
from taskneurons.models.encoding import Encoded
from taskneurons.models.kernels import fastest
from taskneurons.models.load import Checkpoint, DType
from taskneurons.models.patching import patched
from taskneurons.neurons.patches import NeuronPatch, save_patch
from taskneurons.neurons.selection import Selection
from taskneurons.params.loading import load_params

TASKS = tuple(f"task{number}" for number in range(1, 9))
MOST, MOST_OF_TWO, MOST_BYTES = 1.05, 1.15, 1.1
LEARNING_RATE = 1e-3
SELECTION = Selection("taylor", 10.0, "model")
# Steps of a stage of the shapes that no parameter file is about, and of the tests' shape.
FEW_STEPS, TINY_STEPS = 12, 2
FORMS = {"seqlora": Lora(targets="all"), "attention": Lora(targets="attention")}
EXAMPLES = 1500
ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Budget:
    """What a stage of a stream costs in steps and scores.

    Attributes:
        steps: of training.
        batch_size: examples of a step.
        scored: examples on which NCFT scores the neurons before it.
        scoring_batch: of these in one pass.
    """

    steps: int
    batch_size: int
    scored: int
    scoring_batch: int

    @classmethod
    def of(cls, name: str, shape: Shape) -> "Budget":
        """Of the shape: the default's own, or as few steps as fade what a stage does once, at the paper's share."""
        settings = load_params(ROOT / ("params.yaml" if name == "default" else "params/paper.yaml")).continual
        ncft = settings.ncft
        whole = cls(settings.steps, settings.batch_size, ncft.examples, ncft.batch_size)
        if name == "default":
            return whole
        steps = TINY_STEPS if name == "tiny" else FEW_STEPS
        seen = steps * shape.examples
        scored = max(2, round(seen * whole.scored / (whole.steps * whole.batch_size)))
        return cls(steps, shape.examples, scored, whole.scoring_batch)


@dataclass(frozen=True, eq=False)
class RandomTasks(StreamTuner):
    """A tuner whose tasks are random tokens.

    Args:
        examples: by task.
    """

    examples: Mapping[str, list[Encoded]] = field(default_factory=dict)

    def training(self, task: str) -> list[Encoded]:
        """The task's training examples."""
        return self.examples[task]


def build_tuner(folder: Path, name: str, device: str, dtype: DType) -> StreamTuner:
    """A base of random weights, whose file is written, and eight tasks; a stage has the steps of its shape."""
    shape = SHAPES[name]
    # The weights are float32 as in every stream; `dtype` is that of the products.
    model = build_model(shape, device)
    weights = folder / "model.safetensors"
    write_safetensors(weights, {key: values.cpu().numpy() for key, values in model.state_dict().items()}, {})
    base = Checkpoint(model, SimpleNamespace(pad_token_id=0), sha256(weights), shape.tokens, "llama", name)
    budget = Budget.of(name, shape)
    recipe = Recipe(budget.steps, budget.batch_size, 1, 0, Evaluation(batch_size=budget.batch_size, max_new_tokens=1))
    drawn = build_examples(replace(shape, examples=EXAMPLES))
    examples = {
        task: [drawn[index] for index in np.random.default_rng(number).permutation(EXAMPLES)]
        for number, task in enumerate(TASKS)
    }
    return RandomTasks(base, {}, recipe, Execution(device, dtype, folder / "resume", 60.0), examples=examples)


def build_ncft(budget: Budget) -> NCFT:
    """NCFT as it is by default."""
    return NCFT(LEARNING_RATE, SELECTION, budget.scored, budget.scoring_batch)


def learn(tuner: StreamTuner, method: Method, tasks: Sequence[str], stages: Stages) -> list[Learned]:
    """Learn a stream as `follow` does: what stages left is read from their files."""
    seen: list[Learned] = []
    for number, task in enumerate(tasks, start=1):
        seen.append(stages.learned([method.name, number], lambda task=task: method.learn(tuner, seen, task)))
    return seen


def assert_parity(tuner: StreamTuner, learned: Learned, below: Sequence[NeuronPatch]) -> None:
    """Train the set of a stage with `tune`.

    Raises:
        AssertionError: it makes another patch of it.
    """
    base, patch = tuner.base, as_patch(learned)
    with patched(base.model, *below, base=base.digest):
        found = tune(
            base,
            {learned.task: tuner.training(learned.task)},
            "neurons",
            tuner.recipe.schedule(LEARNING_RATE),
            replace(tuner.execution, resume=None),
            neurons=patch.neurons,
        ).change
    assert isinstance(found, NeuronPatch)
    assert found.digest == patch.digest, "the stage and tune make different patches of the same set"


@contextmanager
def variants(
    tuner: StreamTuner, ncft: NCFT, seen: Sequence[Learned], adapters: Mapping[str, Sequence[Learned]], last: Learned
) -> Iterator[dict[str, Run]]:
    """What is timed; the model of `steps` and `scoring` has the patches as long as the block is open."""
    task = TASKS[-1]
    model: PreTrainedModel = copy.deepcopy(tuner.base.model)
    patched_tuner = replace(tuner, base=replace(tuner.base, model=model))
    examples, neurons = patched_tuner.training(task), as_patch(last).neurons
    schedule = tuner.recipe.schedule(LEARNING_RATE)
    # As `follow` does: accelerate collects garbage after every training.
    gc.collect()
    gc.freeze()
    with ExitStack() as blocks:
        blocks.callback(gc.unfreeze)
        for one in (model, tuner.base.model):
            blocks.enter_context(fastest(one))
        blocks.enter_context(patched(model, *map(as_patch, seen), base=patched_tuner.base.digest))

        def scoring() -> Any:
            return attribute(patched_tuner.base, examples[: ncft.examples], task=task, batch_size=ncft.batch_size)

        def adapter(name: str) -> Learned:
            return SeqLoRA(LEARNING_RATE, FORMS[name]).learn(tuner, adapters[name], task)

        yield {
            **{name: partial(adapter, name) for name in FORMS},
            "steps": lambda: patched_tuner.tune({task: examples}, "neurons", schedule, neurons=neurons),
            "scoring": scoring,
            "ncft": lambda: ncft.learn(tuner, seen, task),
        }


def disk(folder: Path, tuner: StreamTuner, learned: Sequence[Learned], stages: Path) -> dict[str, int]:
    """Bytes of the weights of the base and of eight patches, and of the files that hold them."""
    for learning in learned:
        save_patch(folder / "patches" / f"{learning.task}.safetensors", as_patch(learning))
    files = {
        "base file": folder / "model.safetensors",
        "patch files": folder / "patches",
        "stage files": stages,
    }
    found = {
        "base": sum(4 * weights.numel() for weights in tuner.base.model.parameters()),
        "patches": sum(4 * as_patch(learning).parameters for learning in learned),
    }
    for name, path in files.items():
        found[name] = sum(one.stat().st_size for one in ([path] if path.is_file() else path.iterdir()))
    return found


def measure(name: str, folder: Path, rounds: int, device: str, dtype: DType) -> tuple[dict[str, Any], list[Bar]]:
    """The figures of one shape, printed, and its bars."""
    tuner = build_tuner(folder, name, device, dtype)
    budget = Budget.of(name, SHAPES[name])
    ncft = build_ncft(budget)
    # What lies below a stage has the same size however long it was trained.
    brief = replace(tuner, recipe=replace(tuner.recipe, steps=1, warmup=0))
    kept = Stages(folder / "stages", "ncft")
    seen = learn(brief, ncft, TASKS[:-1], kept)
    adapters = {
        one: learn(brief, SeqLoRA(LEARNING_RATE, form), TASKS[:1], Stages(folder / one, one))
        for one, form in FORMS.items()
    }
    last = kept.learned([ncft.name, len(TASKS)], lambda: ncft.learn(tuner, seen, TASKS[-1]))
    assert_parity(tuner, last, [as_patch(learned) for learned in seen])
    with variants(tuner, ncft, seen, adapters, last) as runs:
        for run in runs.values():
            run()
        times = interleave(runs, rounds, device=device)
    rows = {
        one: {"seconds": times.median(one), **{f"per_{other}": times.ratio(one, other) for other in FORMS}}
        for one in runs
    }
    print(
        f"{title(name, SHAPES[name])}: {budget.steps} steps of {budget.batch_size}, {budget.scored} examples scored, "
        f"{min(budget.scored, budget.scoring_batch)} in a pass"
    )
    print_table(
        ["variant", "s / stage", "/ seqlora", "/ attention"], [(one, *row.values()) for one, row in rows.items()]
    )
    sizes = disk(folder, tuner, [*seen, last], folder / "stages")
    least = sizes["base"] + sizes["patches"]
    copies = (1 + len(TASKS)) * sizes["base"]
    print_table(
        ["on disk", "bytes", "/ (base + 8 patches)"],
        [
            ("base + 8 patches: their weights", least, 1.0),
            ("base file + 8 patch files", sizes["base file"] + sizes["patch files"],
             (sizes["base file"] + sizes["patch files"]) / least),
            ("base file + 8 stage files", sizes["base file"] + sizes["stage files"],
             (sizes["base file"] + sizes["stage files"]) / least),
            ("base + 8 full copies", copies, copies / least),
        ],
    )  # fmt: skip
    bars = [
        Bar(f"{name}: stage of NCFT / same steps of SeqLoRA", rows["ncft"]["per_seqlora"], MOST),
        Bar(f"{name}: stage of NCFT / the same, on query and value", rows["ncft"]["per_attention"], MOST_OF_TWO),
        Bar(f"{name}: base and patch files / weights", (sizes["base file"] + sizes["patch files"]) / least, MOST_BYTES),
        Bar(f"{name}: base and stage files / weights", (sizes["base file"] + sizes["stage files"]) / least, MOST_BYTES),
    ]
    return {"variants": rows, "bytes": sizes, "budget": asdict(budget)}, bars


def title(name: str, shape: Shape) -> str:
    """A shape in words."""
    return f"{name} (hidden size {shape.hidden_size}, {shape.layers} layers, {shape.ffn_size} neurons a layer)"


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, compare with the bars."""
    parser = shape_options(__doc__)
    parser.set_defaults(shape=None)
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(chosen.threads)
    shapes = [chosen.shape] if chosen.shape else ["default", "59m"]
    measurements: dict[str, Any] = {
        "device": chosen.device,
        "dtype": chosen.dtype,
        "rounds": chosen.repeats,
        "versions": versions("torch", "transformers", "peft", "taskneurons"),
    }
    bars: list[Bar] = []
    for name in shapes:
        with tempfile.TemporaryDirectory() as folder:
            measurements[name], own = measure(name, Path(folder), chosen.repeats, chosen.device, chosen.dtype)
        bars += own
    return conclude(bars, measurements, chosen)


if __name__ == "__main__":
    sys.exit(main())
