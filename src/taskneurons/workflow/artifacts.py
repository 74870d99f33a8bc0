"""Which artifacts the rules of the workflow can make: their output patterns with the values of the runs put in."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

from taskneurons.errors import InputError
from taskneurons.lineage.graph import PlannedJob, is_artifact
from taskneurons.workflow.plan import Plan

Rule = Any
"""Snakemake's rule."""


def rule_outputs(rule: Rule, plan: Plan) -> Iterator[str]:
    """Every file that a rule can make with the present parameters.

    A wildcard of a rule is constrained to the runs that the rule is for.

    Raises:
        InputError: the rule has a wildcard that the parameters give no values.
    """
    from snakemake.io import apply_wildcards

    named = wildcard_values(plan)
    runs = [
        {"run": run.name, "suite": run.suite, "model": run.model, "seed": str(seed)}
        for run in plan.all_runs
        for seed in run.seeds
    ]
    for pattern in rule.output:
        names = pattern.get_wildcard_names()
        if unknown := names - set(runs[0]) - set(named):
            raise InputError(f"wildcards {sorted(unknown)} are not expanded", where=f"rule {rule.name}")
        others = sorted(names & set(named))
        paths: dict[str, None] = {}
        for run, values in product(runs, product(*(named[name] for name in others))):
            paths[str(apply_wildcards(pattern, run | dict(zip(others, values, strict=True))))] = None
        yield from (path for path in paths if pattern.match(path))


def wildcard_values(plan: Plan) -> Mapping[str, tuple[str, ...]]:
    """The values of wildcards that do not belong to runs."""
    selections = plan.params.neurons.selections
    return {
        "selection": tuple(selection.slug for selection in selections),
        "estimator": tuple(
            dict.fromkeys([*plan.params.attribution.estimators, *(selection.estimator for selection in selections)])
        ),
    }


def raw_inputs(jobs: Iterable[PlannedJob], folders: Iterable[Path]) -> tuple[str, ...]:
    """The files that jobs read and no rule makes; those of a user's task or model folder as that folder.

    Args:
        jobs: of one study.
        folders: of the user's tasks and models.
    """
    folders = list(folders)
    files = {Path(file) for job in jobs for file in job.inputs if not is_artifact(file)}
    places = [next((folder for folder in folders if folder in file.parents), file) for file in files]
    return tuple(sorted({place.as_posix() for place in places}))
