"""What is said before the first job of a run on this machine, so that nothing fails for it after a night.

Estimates are rough, and a user may know better: nothing is refused.
"""

import shutil
from collections.abc import Callable, Sequence
from typing import Any

from taskneurons.workflow.amounts import amount
from taskneurons.workflow.hardware import gpus_here, memory_here
from taskneurons.workflow.needs import Need, need
from taskneurons.workflow.plan import Plan


def begin(workflow: Any, plan: Plan, warn: Callable[[str], None]) -> None:
    """Say what this machine lacks for the jobs of a run; of jobs that go to other machines nothing is said.

    Args:
        workflow: Snakemake's.
        plan: of the parameters.
        warn: takes a sentence.
    """
    if not workflow.local_exec:
        return
    jobs = list(workflow.dag.needrun_jobs())
    disk = sum(amount(job.resources.get("disk_mb")) for job in jobs)
    if sentence := lacks_disk(1e6 * disk, shutil.disk_usage(".").free):
        warn(sentence)
    if not gpus_here() and (needs := [found for job in jobs if (found := _without_gpu(job, plan))]):
        warn(lacks_gpu(needs, memory_here()))


def lacks_disk(needed: float, free: float) -> str:
    """A sentence where the disk has too little room, else nothing.

    Args:
        needed: bytes that jobs are expected to leave.
        free: bytes that there are.
    """
    if needed <= free:
        return ""
    return (
        f"the jobs of this run leave about {needed / 1e9:,.0f} GB, and {free / 1e9:,.0f} GB are free on this disk: "
        "free some, or keep the folder on another one (`taskneurons plan` says which study needs how much)"
    )


def lacks_gpu(needs: Sequence[tuple[str, Need]], memory: float) -> str:
    """A sentence on jobs that ask for a GPU where there is none.

    Args:
        needs: the rule of each, and what it needs without a GPU.
        memory: bytes of this machine.
    """
    number, hours = len(needs), sum(one.seconds for _, one in needs) / 3600
    asked, take = (f"{number} jobs ask", "they take") if number > 1 else ("1 job asks", "it takes")
    time = f"{hours:,.0f} hours" if hours >= 2 else f"{60 * hours:.0f} minutes"
    text = f"{asked} for a GPU and this machine shows none: on its CPU {take} about {time} of a core"
    # What a job holds whatever its batch is no estimate of the longest example.
    rule, largest = max(needs, key=lambda one: one[1].part.fixed)
    if largest.part.fixed > memory:
        text += (
            f", and {rule} holds {largest.part.fixed / 1e9:,.0f} GB at the least, where there are {memory / 1e9:,.0f}"
        )
    return f"{text}. Run this on a machine with a GPU, or see what to change: `taskneurons plan --laptop`"


def _without_gpu(job: Any, plan: Plan) -> tuple[str, Need] | None:
    """The rule of a job that asks for a GPU where there are some, and what it needs here; None: of another job."""
    # A target such as `all` hands nothing over.
    if not (code := getattr(job.params, "code", "")):
        return None
    asked = code, job.params.settings, list(job.output)
    with_gpu, alone = need(plan, *asked), need(plan, *asked, gpus=False)
    return (job.rule.name, alone) if with_gpu and with_gpu.gpu and alone else None
