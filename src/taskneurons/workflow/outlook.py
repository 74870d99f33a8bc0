"""What a parameter file asks for, before anything runs: jobs, hours, memory, disk, and what does not fit."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from taskneurons.errors import InputError
from taskneurons.lineage.graph import PlannedJob
from taskneurons.lineage.workflow import read_workflow
from taskneurons.params.loading import load_params
from taskneurons.params.root import Params
from taskneurons.workflow.hardware import memory_here
from taskneurons.workflow.hub import unpinned_in
from taskneurons.workflow.needs import Need, need
from taskneurons.workflow.plan import Plan
from taskneurons.workflow.resources import LIGHT
from taskneurons.workflow.tally import Part

SHOWN = 10
STEP = 64


@dataclass(frozen=True)
class Machine:
    """Where jobs would run.

    Attributes:
        gpus: that jobs have at a time; 0: models of any size are run by a core each.
        gpu_memory: of each, GB.
        memory: of the host, GB; None: as much as a job asks for.
    """

    gpus: int = 1
    gpu_memory: float = 80.0
    memory: float | None = None

    def __post_init__(self) -> None:
        if self.gpus < 0 or not self.gpu_memory > 0 or not (self.memory is None or self.memory > 0):
            raise InputError(
                "a number of GPUs from 0 and some memory were expected", where="--gpus, --gpu-memory, --memory"
            )

    @classmethod
    def here(cls) -> "Machine":
        """This machine, whatever GPU it has left aside."""
        return cls(gpus=0, memory=memory_here() / 1e9)

    def lacks(self, found: Need) -> bool:
        """Whether a job needs more memory than there is."""
        return found.gpu_bytes > 1e9 * self.gpu_memory or (
            self.memory is not None and found.host_bytes > 1e9 * self.memory
        )

    def remedy(self, found: Need, model: str, context: int) -> str:
        """The parameter by which a job fits that lacks memory."""
        if found.gpu_bytes > 1e9 * self.gpu_memory or self.memory is None:
            memory = 1e9 * self.gpu_memory
            return remedy_of(found.part, model, context, memory, self._shared_out(found, context, memory))
        # What a process holds besides the part: itself, and copies while weights are read.
        beside = found.host_bytes / found.processes - found.part.bytes(context)
        there = 1e9 * self.memory / found.processes
        if found.gpu or beside >= there:
            return "no parameter: take a machine with more memory"
        return remedy_of(found.part, model, context, there - beside)

    def _shared_out(self, found: Need, context: int, memory: float) -> tuple[str, Part] | None:
        """What each GPU holds where as few of them as it takes, or all, share out the weights of a job that may."""
        if found.layers is None:
            return None
        shared = None
        for processes in range(max(2, found.processes), self.gpus + 1):
            if found.sharing and processes == found.processes:
                continue
            number = f"workflow.processes_per_job: {processes}"
            said = [number] * (processes != found.processes) + ["workflow.share_weights: true"] * (not found.sharing)
            shared = " and ".join(said), found.held_by(processes)
            if shared[1].bytes(context) <= memory:
                break
        return shared


@dataclass(frozen=True)
class Cost:
    """What some jobs need together.

    Attributes:
        study: whose jobs.
        jobs: their number.
        gpu_hours: of jobs that ask for a GPU.
        cpu_hours: of the others.
        gpu_peak, host_peak: bytes of the job that needs most.
        disk: bytes that they leave.
    """

    study: str
    jobs: int = 0
    gpu_hours: float = 0
    cpu_hours: float = 0
    gpu_peak: float = 0
    host_peak: float = 0
    disk: float = 0

    def with_job(self, found: Need | None) -> "Cost":
        """And one job more; None: of one that runs no model."""
        if found is None:
            return replace(self, jobs=self.jobs + 1, cpu_hours=self.cpu_hours + LIGHT["seconds"] / 3600)
        hours = found.processes * found.seconds / 3600
        return Cost(
            self.study,
            self.jobs + 1,
            self.gpu_hours + (hours if found.gpu else 0),
            self.cpu_hours + (0 if found.gpu else hours),
            max(self.gpu_peak, found.gpu_bytes),
            max(self.host_peak, found.host_bytes),
            self.disk + found.disk_bytes,
        )


@dataclass(frozen=True)
class Misfit:
    """Jobs that need more memory than there is.

    Attributes:
        entry: what they do.
        model: in the parameters.
        jobs: their number.
        bytes: of memory that the largest needs, on a GPU or, where that is what lacks, on the host.
        remedy: the parameter that makes it fit.
    """

    entry: str
    model: str
    jobs: int
    bytes: float
    remedy: str


@dataclass(frozen=True)
class Outlook:
    """What a parameter file asks for.

    Attributes:
        params: the file.
        machine: that it is planned for.
        costs: by study, in the order of the studies.
        misfits: what does not fit the machine, the largest first.
        unpinned: models and tasks whose revision is still to be written.
    """

    params: str
    machine: Machine
    costs: tuple[Cost, ...]
    misfits: tuple[Misfit, ...]
    unpinned: tuple[str, ...]

    @property
    def total(self) -> Cost:
        """Of all studies."""
        return Cost(
            "all",
            sum(one.jobs for one in self.costs),
            sum(one.gpu_hours for one in self.costs),
            sum(one.cpu_hours for one in self.costs),
            max(one.gpu_peak for one in self.costs),
            max(one.host_peak for one in self.costs),
            sum(one.disk for one in self.costs),
        )

    def text(self) -> str:
        """One screen."""
        total = self.total
        lines = [f"{self.params}: {total.jobs} jobs", ""]
        heads = ("jobs", "GPU-hours", "CPU-hours", "GPU GB", "host GB", "disk GB")
        lines.append(f"  {'study':<14}" + "".join(f"{head:>11}" for head in heads))
        for one in (*self.costs, total):
            cells = [str(one.jobs), *(_shown(hours) for hours in (one.gpu_hours, one.cpu_hours))]
            cells += [f"{count / 1e9:,.1f}" for count in (one.gpu_peak, one.host_peak, one.disk)]
            lines.append(f"  {one.study:<14}" + "".join(f"{cell:>11}" for cell in cells))
        lines += ["", "GPU and host: of the job that needs most. Hours are estimates, within a factor of about three."]
        gpus = self.machine.gpus
        if total.gpu_hours:
            lines.append(
                f"With {gpus} GPU{'s' if gpus > 1 else ''} of {self.machine.gpu_memory:g} GB: "
                f"{total.gpu_hours / gpus / 24:,.1f} days."
            )
        elif not gpus and total.cpu_hours >= 1:
            lines.append(f"Without a GPU, two cores: {_time(total.cpu_hours / 2)}.")
        lines += self._misfits(total)
        if self.unpinned:
            lines.append(f"Still to be pinned, by `taskneurons pin {self.params}`: {', '.join(self.unpinned)}.")
        return "\n".join(lines)

    def _misfits(self, total: Cost) -> list[str]:
        if not self.misfits:
            return ["Every job fits."] if total.gpu_hours or self.machine.memory else []
        number = sum(one.jobs for one in self.misfits)
        there = [f"{self.machine.gpu_memory:g} GB of a GPU"] if self.machine.gpus else []
        there += [f"{self.machine.memory:.0f} GB of the host"] if self.machine.memory else []
        lines = [
            "",
            f"{number} of {total.jobs} jobs do not fit {' and '.join(there)}; what would make them fit:",
        ]
        # One line for what one parameter mends.
        together: dict[str, list[Misfit]] = {}
        for one in self.misfits:
            together.setdefault(one.remedy, []).append(one)
        for remedy, some in list(together.items())[:SHOWN]:
            what = some[0].entry.replace(".measure:", ":").replace(".make:", ":")
            models = " and ".join(sorted({one.model for one in some}))
            jobs, more = sum(one.jobs for one in some), " and others" if len({one.entry for one in some}) > 1 else ""
            lines.append(f"  {what}{more} of {models}: {jobs} jobs, {some[0].bytes / 1e9:,.0f} GB; {remedy}")
        if len(together) > SHOWN:
            lines.append(f"  and {len(together) - SHOWN} kinds of jobs more (`--json` lists all)")
        return lines

    def as_dict(self) -> dict[str, Any]:
        """Everything, for other programs; memory and disk in bytes."""
        return asdict(self) | {"total": asdict(self.total)}


def outlook(params: Path | None = None, machine: Machine | None = None) -> Outlook:
    """Plan a parameter file. The Snakefile is read, nothing is run; it takes seconds.

    Args:
        params: the file; None: params.yaml.
        machine: where jobs would run; None: one GPU of 80 GB.

    Raises:
        InputError: there is no Snakefile, or the file is wrong.
    """
    machine, file = machine or Machine(), params or Path("params.yaml")
    loaded, graph = load_params(file), read_workflow(params)
    plan = Plan(loaded)
    costs = {study: Cost(study) for study in graph.studies}
    too_large: dict[tuple[str, str], list[Need]] = {}
    for job in graph.jobs:
        found = need(plan, job.code, job.settings, job.outputs, gpus=machine.gpus > 0)
        study = graph.study_of[job.rule]
        costs[study] = costs[study].with_job(found)
        if found and machine.lacks(found):
            too_large.setdefault(_kind(job), []).append(found)
    return Outlook(
        file.as_posix(),
        machine,
        tuple(one for one in costs.values() if one.jobs),
        tuple(sorted(_misfits(loaded, too_large, machine), key=lambda one: -one.bytes)),
        tuple(unpinned(loaded)),
    )


def unpinned(params: Params) -> list[str]:
    """The key paths of models and tasks whose revision is still to be written."""
    document = params.model_dump(mode="json")
    suites = {name: suite for name, suite in document["suites"].items() if suite.get("mirror") is None}
    found: Counter[tuple[str, ...]] = Counter()
    for keys, _, _ in unpinned_in({**document, "suites": suites}):
        found[keys[:3] if "revisions" in keys else keys[:2]] += 1
    return [f"{n} tasks of {keys[0]}.{keys[1]}" if len(keys) == 3 else ".".join(keys) for keys, n in found.items()]


def _time(hours: float) -> str:
    return f"{hours:.0f} hours" if hours < 48 else f"{hours / 24:,.0f} days"


def _shown(hours: float) -> str:
    """Hours with as many digits as say something."""
    return f"{hours:.2f}" if hours < 10 else f"{hours:,.0f}"


def _kind(job: PlannedJob) -> tuple[str, str]:
    """What a job does, and its model."""
    return job.code.partition(" ")[0].replace("+", " "), job.outputs[0].split("/")[3]


def _misfits(params: Params, found: dict[tuple[str, str], list[Need]], machine: Machine) -> Iterable[Misfit]:
    for (entry, model), needs in found.items():
        largest = max(needs, key=lambda one: (one.gpu_bytes, one.host_bytes))
        remedy = machine.remedy(largest, model, params.models[model].context)
        on_gpu = largest.gpu_bytes > 1e9 * machine.gpu_memory
        # The module of a method of continual learning tells it from the others.
        name, *makers = entry.split()
        name += "".join(f" {maker.split('.')[1].partition(':')[0]}" for maker in makers[:1])
        yield Misfit(name, model, len(needs), largest.gpu_bytes if on_gpu else largest.host_bytes, remedy)


def remedy_of(part: Part, model: str, context: int, memory: float, shared: tuple[str, Part] | None = None) -> str:
    """The parameter by which a part of a job fits.

    Args:
        part: that does not.
        model: in the parameters.
        context: of that model, tokens.
        memory: bytes that there are.
        shared: what the parameters say for several processes to share out the weights, and what each then holds.
    """
    choices = [text for text, fixed in part.other if fixed is None]
    for text, fixed in (("", part.fixed), *((text, fixed) for text, fixed in part.other if fixed is not None)):
        choices += _fitting(replace(part, fixed=fixed), text, model, context, memory)
    choices = choices[:2]
    # Who shares out weights wins no time: beside what fits otherwise only where it is enough by itself.
    if shared and (not choices or shared[1].bytes(context) <= memory):
        choices += _fitting(shared[1], shared[0], model, context, memory)[:1]
    return " or ".join(choices) or f"no parameter: besides its batch it holds {part.bytes(0) / 1e9:,.0f} GB"


def _fitting(part: Part, text: str, model: str, context: int, memory: float) -> list[str]:
    """What makes a part fit beside a text: nothing, a shorter context, a smaller batch; none of them may."""
    if part.bytes(context) <= memory:
        return [text]
    more = f"{text} and " if text else ""
    lengths, sizes = range(context // STEP * STEP, 0, -STEP), range(part.batch, 0, -1)
    shorter = [tokens for tokens in lengths if part.per_token and part.bytes(tokens) <= memory]
    smaller = [size for size in sizes if part.key and replace(part, batch=size).bytes(context) <= memory]
    return [
        *(f"{more}models.{model}.context: {tokens}" for tokens in shorter[:1]),
        *(f"{more}{part.key}: {size}" for size in smaller[:1]),
    ]
