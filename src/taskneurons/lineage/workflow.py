"""The workflow of this checkout: what its rules ask of each job, and reading it without running anything."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import taskneurons
from taskneurons.errors import InputError
from taskneurons.lineage.code import Sources
from taskneurons.lineage.graph import GRAPH, Graph, PlannedJob

if TYPE_CHECKING:
    from snakemake.rules import Rule

SNAKEFILE = Path("Snakefile")
HOME = Path(taskneurons.__file__).parents[2]
"""The checkout in which the library stands, whose rules a study in another folder includes."""
PARAMS = ("code", "settings", "wiring")


def wire(rules: "Iterable[Rule]") -> None:
    """Make the wiring of each rule with a script a param of it, so that an exchange of two inputs is a change.

    Snakemake compares the inputs of a job as a set, and knows neither their names nor their order.

    Raises:
        InputError: a rule has other params than `settings` and `code`, or no script.
    """
    for rule in rules:
        if sorted(rule.params.keys()) != ["code", "settings"] or not rule.script:
            raise InputError(
                "a rule has exactly the params `settings` and `code`, and a script", where=f"rule {rule.name}"
            )
        rule.set_params(wiring=_wiring_of(rule))


def _wiring_of(rule: "Rule") -> Callable[[Any], str]:
    return lambda wildcards: wiring(rule, dict(wildcards.items()))


def wiring(rule: "Rule", wildcards: dict[str, str]) -> str:
    """The digest of what a rule hands to the function of a job: names and order of its inputs and outputs."""
    inputs, outputs = rule.expand_input(wildcards)[0], rule.expand_output(wildcards)[0]
    content = [Path(str(rule.script)).name, *map(_named, (inputs, outputs))]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _named(files: Any) -> list[Any]:
    return [[str(file) for file in files], sorted([name, *place] for name, place in files._get_names())]


def jobs_of(rule: "Rule", outputs: Iterable[str]) -> Iterator[PlannedJob]:
    """The jobs of a rule that make some artifacts, each once.

    Args:
        rule: a rule of Snakemake that `wire` has seen.
        outputs: every artifact that the rule is asked for.
    """
    from snakemake.iocontainers import Wildcards

    made: set[tuple[tuple[str, str], ...]] = set()
    for output in outputs:
        found = next((match for pattern in rule.output if (match := pattern.match(output))), None)
        if found is None:
            raise InputError(f"does not make {output}", where=f"rule {rule.name}")
        wildcards = found.groupdict()
        if (key := tuple(sorted(wildcards.items()))) in made:
            continue
        made.add(key)
        inputs, expanded = rule.expand_input(wildcards)[0], rule.expand_output(wildcards)[0]
        values = {}
        for name in PARAMS:
            value = getattr(rule.params, name)
            values[name] = value(Wildcards(fromdict=wildcards)) if callable(value) else value
        yield PlannedJob(
            rule=rule.name,
            inputs=tuple(dict.fromkeys(map(str, inputs))),
            outputs=tuple(dict.fromkeys(map(str, expanded))),
            **values,
        )


def left_graph() -> Graph:
    """The graph that the last reading of the workflow left, for commands that do not read it themselves.

    Raises:
        InputError: there is none, or it has another form, such as that of another version.
    """
    # Not in `load` itself: the job of the report reaches that, and would run again for a sentence.
    try:
        return Graph.load()
    except (InputError, KeyError, TypeError, AttributeError):
        raise InputError(
            "no graph that this version left", where=str(GRAPH), remedy="Run `snakemake -n`, which writes it anew"
        ) from None


def require_project() -> None:
    """Refuse a folder that is no project, before anything is read or written in it.

    Raises:
        InputError: there is no Snakefile.
    """
    if not SNAKEFILE.is_file():
        raise InputError(f"there is no {SNAKEFILE} here", remedy="Run this in the project's folder")


def read_workflow(params: Path | None = None) -> Graph:
    """Read the Snakefile of the current folder as a job on another machine reads it.

    Such a reading is no run: it neither claims the folder nor sets records, times or metadata right, so that it may
    happen beside a run and tells what lies there as it is. It costs about a second. Fingerprints are taken of the
    sources; nothing that was remembered of them is used.

    Args:
        params: another parameter file than params.yaml.

    Raises:
        InputError: there is no Snakefile or no such parameter file, or one of them or a rule file cannot be read.
    """
    require_project()
    # Snakemake would say it of the Snakefile.
    if params is not None and not params.is_file():
        raise InputError("no such file", where=str(params))
    from snakemake.api import SnakemakeApi
    from snakemake.settings.types import ConfigSettings, OutputSettings, Quietness, ResourceSettings, WorkflowSettings
    from snakemake_interface_executor_plugins.settings import ExecMode

    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        Sources.believe_cache = False
        try:
            workflow = api.workflow(
                ResourceSettings(cores=1),
                config_settings=ConfigSettings(configfiles=[params] if params else []),
                workflow_settings=WorkflowSettings(exec_mode=ExecMode.SUBPROCESS),
                snakefile=SNAKEFILE,
            )._workflow
            graph: Graph = workflow.globals["whole_graph"]()
        except InputError:
            raise
        # Rule files are programs: what they raise is anything.
        except Exception as error:
            raise InputError(
                f"cannot be read ({type(error).__name__}: {error})",
                where=str(SNAKEFILE),
                remedy="`snakemake -n` says where",
            ) from error
        finally:
            Sources.believe_cache = True
    return graph
