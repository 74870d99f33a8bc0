"""What a job needs, of what it does: GPU memory, host memory, disk, time. Rules ask for it, `taskneurons plan` adds it.

A job is known by its entry, `<study>.<module>:<function>`, and by the settings that its rule hands it. The function of
the same name in `studies/<study>/needs.py` says what it does; a job without one runs no model.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from importlib.resources import files

from taskneurons.params.root import Params
from taskneurons.workflow.costs import CORE, GPU, Size, held_share
from taskneurons.workflow.plan import Plan, dtype_of
from taskneurons.workflow.tally import DISK, Part, Tally

# ASSUME: below this size a model is faster on the CPU cores at hand than the start of a GPU process costs.
TINY_PARAMETERS = 50e6
# ASSUME: a job may take three times what is expected of it, and half an hour to start and to load.
MARGIN, START_MINUTES = 3, 30
# ASSUME: a training looks after each step whether it must stop: within a minute.
STOP_SECONDS = 60
# ASSUME: a process with torch takes a gigabyte and a half besides its model. Those of the default, whose models have no
# size to speak of, take 0.5 to 1.4.
PROCESS = 1.5e9


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
        sharing: whether each of them keeps a part of every weight.
        layers: of the model, whose weights they may share out; None: the job needs all of them in each.
    """

    gpu: int
    gpu_bytes: float
    host_bytes: float
    disk_bytes: float
    seconds: float
    part: Part
    resume_bytes: float = 0
    processes: int = 1
    sharing: bool = False
    layers: float | None = None

    def held_by(self, processes: int) -> Part:
        """What each of some processes that share out the weights holds, of a job whose processes may."""
        assert self.layers is not None
        before = held_share(self.layers, self.processes if self.sharing else 1)
        return replace(self.part, fixed=self.part.fixed * held_share(self.layers, processes) / before, other=())

    def resources(self) -> dict[str, int]:
        """As Snakemake is told: `seconds` expected, `runtime` allowed in minutes, `stop_seconds` to save work."""
        return {
            "processes": self.processes,
            "share_weights": int(self.sharing),
            "gpu": self.gpu,
            "gpu_mem_mb": _mb(self.gpu_bytes),
            "mem_mb": _mb(self.host_bytes),
            "disk_mb": _mb(self.disk_bytes),
            "seconds": round(self.seconds),
            "runtime": START_MINUTES + round(MARGIN * self.seconds / 60),
            "stop_seconds": STOP_SECONDS + round(MARGIN * self.resume_bytes / DISK),
        }


@cache
def work_of(entry: str) -> Callable[[Tally], None] | None:
    """What the jobs of an entry do; None of those that run no model."""
    module, _, function = entry.partition(":")
    room = module.partition(".")[0]
    # The report is no study, and not every study runs models.
    if not (files("taskneurons") / "studies" / room / "needs.py").is_file():
        return None
    return getattr(import_module(f"taskneurons.studies.{room}.needs"), function, None)


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
    work = work_of(entry)
    if work is None:
        return None
    params = plan.params
    _, _, suite, model = outputs[0].split("/")[:4]
    size = size_of(params, model)
    on_gpu = gpus and size.parameters >= TINY_PARAMETERS
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
    on_gpu = on_gpu and tally.computes
    processes = params.workflow.processes_per_job if tally.computes else 1
    sharing = processes if params.workflow.share_weights and tally.may_share else 1
    share = held_share(size.layers, sharing)
    tally.parts = [replace(one, fixed=share * one.fixed) for one in tally.parts]
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
    return Need(
        processes * on_gpu,
        peak if on_gpu else 0,
        host,
        tally.disk,
        seconds,
        part,
        tally.resume,
        processes,
        sharing > 1,
        size.layers if tally.may_share else None,
    )


def _mb(count: float) -> int:
    return -int(-count // 1e6)
