"""Resources of a job: GPUs, GPU memory and host memory (MB), time limit (minutes)."""

import math
from collections.abc import Callable
from typing import Any, Literal

from taskneurons.params.root import Params
from taskneurons.workflow.forked import FILES_ALONE_MB
from taskneurons.workflow.plan import Wildcards, dtype_of, model_of

Kind = Literal["load", "infer", "attribute", "compare", "train"]
# ASSUME: below this size a model is faster on the CPU cores at hand than the start of a GPU process costs.
TINY_PARAMETERS = 50e6
BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
# Bytes of GPU memory for each parameter besides the weights: gradients, an fp32 master copy and two Adam moments in
# training; in attribution the gradient of the activations only, which is part of the reserve below.
# Models are compared two at a time.
EXTRA_BYTES = {"load": 0, "infer": 0, "attribute": 0, "compare": 4, "train": 14}
# ASSUME: minutes a job may take for each billion parameters.
MINUTES_PER_BILLION = {"load": 10, "infer": 60, "attribute": 60, "compare": 120, "train": 480}
LIGHT = {"gpu": 0, "gpu_mem_mb": 0, "mem_mb": FILES_ALONE_MB, "runtime": 30}
"""Of a job that reads files and runs no model."""


def parameter_count(params: Params, model: str) -> float:
    """The declared number of parameters; for a model trained from scratch an upper bound from its shape."""
    chosen = params.models[model]
    if chosen.source != "scratch":
        return float(chosen.parameters)
    # ASSUME: a word vocabulary of a suite stays below 20,000.
    vocabulary = chosen.tokenizer.vocabulary if chosen.tokenizer.kind == "bpe" else 20_000
    width = chosen.hidden_size
    return 2 * vocabulary * width + chosen.layers * (4 * width**2 + 3 * width * chosen.ffn_size)


def model_resources(params: Params, model: str, kind: Kind) -> dict[str, int]:
    """Resources of a job that runs a model."""
    size = parameter_count(params, model)
    weight_bytes = BYTES[dtype_of(params, model)]
    model_mb = math.ceil(size * (weight_bytes + EXTRA_BYTES[kind]) / 1e6)
    # ASSUME: activations, caches and the allocator's fragments take a fifth of the model and 4 GB.
    memory_mb = math.ceil(1.2 * model_mb) + 4000
    gpu = int(size >= TINY_PARAMETERS and kind != "load")
    return {
        "gpu": gpu,
        "gpu_mem_mb": memory_mb if gpu else 0,
        # The host holds the weights twice while a checkpoint is read or written, and everything when there is no GPU.
        "mem_mb": FILES_ALONE_MB + (math.ceil(2 * size * weight_bytes / 1e6) if gpu else memory_mb),
        "runtime": 60 + math.ceil(MINUTES_PER_BILLION[kind] * size / 1e9),
    }


def of_model(params: Params, kind: Kind) -> dict[str, Any]:
    """The resources of a rule, most of them a function of the job's wildcards, whose model decides."""

    def resource(name: str) -> Callable[[Wildcards], int]:
        return lambda wildcards: model_resources(params, model_of(wildcards), kind)[name]

    return {**{name: resource(name) for name in LIGHT}, **testing(params)}


def testing(params: Params) -> dict[str, Any]:
    """What every job that runs a model is told of how it tests; it decides no result."""
    return {"evaluation_batch_size": params.workflow.evaluation_batch_size}


def training(params: Params, kind: Kind = "train") -> dict[str, Any]:
    """As `of_model`, of a job that writes resume files."""
    return {**of_model(params, kind), "checkpoint_minutes": params.workflow.checkpoint_minutes}
