# Shared by all files of rules: parameters, the plan of runs, paths, fingerprints of code and settings, resources.
import re
from functools import partial
from pathlib import Path

import taskneurons
from snakemake.settings.enums import PersistenceBackend
from taskneurons.errors import InputError
from taskneurons.evidence.tasks import KINDS
from taskneurons.lineage.active import CODE
from taskneurons.lineage.code import Code, Sources
from taskneurons.lineage.fingerprint import settings
from taskneurons.lineage.graph import Graph
from taskneurons.lineage.workflow import jobs_of, wire
from taskneurons.params.loading import load_params
from taskneurons.params.root import GROUPED, TUNED
from taskneurons.workflow import paths, raw
from taskneurons.workflow.artifacts import raw_inputs, rule_outputs
from taskneurons.workflow.grouped import Grouped
from taskneurons.workflow.hardware import gpus_here, memory_here
from taskneurons.workflow.paths import Inputs, checkpoint, figure_files
from taskneurons.workflow.plan import Plan, fresh_model, model_of, suite_of
from taskneurons.workflow.resources import LIGHT, TOKENIZING, JobResources

if workflow.is_main_process and workflow.config_settings.config:
    raise InputError(
        f"parameters are not given on the command line: {', '.join(workflow.config_settings.config)}",
        where="--config",
        remedy="Write them to params.yaml, or to a file that --configfile names",
    )
if workflow.workflow_settings.persistence_backend != PersistenceBackend.FILE:
    raise InputError(
        "the lineage keeps Snakemake's records in files", where="--persistence-backend", remedy="Leave it out"
    )
if len(workflow.configfiles) > 1:
    raise InputError("more than one parameter file", where="--configfile", remedy="Name one complete file")

PARAMS_FILE = workflow.configfiles[0] if workflow.configfiles else Path("params.yaml")
P = load_params(PARAMS_FILE)
plan = Plan(P)
inputs = Inputs(plan)
grouped = Grouped(plan)
# Jobs that are sent to other machines run where there are GPUs, whatever this one has.
resources_of = JobResources(plan, workflow.get_rule, gpus=gpus_here() or not workflow.local_exec)

code = Code(Sources(Path(taskneurons.__file__).parent, CODE))


wildcard_constraints:
    seed=r"\d+",
    selection="|".join(map(re.escape, plan.selections)),


# Artifacts


def rules_of(study):
    """The rules of `rules/<study>.smk`."""
    return [rule for rule in workflow.rules if Path(str(rule.snakefile)).stem == study]


def artifacts(study):
    """Every file that the rules of a study can make."""
    return [path for rule in rules_of(study) for path in rule_outputs(rule, plan)]


def user_folders():
    """The folders of the user's tasks and models."""
    return [Path(chosen.path) for chosen in [*P.suites.values(), *P.models.values()] if hasattr(chosen, "path")]


def whole_graph():
    """What the lineage must know of the workflow; to be called after all rules are read."""
    rules = {study: rules_of(study) for study in STUDIES}
    jobs = {
        study: [job for rule in rules[study] for job in jobs_of(rule, rule_outputs(rule, plan))] for study in STUDIES
    }
    return Graph(
        studies=tuple(STUDIES),
        jobs=tuple(job for study in STUDIES for job in jobs[study]),
        study_of={rule.name: study for study in STUDIES for rule in rules[study]},
        raw={study: raw_inputs(jobs[study], user_folders()) for study in STUDIES},
        params=str(PARAMS_FILE),
    )
