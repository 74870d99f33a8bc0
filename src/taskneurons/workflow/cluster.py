"""What is asked of a SLURM cluster before the first job is submitted, so that nothing is refused after a night.

The executor plugin submits a job when its inputs are there. An account that does not exist, or a job that no node can
hold, would be refused only then, or would wait for ever.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from taskneurons import slurm
from taskneurons.errors import InputError
from taskneurons.lineage import active
from taskneurons.workflow import node
from taskneurons.workflow.amounts import amount

EXECUTOR = "slurm"
# The plugin looks for jobs that ended at least every three minutes, and the query takes its time.
SEEN_SECONDS = 240
OTHER_PLACE = (
    "Take another partition (--default-resources slurm_partition=NAME), or smaller parameters: `taskneurons plan` says "
    "which"
)
OTHER_GROUP = "Leave --groups out: fewer and longer jobs come of workflow.tasks_per_job in the parameters"


@dataclass(frozen=True)
class Request:
    """What is submitted together asks for: a job, or the jobs of a group.

    Attributes:
        name: `rule` and that of the job, or `group` and that of the group.
        partition, account: that it names; empty: it names none. There may be several, with commas.
        cpus, memory, gpus, minutes: that it needs; memory in MB.
    """

    name: str
    partition: str
    account: str
    cpus: int
    memory: float
    gpus: int
    minutes: float


def begin(workflow: Any) -> None:
    """Prepare the run of a workflow that submits its jobs to SLURM; another run is left alone.

    Args:
        workflow: Snakemake's, when its executor is there and nothing is submitted.

    Raises:
        InputError: a job would be refused or never end, or the end of jobs would not be seen.
    """
    if workflow.executor_plugin.name != EXECUTOR:
        return
    require_ends_seen(workflow.executor_settings.status_command)
    require_no_arrays(getattr(workflow.executor_settings, "array_jobs", None))
    requests = requests_of(workflow.dag)
    require_accounts(requests, slurm.accounts())
    require_room(requests, slurm.nodes())
    # The plugin gives every job of a run this name.
    active.submits(workflow.scheduler._executor.run_uuid)
    node.tell_versions()


def requests_of(dag: Any) -> list[Request]:
    """What Snakemake will submit, each once: jobs that run, and groups of them with their sums.

    Raises:
        InputError: a group asks for what cannot be added up.
    """
    submitted: dict[Any, str] = {}
    for job in dag.needrun_jobs():
        group = dag.get_job_group(job)
        one, name = (job, f"rule {job.rule.name}") if group is None else (group, f"group {group.groupid}")
        if not one.is_local:
            submitted[one] = name
    return [_request(one, name) for one, name in submitted.items()]


def _request(submitted: Any, name: str) -> Request:
    from snakemake.exceptions import WorkflowError

    try:
        asked: Callable[..., Any] = submitted.resources.get
    except WorkflowError as error:
        raise InputError(str(error), where=name, remedy=OTHER_GROUP) from None
    return Request(
        name=name,
        partition=str(asked("slurm_partition") or ""),
        account=str(asked("slurm_account") or ""),
        cpus=int(amount(asked("cpus_per_task")) or submitted.threads),
        memory=amount(asked("mem_mb")),
        gpus=int(amount(asked("gpu"))),
        minutes=amount(asked("runtime")),
    )


def require_ends_seen(command: str | None) -> None:
    """Require that the command which the plugin asks for the state of jobs tells of their end.

    Raises:
        InputError: it does not on this cluster.
    """
    if command == "sacct" and not slurm.accounting_answers():
        raise InputError(
            "this cluster keeps no accounts of jobs, so that their end would never be seen",
            where="--slurm-status-command sacct",
            remedy="Use squeue, as profiles/slurm does",
        )
    seconds = slurm.seconds_in_queue()
    if command == "squeue" and seconds is not None and seconds < SEEN_SECONDS:
        raise InputError(
            f"this cluster shows a job for only {seconds} s after its end (MinJobAge), so that some ends would not be "
            f"seen; {SEEN_SECONDS} s are needed",
            where="--slurm-status-command squeue",
            remedy="Use sacct; then cancel the run, not single jobs, because the plugin does not see those",
        )


def require_no_arrays(rules: str | None) -> None:
    """Require that jobs are submitted one by one.

    An array of the plugin (2.8.0) asks for what its first job needs; ours need memory and time by their model. Where
    more jobs of a rule are ready than `--jobs` takes at a time, the plugin submits none of them, and no run ends.

    Args:
        rules: whose jobs are to become arrays.

    Raises:
        InputError: there are such rules.
    """
    if rules:
        raise InputError(
            "an array gives all its jobs the memory and the time of its first, and the plugin may forget some of them",
            where=f"--slurm-array-jobs {rules}",
            remedy="Leave it out; fewer and longer jobs come of workflow.tasks_per_job in the parameters",
        )


def require_accounts(requests: Iterable[Request], known: set[str]) -> None:
    """Require that the accounts which jobs name are the user's.

    Args:
        requests: of the jobs.
        known: the user's accounts, in small letters; empty where the cluster keeps none.

    Raises:
        InputError: one is not.
    """
    named = {account for request in requests for account in request.account.replace(",", " ").split()}
    if known and (unknown := sorted(account for account in named if account.lower() not in known)):
        raise InputError(
            f"you have no account {' or '.join(unknown)} on this cluster",
            where="slurm_account",
            remedy=f"Name one of yours: {', '.join(sorted(known))}",
        )


def require_room(requests: Sequence[Request], nodes: Sequence[slurm.Nodes]) -> None:
    """Require that each job, and the sum of each group, fits a node of its partition.

    Raises:
        InputError: one does not, or its partition does not exist.
    """
    partitions = {kind.partition for kind in nodes}
    default = next((kind.partition for kind in nodes if kind.default), "")
    larger: dict[tuple[str, str, str], int] = {}
    for request in requests:
        names = request.partition.replace(",", " ").split() or [default] * bool(default)
        if unknown := sorted(set(names) - partitions):
            raise InputError(
                f"this cluster has no partition {' or '.join(unknown)}",
                where="slurm_partition",
                remedy=f"Name one of {', '.join(sorted(partitions))}",
            )
        room = [kind for kind in nodes if kind.partition in names or not names]
        lacking = [_lacking(request, kind) for kind in room]
        if lacking and all(lacking):
            # What the node lacks that comes nearest.
            words = min(lacking, key=lambda lack: (len(lack), max(lack.values())))
            key = request.name, ", ".join(names) or "any", ", ".join(words)
            larger[key] = larger.get(key, 0) + 1
    if larger:
        (name, partition, what), _ = max(larger.items(), key=lambda item: item[1])
        number = sum(larger.values())
        raise InputError(
            f"{number} job{'s fit' if number > 1 else ' fits'} no node of the partition {partition}; one of {name} "
            f"asks for {what}",
            where=name,
            remedy=OTHER_GROUP if name.startswith("group") else OTHER_PLACE,
        )


def _lacking(request: Request, kind: slurm.Nodes) -> dict[str, float]:
    """What a job asks for that nodes do not have, in words, and how many times as much as they have."""
    asked: Mapping[str, tuple[float, float | None]] = {
        "CPUs": (request.cpus, kind.cpus),
        "MB of memory": (request.memory, kind.memory),
        "GPUs": (request.gpus, kind.gpus),
        "minutes": (request.minutes, kind.minutes),
    }
    return {
        f"{want:,.0f} {what}, and there are {there:,.0f}": want / max(there, 1)
        for what, (want, there) in asked.items()
        if there is not None and want > there
    }
