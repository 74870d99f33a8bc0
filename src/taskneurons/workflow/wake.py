"""Snakemake's scheduler wakes up when there is something to decide, and not every second for each job that has ended.

Snakemake limits how many jobs start in a span of time (`--max-jobs-per-timespan`, 100 a second). After each pass its
scheduler starts a timer that wakes it once more when the span is over, whether or not the limit was reached. That pass
starts the next timer. So each job that ends leaves a wake-up that goes round until the run ends, and each wake-up asks
for the size of every input of every job that is ready. Here a timer is started only when something waits for it. See
`docs/speed.md` for an example without this project.
"""

from typing import Any

KNOWN = ("9.27.1",)
"""Versions of Snakemake whose scheduler was read. Another version is left as it is."""


def install() -> None:
    """Let the scheduler of the running Snakemake wake up only when it must; other versions stay as they are."""
    from snakemake import __version__
    from snakemake.scheduling.job_scheduler import JobScheduler

    if __version__ not in KNOWN or hasattr(JobScheduler._schedule_reevalutation, "of"):
        return
    start_timer = JobScheduler._schedule_reevalutation

    def start_timer_if_needed(scheduler: Any, delay: float) -> None:
        if must_wake(scheduler):
            start_timer(scheduler, delay)

    start_timer_if_needed.of = start_timer  # type: ignore[attr-defined]
    JobScheduler._schedule_reevalutation = start_timer_if_needed


def must_wake(scheduler: Any) -> bool:
    """Whether no other event will wake the scheduler in time: a job that ends wakes it by itself.

    The timer is needed when the limit of jobs in a span of time is reached, when no job runs whose end would wake the
    scheduler, and when a queue is waited for.
    """
    limiter = scheduler.job_rate_limiter
    if limiter is None or scheduler.workflow.dag.has_unfinished_queue_input_jobs():
        return True
    return not scheduler.running or limiter.get_free_jobs() == 0
