"""The table of the models."""

from taskneurons.evidence.measurements import MEASUREMENTS
from taskneurons.job import Job, NoSettings

# Jobs


def tabulate(job: Job[NoSettings]) -> None:
    """Gather the evaluations of every multi-task model into one table."""
    MEASUREMENTS.write(job.outputs.one("table"), MEASUREMENTS.gather(job.inputs["rows"]))
