"""Does the job that a rule describes: builds the Job, calls the function that the rule names."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, get_args, get_type_hints

from pydantic import TypeAdapter

from taskneurons.errors import InputError
from taskneurons.job import Files, Job
from taskneurons.lineage.runinfo import run_info

# The rooms of the studies, and the report, which is no study.
STUDIES, REPORT = "taskneurons.studies", "taskneurons.report"


def run(snakemake: Any) -> None:
    """Do one job of the workflow.

    Args:
        snakemake: the object that Snakemake gives to scripts. Its params are `settings`, one JSON text, and `code`,
            `<study>.<module>:<function>`, modules that it imports by name, and the fingerprint of all that they reach.

    Raises:
        InputError: the job cannot be done; the message says where and what to do.
    """
    function = named_function(entry_of(snakemake.params.code))
    run_info(snakemake.log[0])
    function(job_of(snakemake, settings_type(function)))


def entry_of(code: str) -> str:
    """The function that a code names, such as `dial.measure:measure_models`, without the modules that go with it."""
    return code.partition(" ")[0].partition("+")[0]


def named_function(entry: str) -> Callable[[Job[Any]], None]:
    """The function that a rule names, such as `dial.measure:measure_models`.

    Raises:
        InputError: there is no such module or function.
    """
    try:
        found: Callable[[Job[Any]], None] = getattr(import_module(module_of(entry)), entry.partition(":")[2])
    except (ModuleNotFoundError, AttributeError) as error:
        raise InputError(f"there is no such function ({error})", where=f"code({entry!r})") from None
    return found


def module_of(entry: str) -> str:
    """The module of an entry: `dial.measure:...` lies in the room of a study, `report.jobs:...` in the report."""
    module = entry.partition(":")[0]
    package, _, rest = module.partition(".")
    return f"{REPORT}.{rest}" if package == "report" else f"{STUDIES}.{module}"


def settings_type(function: Callable[[Job[Any]], None]) -> Any:
    """The type of the settings that a function of a job declares: `Job[Settings]`."""
    (settings,) = get_args(get_type_hints(function)["job"])
    return settings


def job_of(snakemake: Any, settings: Any) -> Job[Any]:
    """The job that Snakemake describes, its settings in their type."""
    return Job(
        settings=TypeAdapter(settings).validate_json(snakemake.params.settings),
        inputs=_files(snakemake.input),
        outputs=_files(snakemake.output),
        wildcards=dict(snakemake.wildcards.items()),
        identity=snakemake.params.settings + snakemake.params.code,
        code=snakemake.params.code,
        threads=snakemake.threads,
        gpus=snakemake.resources.get("gpu", 0),
        checkpoint_minutes=snakemake.resources.get("checkpoint_minutes", 5.0),
        resources=dict(snakemake.resources.items()),
    )


def _files(named: Any) -> Files:
    return Files(
        {
            name: tuple(Path(path) for path in ([found] if isinstance(found, str) else found))
            for name, found in named.items()
        }
    )
