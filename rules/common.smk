# What every rule file uses: parameters, names of runs and tasks, fingerprints of code and settings, resources.
import math
import re
from functools import cache, partial
from pathlib import Path

import taskneurons
from snakemake.settings.enums import PersistenceBackend
from taskneurons.errors import InputError
from taskneurons.lineage.code import Code, Sources
from taskneurons.evidence.tasks import KINDS
from taskneurons.lineage.graph import Graph
from taskneurons.lineage.fingerprint import settings
from taskneurons.lineage.outside import NEVER_READ, outside_files, outside_folder
from taskneurons.lineage.workflow import jobs_of, wire
from taskneurons.params.loading import load_params
from taskneurons.params.root import GROUPED
from taskneurons.tasks.dial.suite import dial_task_names
from taskneurons.tasks.flan import flan_task_names
from taskneurons.tasks.jsonl import jsonl_task_names
from taskneurons.tasks.stream.suite import stream_task_names
from taskneurons.tasks.synthetic.suite import synthetic_task_names
from taskneurons.workflow import paths
from taskneurons.workflow.artifacts import raw_inputs, rule_outputs
from taskneurons.workflow.grouped import Grouped
from taskneurons.workflow.paths import Inputs, checkpoint, each, figure_files
from taskneurons.workflow.plan import Plan, suite_of, model_of
from taskneurons.workflow.resources import LIGHT, of_model, training

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
# Before anything reads them: what a job reads must be a regular file, not one that a run writes.
for name, suite in P.suites.items():
    if suite.source == "jsonl":
        outside_folder(suite.path, f"suites.{name}.path")
for name, model in P.models.items():
    if model.source == "folder":
        outside_folder(model.path, f"models.{name}.path")
plan = Plan(P)
inputs = Inputs(plan)
grouped = Grouped(plan)

RUNS = [(run.suite, run.model, seed) for run in P.runs for seed in run.seeds]
RUN_PAIRS = [(run.suite, run.model) for run in P.runs]


def pairs_of(study):
    """The runs, as (suite, model), whose `studies` name this one; tasks, models and neuron sets are made for all."""
    return [(run.suite, run.model) for run in P.runs if study in run.studies]


def runs_of(study):
    return [(suite, model, seed) for suite, model, seed in RUNS if (suite, model) in pairs_of(study)]


code = Code(
    Sources(Path(taskneurons.__file__).parent, Path(".taskneurons") / "code.json"),
    Path(workflow.basedir) / "workflow" / "scripts",
)


wildcard_constraints:
    seed=r"\d+",
    selection="|".join(map(re.escape, plan.selections)),


def seed_list(suite, model):
    return [seed for s, m, seed in RUNS if (s, m) == (suite, model)]


def seeds_of(suite, model, which="all"):
    """The seeds of a run, all or the first, as the constraint of its wildcard."""
    return "|".join(map(str, seed_list(suite, model)[: 1 if which == "first" else None]))


def sooner(suite, model, priority):
    """A priority by which the first seed of a run comes before the others, and that of the first run before all.

    So a first picture is there long before the last seed is.
    """
    first, bonus = seed_list(suite, model)[0], 200 if (suite, model) == RUN_PAIRS[0] else 100
    return lambda wildcards: priority + bonus * (int(wildcards.seed) == first)


def models_of(suite):
    return [model for s, model in RUN_PAIRS if s == suite]


def scratch_models_of(suite):
    return [model for model in models_of(suite) if P.models[model].source == "scratch"]


def tokenizer_folder(suite, model):
    if P.models[model].source == "scratch":
        return f"results/models/{suite}/{model}/tokenizer"
    return f"results/models/imported/{model}"


def dtype_of(model):
    return getattr(P.models[model], "dtype", "float32")


def rule_slug(text):
    """A slug as a part of a rule's name, which Python must accept."""
    return text.replace("-", "_").replace(".", "p")


# Tasks and batches of tasks


@cache
def task_names(suite):
    chosen = P.suites[suite]
    if chosen.source == "synthetic":
        return list(synthetic_task_names(chosen.tasks))
    if chosen.source == "jsonl":
        return list(jsonl_task_names(chosen.path, chosen.tasks))
    if chosen.source == "flan":
        return list(flan_task_names(chosen.tasks))
    if chosen.source == "dial":
        return list(dial_task_names(chosen.skills, chosen.asked))
    if chosen.source == "stream":
        return list(stream_task_names(chosen.tasks))
    return list(chosen.tasks)


@cache
def grouped_tasks(suite):
    """The tasks of a suite that models are trained on or tested with one by one, in the suite's order."""
    chosen = P.groups[suite].tasks()
    if unknown := sorted(set(chosen) - set(task_names(suite))):
        raise InputError(
            f"there is no task {', '.join(unknown)}",
            where=f"groups.{suite}",
            remedy=f"Choose among {', '.join(task_names(suite))}",
        )
    return [task for task in task_names(suite) if task in chosen]


def batches(suite):
    """(name, tasks) of the groups of tasks that one job does together."""
    return batched(task_names(suite))


def batched(tasks):
    """As `batches`, of some tasks."""
    if P.workflow.tasks_per_job == "all":
        return [("all", tasks)]
    size = P.workflow.tasks_per_job
    groups = [tasks[start : start + size] for start in range(0, len(tasks), size)]
    return [(rule_slug("_".join(group)) if size == 1 else f"batch{i}", group) for i, group in enumerate(groups)]


# Paths that rules without a room still name by suite and model

MEASURED = list(P.attribution.estimators)
DERIVED = sorted({selection.estimator for selection in P.neurons.selections} & {"contrast", "entropy"})


def scores_path(suite, model, estimator, task):
    return paths.fill(paths.SCORES, run=f"{suite}/{model}", estimator=estimator, task=task)


def sets_path(suite, model, selection, task):
    return paths.fill(paths.SETS, run=f"{suite}/{model}", selection=selection, task=task)


figure_paths = figure_files

# Files from outside: the user's tasks and models


def raw_files(suite, tasks):
    chosen = P.suites[suite]
    if chosen.source != "jsonl":
        return []
    files = [Path(chosen.path) / f"{task}.{split}.jsonl" for task in tasks for split in ["train", "validation", "test"]]
    # A split of validation examples is optional; without one they are taken from the training examples.
    return [
        f"{chosen.path}/tasks.json",
        *(str(file) for file in files if file.exists() or "validation" not in file.name),
    ]


def model_raw_files(model):
    """Every file of the user's folder that reading a model may read, tokenizers and templates included."""
    chosen = P.models[model]
    if chosen.source != "folder":
        return []
    where = f"models.{model}.path"
    return [path.as_posix() for path in outside_files(Path(chosen.path), where, NEVER_READ)]


# Resources

# ASSUME: below this size a model is faster on the CPU cores at hand than the start of a GPU process costs.
TINY_PARAMETERS = 50e6
BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
# Bytes of GPU memory for each parameter besides the weights: gradients, an fp32 master copy and two Adam moments in
# training; in attribution the gradient of the activations only, which is part of the reserve below.
# Models are compared two at a time.
EXTRA_BYTES = {"load": 0, "infer": 0, "attribute": 0, "compare": 4, "train": 14}
# ASSUME: minutes a job may take for each billion parameters.
MINUTES_PER_BILLION = {"load": 10, "infer": 60, "attribute": 60, "compare": 120, "train": 480}


def parameter_count(model):
    """The declared number of parameters; for a model trained from scratch an upper bound from its shape."""
    chosen = P.models[model]
    if chosen.source != "scratch":
        return chosen.parameters
    # ASSUME: a word vocabulary of a suite stays below 20,000.
    vocabulary = chosen.tokenizer.vocabulary if chosen.tokenizer.kind == "bpe" else 20_000
    width = chosen.hidden_size
    return 2 * vocabulary * width + chosen.layers * (4 * width**2 + 3 * width * chosen.ffn_size)


def model_resources(model, kind):
    """Resources of a job that runs a model: GPUs, GPU memory and host memory (MB), time limit (minutes)."""
    size = parameter_count(model)
    weight_bytes = BYTES[dtype_of(model)]
    model_mb = math.ceil(size * (weight_bytes + EXTRA_BYTES[kind]) / 1e6)
    # ASSUME: activations, caches and the allocator's fragments take a fifth of the model and 4 GB.
    memory_mb = math.ceil(1.2 * model_mb) + 4000
    gpu = int(size >= TINY_PARAMETERS and kind != "load")
    return {
        "gpu": gpu,
        "gpu_mem_mb": memory_mb if gpu else 0,
        # The host holds the weights twice while a checkpoint is read or written, and everything when there is no GPU.
        "mem_mb": 2000 + (math.ceil(2 * size * weight_bytes / 1e6) if gpu else memory_mb),
        "runtime": 60 + math.ceil(MINUTES_PER_BILLION[kind] * size / 1e9),
    }


def light_resources():
    """Resources of a job that reads files and runs no model."""
    return {"gpu": 0, "gpu_mem_mb": 0, "mem_mb": 2000, "runtime": 30}


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
