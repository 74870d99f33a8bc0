"""What a job needs, of its settings: GPU memory, host memory, disk, time. Rules ask for it, `taskneurons plan` adds it.

Every job that runs a model is known by its entry, `<study>.<module>:<function>`, and by the settings that its rule
hands it. `WORK` says for each entry what it does: what is trained, attributed, tested. The formulas are in `costs`.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from taskneurons.params.root import Params
from taskneurons.studies.continual.methods import METHODS
from taskneurons.workflow.costs import (
    ADAPTERS,
    BYTES,
    CORE,
    GPU,
    GRADIENT,
    MASTER,
    MOMENTS,
    Method,
    Rates,
    Size,
    cache_bytes,
    kept_bytes,
    resume_bytes,
    shared_bytes,
    training_bytes,
    training_flops,
    whole,
)
from taskneurons.workflow.plan import Plan, dtype_of

# ASSUME: below this size a model is faster on the CPU cores at hand than the start of a GPU process costs.
TINY_PARAMETERS = 50e6
# ASSUME: an example has so many tokens, or a quarter of the context. A batch is padded to its longest example, which
# is as long as the context where documents are summarised.
MEAN_TOKENS, MEAN_SHARE = 200, 4
# ASSUME: half of the tasks generate answers, which end after half of the tokens that they may have.
GENERATED = 1 / 4
# ASSUME: of a suite that takes all test examples there are so many.
ALL = 1000
# ASSUME: a job may take three times what is expected of it, and half an hour to start and to load.
MARGIN, START_MINUTES = 3, 30
# ASSUME: a disk writes 200 MB a second. A training looks after each step whether it must stop: within a minute.
DISK, STOP_SECONDS = 2e8, 60
# ASSUME: a process with torch takes a gigabyte and a half besides its model. Those of the default, whose models have no
# size to speak of, take 0.5 to 1.4.
PROCESS = 1.5e9


@dataclass(frozen=True)
class Part:
    """What one of a job's trainings or measurements holds at its peak.

    Attributes:
        fixed: bytes whatever the batch.
        per_token: bytes for each token of the batch.
        batch: examples.
        key: of the batch in the parameters.
        other: what else the parameters could say, with what is fixed then; None: there is no such job then.
    """

    fixed: float
    per_token: float = 0
    batch: int = 1
    key: str = ""
    other: tuple[tuple[str, float | None], ...] = ()

    def bytes(self, context: int) -> float:
        """At the peak, where the longest example of a batch is as long as the context."""
        return whole(self.fixed + self.per_token * self.batch * context)


@dataclass(frozen=True)
class Need:
    """What a job needs.

    Attributes:
        gpu: GPUs.
        gpu_bytes: of the memory of each GPU.
        host_bytes: of host memory.
        disk_bytes: of what it leaves.
        seconds: that it is expected to take.
        part: that decides its memory.
        resume_bytes: of the file that it leaves when it is stopped.
        processes: that do it together.
    """

    gpu: int
    gpu_bytes: float
    host_bytes: float
    disk_bytes: float
    seconds: float
    part: Part
    resume_bytes: float = 0
    processes: int = 1

    def resources(self) -> dict[str, int]:
        """As Snakemake is told: `seconds` expected, `runtime` allowed in minutes, `stop_seconds` to save work."""
        return {
            "processes": self.processes,
            "gpu": self.gpu,
            "gpu_mem_mb": _mb(self.gpu_bytes),
            "mem_mb": _mb(self.host_bytes),
            "disk_mb": _mb(self.disk_bytes),
            "seconds": round(self.seconds),
            "runtime": START_MINUTES + round(MARGIN * self.seconds / 60),
            "stop_seconds": STOP_SECONDS + round(MARGIN * self.resume_bytes / DISK),
        }


@dataclass
class Tally:
    """Adds up what a job does.

    Attributes:
        params: of the workflow.
        size: of the model.
        dtype: precision of the products.
        context: longest sequence, tokens.
        settings: of the job.
        tasks: of the suite.
        outputs: files that the job writes.
        name: of the model in the parameters.
    """

    params: Params
    size: Size
    dtype: str
    context: int
    settings: Mapping[str, Any]
    tasks: int
    outputs: Sequence[str]
    name: str
    rates: Rates = GPU
    parts: list[Part] = field(default_factory=list)
    seconds: float = 0
    resume: float = 0
    disk: float = 0
    loaded: float = 0

    @property
    def tokens(self) -> float:
        """Of an example, on average."""
        return min(MEAN_TOKENS, self.context / MEAN_SHARE)

    @property
    def weights(self) -> float:
        """Bytes of the model as it is used."""
        return self.size.parameters * BYTES[self.dtype]

    def train(
        self,
        method: Method,
        steps: int,
        batch: int,
        *,
        times: float = 1,
        share: float = 1,
        readings: int = 0,
        other: tuple[tuple[str, float | None], ...] = (),
    ) -> None:
        """Some trainings of the same form; readings of a training of all weights lie on the host."""
        workflow = self.params.workflow
        fixed = training_bytes(self.size, method, self.dtype, share=share, processes=workflow.processes_per_job)
        per_token = kept_bytes(
            self.size, self.dtype, 1, moving=method != "lora", checkpointing=workflow.gradient_checkpointing
        )
        own = -(-batch // workflow.processes_per_job)
        self.parts.append(Part(fixed, per_token, min(own, workflow.micro_batch_size or own), MICRO, other))
        flops = training_flops(self.size, method, steps * batch * self.tokens, share)
        self._spend(times * flops, 3 * times * steps)
        self.resume = max(self.resume, resume_bytes(self.size, method, share))
        kept = 1 + readings if method == "full" else 1
        loaded = 4 * kept * self.size.parameters if method in ("whole", "full") else self.weights
        self.loaded = max(self.loaded, loaded)

    def test(self, tasks: float, examples: int | None, *, generated: float = GENERATED) -> None:
        """Answers to the test examples of some tasks, of which a share of the tokens they may have is generated."""
        number, batch = examples or ALL, self.params.workflow.evaluation_batch_size
        new = self.settings.get("evaluation", {}).get("max_new_tokens") or self.params.evaluation.max_new_tokens
        self.parts.append(
            Part(self.weights, cache_bytes(self.size, self.dtype, 1), batch, "workflow.evaluation_batch_size")
        )
        passes = tasks * -(-number // batch) * (1 + generated * new)
        flops = 2 * self.size.parameters * tasks * number * (self.tokens + generated * new)
        self._spend(flops, passes, passes * self.weights)

    def attribute(self, tasks: float, examples: int, batch: int, key: str, estimators: int = 1) -> None:
        """Scores of the neurons on the training examples of some tasks: forward, and back through activations."""
        self.parts.append(Part(self.weights, kept_bytes(self.size, self.dtype, 1, moving=False), batch, key))
        number = tasks * examples * estimators
        self._spend(4 * self.size.parameters * number * self.tokens, 3 * number / batch)

    def read(self, examples: float, batch: int, key: str) -> None:
        """A forward pass over some prompts, whose representations go to the host."""
        self.parts.append(Part(self.weights, cache_bytes(self.size, self.dtype, 1), batch, key))
        self._spend(2 * self.size.parameters * examples * self.tokens, examples / batch)

    def _spend(self, flops: float, passes: float, read: float = 0) -> None:
        self.seconds += self.rates.seconds(self.size, flops, passes, read)


def _import(tally: Tally) -> None:
    tally.disk += tally.weights
    tally.seconds += 2 * tally.weights / DISK


def _pretrain(tally: Tally) -> None:
    course = tally.settings["model"]["pretraining"]
    tally.train("whole", course["steps"], course["batch_size"])
    tally.disk += 4 * tally.size.parameters


def _multitask(tally: Tally) -> None:
    course = tally.settings["schedule"]
    tally.train(
        "whole",
        course["steps"],
        course["batch_size"],
        other=(("multitask: null (the model is studied as it is)", None),),
    )
    tally.disk += 4 * tally.size.parameters


def _evaluate(tally: Tally) -> None:
    tally.test(len(tally.outputs), _test_examples(tally))


def _attribute(tally: Tally) -> None:
    made = tally.settings
    estimators = len(made.get("estimators", [None]))
    # Scores of the pre-trained model come with those of two halves of the examples.
    files = 3 if "estimator" in made else estimators
    tasks = len(tally.outputs) / files
    tally.attribute(tasks, _train_examples(tally, made), made["batch_size"], "attribution.batch_size", estimators)
    tally.disk += 8 * _neurons(tally.size) * len(tally.outputs)


def _deactivate(tally: Tally) -> None:
    design = tally.settings["design"]
    others, alike = (tally.tasks - 1, tally.tasks / 2 - 1) if design["matrix"] else (0, 0)
    cases = design["original"] + len(design["interventions"]) + 2 + design["random_draws"] + others
    cases += len(design["percents"]) * (1 + design["random_draws"] + alike)
    tally.test(len(tally.outputs) * cases, design["examples"])


def _curves(tally: Tally) -> None:
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


def _proportion(tally: Tally) -> None:
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


def _overlap(tally: Tally) -> None:
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


def _similarity(tally: Tally) -> None:
    made, recipe = tally.settings, tally.settings["recipe"]
    tasks, unseen = len(made["tasks"]), len(made["unseen"])
    tally.train("full", recipe["steps"], recipe["batch_size"], times=tasks)
    tally.test(tasks + unseen + tasks * (1 + unseen), recipe["limit"])


def _changes(tally: Tally, trainings: int, *, or_adapters: bool = False) -> None:
    """Fine-tunings whose results are kept as files, and which could be of adapters."""
    course, lora = tally.settings["schedule"], tally.settings.get("lora")
    method: Method = "lora" if lora else "full"
    adapters = training_bytes(tally.size, "lora", tally.dtype)
    other = (("layers.tuning.method: lora", adapters),) if or_adapters and not lora else ()
    tally.train(method, course["steps"], course["batch_size"], times=trainings, other=other)
    tally.disk += trainings * 4 * tally.size.parameters * (ADAPTERS if lora else 1)


def _controls(tally: Tally) -> None:
    _changes(tally, len(_folders(tally.outputs)), or_adapters=True)


def _generalists(tally: Tally) -> None:
    _changes(tally, len(_folders(tally.outputs)))


def _layers(tally: Tally) -> None:
    made = tally.settings["comparison"]
    tasks, batch = len(tally.outputs), made["representation"]["batch_size"]
    # The base, the experimental and the held-out model, and the control model of each task.
    tally.read(4 * tasks * made["representation"]["examples"], batch, "layers.batch_size")
    tally.test(4 * tasks, made["scored_examples"])
    tally.parts.append(Part(2 * tally.weights + 4 * tally.size.parameters))


def _transfer(tally: Tally) -> None:
    shown = tally.settings["representation"]
    pairs = tally.tasks * (len(tally.outputs) + 1)
    tally.read(pairs * shown["examples"], shown["batch_size"], "layers.batch_size")
    tally.test(pairs, shown["examples"])
    tally.resume = 8 * tally.tasks * tally.size.layers * tally.size.width * shown["examples"]


def _dial_tuning(tally: Tally) -> None:
    _changes(tally, tally.tasks)


def _dial(tally: Tally) -> None:
    measures = tally.settings["measures"]
    models = tally.tasks + 1
    tally.test(models * tally.tasks, measures["test_examples"])
    tally.attribute(
        (models + 1) * tally.tasks, _train_examples(tally, measures), measures["batch_size"], "attribution.batch_size"
    )
    tally.parts.append(Part(tally.weights + 4 * tally.size.parameters))


def _neutral(tally: Tally) -> None:
    made = tally.settings
    tally.attribute(1, made["neutral"]["texts"], made["batch_size"], "attribution.batch_size")
    tally.disk += 8 * _neurons(tally.size)


def _signed(tally: Tally) -> None:
    made = tally.settings
    tally.attribute(len(tally.outputs), _train_examples(tally, made), made["batch_size"], "attribution.batch_size")
    tally.disk += 8 * _neurons(tally.size) * len(tally.outputs)


def _keystone(tally: Tally) -> None:
    design = tally.settings["design"]
    # Sets of the task and of another one, beside random and keystone neurons; each of them on neutral text, too.
    sets = 1 + len(design["percents"]) * (1 + design["random_draws"] + 2 * len(design["sets"]))
    # Losses need no generation, those on neutral text least of all.
    generated = GENERATED if design["scores"] else 0
    tally.test(len(tally.outputs) * sets, design["test_examples"], generated=generated)
    tally.test(len(tally.outputs) * sets, tally.settings["neutral"]["texts"], generated=0)


def _readings(tally: Tally) -> None:
    made = tally.settings
    signed = len({"signed"} & set(made["grid"]["scores"]))
    # Scores of one loss share a pass, but for signed ones. A file of scores is written for each task and reading.
    losses = len(made["grid"]["losses"])
    tasks = len({path.rpartition("/")[2] for path in tally.outputs}) - 1
    examples = _train_examples(tally, made)
    tally.attribute(tasks, examples, made["batch_size"], "attribution.batch_size", losses * (1 + signed))
    tally.disk += 8 * _neurons(tally.size) * len(tally.outputs)


def _multiverse(tally: Tally) -> None:
    grid = tally.settings["grid"]
    scores = sum(1 if score == "activation" else len(grid["losses"]) for score in grid["scores"])
    makings = scores * len(grid["specificities"]) * len(grid["within"]) * len(grid["percents"])
    sets = makings * len(grid["interventions"]) * (1 + len(grid["controls"]))
    tally.test(len(tally.outputs) * sets, tally.settings["test_examples"])
    tally.test(len(tally.outputs) * sets, tally.settings["neutral"]["texts"])


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


def _choose(tally: Tally) -> None:
    made = tally.settings
    grid, stages = made["grid"], len(made["order"])
    trials = len(grid["learning_rates"]) * max(1, len(grid["strengths"]))
    _streams(tally, made["methods"], trials * stages)
    answered = trials * len(made["methods"]) + len(made["weightings"]) * max(1, len(grid["temperatures"]))
    tally.test(answered * stages, None)


def _learn(tally: Tally) -> None:
    made = tally.settings
    rates = 1 if made["equal_rate"] is None else 2
    stages = rates * _stages(made["orders"].values())
    _streams(tally, [made["method"]], stages)
    tally.test(rates * sum(len(order) ** 2 for order in made["orders"].values()), made["budget"]["limit"])
    if METHODS[made["method"]["name"]].keeps_patches:
        share = made["method"]["parameters"]["ncft"]["percent"] / 100
        tally.disk += 4 * share * tally.size.ffn * sum(path.endswith(".safetensors") for path in tally.outputs)


def _weigh(tally: Tally) -> None:
    made = tally.settings
    answered = 2 * len(made["weightings"]) * sum(len(order) ** 2 for order in made["orders"].values())
    tally.test(answered, made["budget"]["limit"])
    held = METHODS[made["learner"]].bytes_per_parameter * tally.size.parameters
    tally.parts.append(Part(held))
    tally.loaded = held


def _plant(tally: Tally) -> None:
    course = tally.settings["schedule"]
    tally.train("whole", course["steps"], course["batch_size"])
    tally.disk += 4 * tally.size.parameters


def _proof(tally: Tally) -> None:
    made = tally.settings
    examples = tally.tasks * made["test_examples"]
    # Each neuron alone, and some sixty sets of each task.
    passes = _neurons(tally.size) + 60 * tally.tasks
    tally.read(passes * examples, made["batch_size"], "attribution.batch_size")
    tally.attribute(3 * tally.tasks, _train_examples(tally, made), made["batch_size"], "attribution.batch_size", 40)


def _examples(tally: Tally) -> None:
    examples = len(tally.settings["tasks"]) * _test_examples(tally)
    tally.read(examples, tally.params.workflow.evaluation_batch_size, "workflow.evaluation_batch_size")


WORK: Mapping[str, Callable[[Tally], None]] = {
    "models.make:import_model": _import,
    "models.make:pretrain_model": _pretrain,
    "models.make:pretrain_further_model": _pretrain,
    "models.make:tune_multitask_model": _multitask,
    "models.measure:evaluate_multitask": _evaluate,
    "neurons.measure:attribute_scores": _attribute,
    "neurons.measure:attribute_base": _attribute,
    "neurons.examples:find_examples": _examples,
    "deactivation.measure:deactivate_neurons": _deactivate,
    "training.measure:train": _curves,
    "proportion.measure:train": _proportion,
    "overlap.measure:train": _overlap,
    "similarity.measure:compare": _similarity,
    "layers.measure:tune_controls": _controls,
    "layers.measure:tune_generalists": _generalists,
    "layers.measure:merge": _import,
    "layers.measure:compare": _layers,
    "layers.measure:measure_transfer": _transfer,
    "dial.measure:tune": _dial_tuning,
    "dial.measure:measure": _dial,
    "keystone.measure:score_neutral": _neutral,
    "keystone.measure:score_signed": _signed,
    "keystone.measure:deactivate": _keystone,
    "validation.measure:plant_neurons": _plant,
    "validation.measure:measure": _proof,
    "multiverse.measure:score": _readings,
    "multiverse.measure:deactivate": _multiverse,
    "continual.measure:choose_rates": _choose,
    "continual.measure:learn_streams": _learn,
    "continual.measure:weigh_patches": _weigh,
}
"""What the jobs of an entry do."""
MICRO = "workflow.micro_batch_size"
"""What trainings of any study have in one pass."""
WITHOUT_GPU = frozenset({"models.make:import_model", "layers.measure:merge"})


def size_of(params: Params, model: str) -> Size:
    """The size of a model of the parameters."""
    chosen = params.models[model]
    if chosen.source != "scratch":
        return Size.of_parameters(float(chosen.parameters))
    # ASSUME: a word vocabulary of a suite has about 2,000 words.
    vocabulary = chosen.tokenizer.vocabulary if chosen.tokenizer.kind == "bpe" else 2_000
    width, ffn = chosen.hidden_size, 3 * chosen.hidden_size * chosen.ffn_size
    parameters = 2 * vocabulary * width + chosen.layers * (4 * width**2 + ffn)
    return Size(parameters, chosen.layers, width, chosen.layers * ffn)


def need(plan: Plan, code: str, settings: str, outputs: Sequence[str], *, gpus: bool = True) -> Need | None:
    """What a job needs.

    Args:
        plan: of the parameters.
        code: of the job's rule, its entry first.
        settings: the text that the rule hands the job.
        outputs: that it writes.
        gpus: whether there are any; without them a model of any size is run by one core.

    Returns:
        None of a job that runs no model.
    """
    entry = code.partition(" ")[0].partition("+")[0]
    work = WORK.get(entry)
    if work is None:
        return None
    params = plan.params
    _, _, suite, model = outputs[0].split("/")[:4]
    size = size_of(params, model)
    on_gpu = gpus and size.parameters >= TINY_PARAMETERS and entry not in WITHOUT_GPU
    made = json.loads(settings)
    dtype = made.get("dtype") or dtype_of(params, model)
    tally = Tally(
        params,
        size,
        dtype,
        params.models[model].context,
        made,
        len(plan.tasks(suite)) if suite in params.suites else 1,
        outputs,
        model,
        GPU if on_gpu else CORE,
    )
    work(tally)
    processes = 1 if entry in WITHOUT_GPU else params.workflow.processes_per_job
    # A job that trains shares out what it trains.
    sharing = processes if params.workflow.share_weights and not tally.resume else 1
    tally.parts = [replace(one, fixed=shared_bytes(one.fixed, size, sharing)) for one in tally.parts]
    part = max(tally.parts, key=lambda one: one.bytes(tally.context), default=Part(tally.weights))
    peak = part.bytes(tally.context)
    # The host holds the weights twice while they are read, and everything where there is no GPU.
    held = [
        2 * tally.weights,
        tally.resume,
        tally.loaded if on_gpu else part.fixed + part.bytes(tally.context) - part.bytes(0),
    ]
    host = processes * (PROCESS + max(held))
    # ASSUME: processes that share a job lose a tenth of their time for each other.
    seconds = tally.seconds / (1 + 0.9 * (processes / sharing - 1))
    gpu_bytes = peak if on_gpu else 0
    return Need(processes * on_gpu, gpu_bytes, host, tally.disk, seconds, part, tally.resume, processes)


def _mb(count: float) -> int:
    return -int(-count // 1e6)


def _neurons(size: Size) -> float:
    """Neurons of all layers, of FFNs with three matrices."""
    return size.ffn / (3 * size.width)


def _folders(outputs: Iterable[str]) -> set[str]:
    return {path.rpartition("/")[0] for path in outputs}


def _stages(orders: Iterable[Sequence[str]]) -> int:
    """Stages of some orders, those once that begin alike."""
    return len({tuple(order[:end]) for order in orders for end in range(1, len(order) + 1)})


def _suite(tally: Tally) -> Any:
    return tally.params.suites[tally.outputs[0].split("/")[2]]


def _train_examples(tally: Tally, made: Mapping[str, Any]) -> int:
    return min(int(made["examples"]), int(_suite(tally).train))


def _test_examples(tally: Tally) -> int:
    test = _suite(tally).test
    return ALL if test == "all" else int(test)
