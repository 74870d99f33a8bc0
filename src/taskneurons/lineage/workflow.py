"""What the workflow of this checkout asks for, read without running, claiming or dating anything."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from taskneurons.errors import InputError
from taskneurons.lineage.graph import Graph

SNAKEFILE = Path("Snakefile")


@dataclass(frozen=True)
class Workflow:
    """The jobs that the present parameters ask for.

    Args:
        graph: artifacts, rules, studies and fingerprints of code.
        settings: for each rule the canonical text of the parameters that it reads.
        inputs: for each artifact the inputs of the job that makes it.
    """

    graph: Graph
    settings: Mapping[str, str]
    inputs: Mapping[str, frozenset[str]]


def read_workflow(params: Path | None = None) -> Workflow:
    """Read the Snakefile of the current folder as a job on another machine reads it.

    Such a reading is no run: it neither claims the folder nor sets records, times or metadata right, so that it may
    happen beside a run and tells what lies there as it is. It costs about a second.

    Args:
        params: another parameter file than params.yaml.

    Raises:
        InputError: there is no Snakefile, or it, a rule file or the parameters cannot be read.
    """
    if not SNAKEFILE.is_file():
        raise InputError(f"there is no {SNAKEFILE} here", remedy="Run this in the project's folder")
    from snakemake.api import SnakemakeApi
    from snakemake.io import apply_wildcards
    from snakemake.settings.types import ConfigSettings, OutputSettings, Quietness, ResourceSettings, WorkflowSettings
    from snakemake_interface_executor_plugins.settings import ExecMode

    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        try:
            workflow = api.workflow(
                ResourceSettings(cores=1),
                config_settings=ConfigSettings(configfiles=[params] if params else []),
                workflow_settings=WorkflowSettings(exec_mode=ExecMode.SUBPROCESS),
                snakefile=SNAKEFILE,
            )._workflow
        except InputError:
            raise
        # Rule files are programs: what they raise is anything.
        except Exception as error:
            raise InputError(
                f"cannot be read ({type(error).__name__}: {error})",
                where=str(SNAKEFILE),
                remedy="`snakemake -n` says where",
            ) from error
        graph: Graph = workflow.globals["whole_graph"]()
        rules = {rule.name: rule for rule in workflow.rules}
    inputs: dict[str, frozenset[str]] = {}
    for output, name in graph.rules.items():
        wildcards = next(found for pattern in rules[name].output if (found := pattern.match(output))).groupdict()
        inputs[output] = frozenset(str(apply_wildcards(file, wildcards)) for file in rules[name].input)
    settings = {name: rules[name].params.settings for name in graph.code}
    return Workflow(graph=graph, settings=settings, inputs=inputs)
