"""A job on a node of a cluster must be the job that the run planned: the same code, the same versions of packages.

The node reads the workflow itself. With another version of this package it would do another job, under that job's
name; the run would not believe what it wrote, and would make it again each time.
"""

import json
import os
from collections.abc import Sequence

from taskneurons.errors import InputError
from taskneurons.lineage import machine
from taskneurons.lineage.graph import Graph

VERSIONS = "TASKNEURONS_VERSIONS"
"""What the run was started with, as JSON; the jobs of a run on a cluster have it in their environment."""
_REMEDY = "Start the run from an environment and a folder that every node sees, as on a shared file system"


def tell_versions() -> None:
    """Let the jobs that this process submits know what it was started with."""
    os.environ[VERSIONS] = json.dumps(machine.software())


def require_planned(code: str, outputs: Sequence[str]) -> None:
    """Require that this is the job which the run planned; away from a cluster nothing is asked.

    Args:
        code: of the job, as this process reads the workflow.
        outputs: of the job.

    Raises:
        InputError: it is not.
    """
    told, here = os.environ.get(VERSIONS), machine.node()
    # Local rules of a run on a cluster are jobs of its own machine.
    if told is None or here is None:
        return
    if other := machine.differences(json.loads(told), machine.software()):
        raise InputError(
            f"this node has other versions than the run was started with: {', '.join(other)}",
            where=f"node {here}",
            remedy=_REMEDY,
        )
    planned = Graph.load().makers.get(outputs[0])
    if planned is None or planned.code != code:
        raise InputError(
            "this node has another version of taskneurons than the run was started with, or it was edited since",
            where=f"node {here}",
            remedy=f"{_REMEDY}, and run the same command again",
        )
