"""What a parameter file takes from the Hugging Face hub: pinned to commits, fetched for machines without internet."""

import json
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from taskneurons.errors import InputError
from taskneurons.files import write_text
from taskneurons.hub import MODEL_FILES, NETWORK, NOT_FILES, asking
from taskneurons.lineage.workflow import require_project
from taskneurons.params.bases import merged, read_with_bases
from taskneurons.params.loading import load_params
from taskneurons.params.root import Params
from taskneurons.params.section import UNPINNED
from taskneurons.params.strict_yaml import Place
from taskneurons.progress import run_snakemake
from taskneurons.tasks.flan_clusters import REPOSITORY
from taskneurons.tasks.sources.hub import hub_tasks
from taskneurons.workflow.paths import task_files
from taskneurons.workflow.plan import Plan

Kind = Literal["model", "dataset"]
TABLES = (".parquet", ".json", ".jsonl", ".csv", ".jsonl.gz", ".json.gz", ".csv.gz", ".zst")
# Where the hub keeps the tables of a data set that is a loading script, whose code is never run.
CONVERTED = "refs/convert/parquet"


@dataclass(frozen=True)
class Pin:
    """A revision that is still to be written.

    Attributes:
        path: its key path.
        place: file and line.
        kind: of the repository.
        repository: owner/name on the hub.
    """

    path: tuple[str | int, ...]
    place: Place
    kind: Kind
    repository: str


def pins(path: Path) -> list[Pin]:
    """Every `pin-me` of a parameter file and its bases, also of what no run names.

    Raises:
        InputError: the file cannot be read, or a task is not known.
    """
    document = merged(read_with_bases(path))
    whole = document.value if isinstance(document.value, dict) else {}
    return [Pin(keys, document.places[keys], kind, repository) for keys, kind, repository in unpinned_in(whole)]


def unpinned_in(document: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Kind, str]]:
    """The key path, the kind and the repository of every `pin-me` of some parameters, as plain values.

    Raises:
        InputError: a task is not known.
    """
    yield from _of_models(document.get("models"))
    yield from _of_suites(document.get("suites"))


def _of_models(models: Any) -> Iterator[tuple[tuple[str, ...], Kind, str]]:
    for name, model in _sections(models):
        if model.get("revision") == UNPINNED:
            yield ("models", name, "revision"), "model", str(model.get("repository"))


def _of_suites(suites: Any) -> Iterator[tuple[tuple[str, ...], Kind, str]]:
    for name, suite in _sections(suites):
        if suite.get("revision") == UNPINNED:
            yield ("suites", name, "revision"), "dataset", REPOSITORY
        for task, _ in (one for one in dict(suite.get("revisions") or {}).items() if one[1] == UNPINNED):
            if task not in hub_tasks():
                raise InputError(f"there is no task {task}", where=f"suites.{name}.revisions")
            yield ("suites", name, "revisions", task), "dataset", hub_tasks()[task].repository


def _sections(found: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(found, dict):
        yield from ((name, one) for name, one in found.items() if isinstance(one, dict))


def pin(path: Path, commit_of: "Callable[[Kind, str], str] | None" = None) -> list[Pin]:
    """Write the hub's present commits in place of every `pin-me` of a file, and of its bases.

    What was found is written also where another repository cannot be asked.

    Args:
        path: of the parameter file.
        commit_of: gives the commit of a repository; None: the hub's.

    Returns:
        What was pinned.

    Raises:
        InputError: a repository cannot be asked, or a line has another form than `key: pin-me`.
    """
    ask = commit_of or current_commit
    commits: dict[tuple[Kind, str], str] = {}
    refused: dict[tuple[str, str], list[str]] = defaultdict(list)
    found = pins(path)
    for kind, repository in dict.fromkeys((one.kind, one.repository) for one in found):
        try:
            commits[kind, repository] = ask(kind, repository)
        except InputError as error:
            refused[error.message, error.remedy or ""].append(repository)
    known = [one for one in found if (one.kind, one.repository) in commits]
    by_file: dict[str, list[Pin]] = defaultdict(list)
    for one in known:
        by_file[one.place.file].append(one)
    for file, own in by_file.items():
        # As its bytes say it: reading text would make all ends of lines alike.
        write_text(file, _written(Path(file).read_bytes().decode("utf-8"), own, commits))
    if refused:
        # Where there is no network, one reason holds for all of them.
        reasons = [f"{', '.join(names)}: {'. '.join(filter(None, reason))}" for reason, names in refused.items()]
        raise InputError(f"{len(known)} of {len(found)} revisions are pinned; {'; '.join(reasons)}", where=str(path))
    return known


def _written(text: str, own: Iterable[Pin], commits: dict[tuple[Kind, str], str]) -> str:
    """A file with commits in place of `pin-me`, its comments and everything else as they are."""
    lines = text.splitlines(keepends=True)
    for one in own:
        commit = commits[one.kind, one.repository]
        # A value in a flow mapping may stand some lines below what holds it.
        number = one.place.line - 1
        pattern = rf"(\b{re.escape(str(one.path[-1]))}[\"']?:\s+)[\"']?{UNPINNED}[\"']?(?=[\s,}}]|$)"
        line, changed = re.subn(pattern, rf"\g<1>{commit}", lines[number], count=1)
        if not changed:
            raise InputError(
                f"{UNPINNED} stands in another form here", where=str(one.place), remedy=f"Write {commit} yourself"
            )
        lines[number] = line
    return "".join(lines)


def current_commit(kind: Kind, repository: str) -> str:
    """The newest commit of a repository on the hub from which we can read: tables of a data set, never its code.

    Raises:
        InputError: the hub cannot be asked, or there is no such repository.
    """
    from huggingface_hub import HfApi

    api = HfApi()
    with asking(repository):
        info = api.repo_info(repository, repo_type=kind)
        files = [one.rfilename for one in getattr(info, "siblings", None) or ()]
        if kind == "dataset" and not any(file.endswith(TABLES) for file in files):
            info = api.repo_info(repository, repo_type=kind, revision=CONVERTED)
    if not info.sha:
        raise InputError("the hub names no commit", where=repository)
    return str(info.sha)


def unpinned_of(settings: str) -> list[str]:
    """The repositories without a commit that a job would need.

    Args:
        settings: the text that its rule hands the job.
    """
    made = json.loads(settings)
    suite = made.get("arguments") or {}
    asked = {"models": {"": made}, "suites": {"": suite if suite.get("mirror") is None else {}}}
    found = unpinned_in(asked)
    return [repository for keys, _, repository in found if "revisions" not in keys or keys[-1] in made.get("tasks", ())]


def require_pinned(settings: Iterable[str], params: str | Path) -> None:
    """Refuse a run, before its first job, that would need a repository without a commit.

    Args:
        settings: of the jobs that would be done.
        params: the parameter file.

    Raises:
        InputError: there is one.
    """
    needed = [repository for one in settings if UNPINNED in one for repository in unpinned_of(one)]
    if needed:
        names = ", ".join(sorted(set(needed)))
        raise InputError(
            f"no commit is pinned of {names}",
            where=str(params),
            remedy=f"Run `taskneurons pin {params}`, which writes the hub's present commits",
        )


def fetch(path: Path | None, *, cores: str = "1", say: Callable[[str], None] = print) -> int:
    """Fetch what jobs would ask the hub for, so that they can run where there is no internet.

    Models go to the hub's own cache, where their import finds them with HF_HUB_OFFLINE=1. The tasks of suites on the
    hub are made, by the jobs that make them, here and not on a cluster. A fetch that was killed goes on where it was.

    Args:
        path: the parameter file; None: params.yaml.
        cores: that make tasks.
        say: is told what was fetched.

    Returns:
        The exit status of the jobs that make tasks.

    Raises:
        InputError: something is not pinned, or the hub cannot be reached.
    """
    from huggingface_hub import constants, snapshot_download

    params = load_params(path or "params.yaml")
    models = {name: model for name, model in params.models.items() if model.source == "hub"}
    suites = [name for name, suite in params.suites.items() if asks_hub(params, name)]
    asked = [model.model_dump_json() for model in models.values()]
    for name in suites:
        suite = params.suites[name]
        tasks = list(Plan(params).tasks(name))
        asked.append(json.dumps({"tasks": tasks, "arguments": suite.model_dump(mode="json")}))
    require_pinned(asked, path or "params.yaml")
    for name, model in models.items():
        offline = f"{NETWORK}, and without HF_HUB_OFFLINE" if constants.HF_HUB_OFFLINE else NETWORK
        with asking(f"models.{name}: {model.repository}@{model.revision[:12]}", offline=offline):
            folder = snapshot_download(
                model.repository,
                revision=model.revision,
                allow_patterns=list(MODEL_FILES),
                ignore_patterns=list(NOT_FILES),
            )
        say(f"{name}: {folder}")
    if not models and not suites:
        say(f"{path or 'params.yaml'}: nothing is to be fetched")
    if not suites:
        return 0
    # Models go to the hub's cache, tasks into the project.
    require_project()
    # A profile of a cluster would send the jobs to nodes that have no internet.
    for variable in ("SNAKEMAKE_PROFILE", "TASKNEURONS_PROFILE"):
        os.environ.pop(variable, None)
    plan = Plan(params)
    return run_snakemake(
        [file for name in suites for file in task_files(name, plan.tasks(name))], cores=cores, params=path
    )


def asks_hub(params: Params, suite: str) -> bool:
    """Whether the tasks of a suite are read from the hub."""
    chosen = params.suites[suite]
    return chosen.source in ("hub", "flan") and getattr(chosen, "mirror", None) is None
