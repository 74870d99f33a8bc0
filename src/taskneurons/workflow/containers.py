"""The image in which jobs run where a run is started with `--sdm apptainer`; containers/ has the recipes."""

import os
import shutil
from pathlib import Path
from typing import Any

from taskneurons.errors import InputError
from taskneurons.lineage.workflow import HOME

VARIABLE = "TASKNEURONS_IMAGE"
"""Names another image than the one that the recipe is built to."""
METHOD, BOUND = "apptainer", "APPTAINER_BIND"
# By its earlier name, too, as Snakemake.
_PROGRAMS = ("apptainer", "singularity")


def asked(workflow: Any) -> bool:
    """Whether the jobs of a run are to be done in an image.

    Args:
        workflow: Snakemake's.
    """
    return any(str(method) == METHOD for method in workflow.deployment_settings.deployment_method)


def image() -> str:
    """The image, as `container:` takes it. What jobs import in it is the code of this checkout.

    Raises:
        InputError: there is none, or no program that runs it.
    """
    if not any(map(shutil.which, _PROGRAMS)):
        raise InputError(
            "this machine has no program `apptainer`",
            where="--sdm apptainer",
            remedy="Install Apptainer or load its module, or run without `--sdm`",
        )
    named = os.environ.get(VARIABLE)
    path = Path(named) if named else HOME / "build" / "taskneurons.sif"
    if not path.exists():
        raise InputError(
            "there is no image for `--sdm apptainer`",
            where=str(path),
            remedy=f"Build it: `apptainer build {path} containers/taskneurons.def`, or name another one in {VARIABLE}",
        )
    # Apptainer hands the environment on: where the code is, and this folder, for runs in a folder of their own.
    os.environ["PYTHONPATH"] = str(HOME / "src")
    bound = os.environ.get(BOUND)
    os.environ[BOUND] = f"{bound},{HOME}" if bound else str(HOME)
    return str(path.resolve())
