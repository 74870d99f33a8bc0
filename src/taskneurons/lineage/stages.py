"""`dvc.yaml`, generated from the workflow: one stage a study; and which results git leaves to DVC."""

import os
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

import taskneurons
from taskneurons.errors import InputError
from taskneurons.files import read_text
from taskneurons.lineage.active import CODE
from taskneurons.lineage.code import Code, Sources
from taskneurons.lineage.graph import Graph
from taskneurons.lineage.plan import snakemake
from taskneurons.lineage.workflow import HOME

FILE = Path("dvc.yaml")
IGNORE = Path("results/.gitignore")
HEAD = (
    "# Generated from the workflow by `taskneurons stages`; a test fails when it is stale.\n"
    "# `dvc repro` makes everything. DVC certifies and stores what Snakemake makes; docs/lineage.md says how.\n"
)
# Results that people read on the web are in git; the others are git-ignored and in DVC's cache.
IN_GIT = frozenset({"tables", "figures", "cards", "metrics", "claims.json"})
# What stands on the axis of a plot of a summary: the first of these columns that it has.
AXES = ("condition", "method", "role", "trained", "measure", "group", "layer", "scope")
# The rule that studies with headline numbers use.
HEADLINES = "rules/headlines.smk"
RUNNER = "workflow/scripts/run.py"
_NODE = re.compile(r'^\s*(\d+)\[label = "([^"\\]+)')
_EDGE = re.compile(r"^\s*(\d+) -> (\d+)$")
_SECTION = re.compile(r"\b(?:P|params)\.([a-z_]+)")
# What decides which jobs there are, besides the rule files.
PLAN = Path("src/taskneurons/workflow")


def texts(columns: Mapping[str, Sequence[str]], only: Sequence[str] = ()) -> dict[Path, str]:
    """What `dvc.yaml` and `results/.gitignore` hold.

    Args:
        columns: of each table, by its stem.
        only: studies that `dvc.yaml` shall hold, with what they need; without any, all. DVC cannot apply an experiment
            that lacks an out of some stage, so that one who tries a single study names it here.

    Raises:
        InputError: the workflow cannot be read, or has no such study.
    """
    every = stages()
    by_study = with_needed(every, only) if only else every
    folders = {
        f"/{Path(path).name}\n"
        for stage in every.values()
        for out in stage["outs"]
        for path in out
        if "cache" not in out[path]
    }
    return {
        FILE: HEAD + yaml.safe_dump({"stages": by_study, **shown(by_study, columns)}, sort_keys=False, width=120),
        IGNORE: "".join(sorted(folders)),
    }


def stages() -> dict[str, Any]:
    """The stages by study, in the form of `dvc.yaml`.

    Raises:
        InputError: the workflow cannot be read, or two studies make files in one folder that DVC tracks as a whole.
    """
    done = subprocess.run(snakemake("--rulegraph", "dot"), capture_output=True, text=True, check=False)
    if done.returncode:
        # After what it says of itself Snakemake prints what is wrong, as one sentence where it is a refusal of ours.
        raise InputError(f"Snakemake cannot read the workflow: {done.stderr.rpartition('error: ')[2].strip()}")
    graph = Graph.load()
    outs = {study: out_paths(graph.artifacts(study)) for study in graph.studies}
    owners: dict[str, str] = {}
    for study, paths in outs.items():
        for path in paths:
            if (owner := owners.setdefault(path, study)) != study:
                raise InputError(f"{owner} and {study} both make files in {path}", remedy="Give each study its folder")
    needed = _needed_outs(done.stdout, graph)
    # Snakemake has just kept what it read of the code.
    fingerprints = Code(Sources(Path(taskneurons.__file__).parent, CODE))
    planning = "".join(map(read_text, [HOME / "rules/common.smk", *sorted((HOME / PLAN).glob("*.py"))]))
    params = _params_files(Path(graph.params))
    stages = {}
    # A study that no run of the parameters asks for has no stage.
    for study in (study for study in graph.studies if outs[study]):
        entries = list(graph.entries_of(study))
        code = rooms({module for entry in entries for module in fingerprints.modules(entry)})
        deps = [
            "Snakefile",
            "rules/common.smk",
            *([HEADLINES] if any(path.startswith("results/metrics/") for path in outs[study]) else []),
            f"rules/{study}.smk",
            RUNNER,
            *sorted(code),
            *graph.raw.get(study, ()),
            *sorted(needed[study]),
        ]
        read = {*_SECTION.findall(planning), *_SECTION.findall(read_text(HOME / f"rules/{study}.smk"))}
        stages[study] = {
            "cmd": f"taskneurons stage {study}",
            # Where a study lies in a folder of its own, rules and code lie outside; `taskneurons audit` looks at them.
            "deps": [dep for dep in deps if dep.startswith("results/") or Path(dep).exists()],
            # Also the keys that decide which jobs there are.
            "params": [{file: sorted(read & sections)} for file, sections in params.items() if read & sections],
            # Without persist DVC deletes the outs first, and every job of the study would run for one change.
            "outs": [
                {path: {"persist": True} if Path(path).parts[1] not in IN_GIT else {"cache": False, "persist": True}}
                for path in outs[study]
            ],
        }
    return stages


def _params_files(path: Path) -> dict[str, set[str]]:
    """The sections of a parameter file and of each base of it that lies in this folder."""
    found: dict[str, set[str]] = {}
    while True:
        content = yaml.safe_load(read_text(path))
        found[path.as_posix()] = set(content)
        if "base" not in content:
            return found
        path = Path(os.path.normpath(path.parent / content["base"]))


def with_needed(every: Mapping[str, Any], only: Iterable[str]) -> dict[str, Any]:
    """The stages of some studies and of all that they depend on, in the order of all.

    Raises:
        InputError: there is no stage of such a study.
    """
    makers = {path: study for study, stage in every.items() for out in stage["outs"] for path in out}
    todo, kept = list(only), set()
    while todo:
        study = todo.pop()
        if study not in every:
            raise InputError(f"there is no stage {study}", remedy=f"Choose among {', '.join(every)}")
        if study not in kept:
            kept.add(study)
            todo += [makers[path] for path in every[study]["deps"] if path in makers]
    return {study: stage for study, stage in every.items() if study in kept}


def shown(by_study: Mapping[str, Any], columns: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """What `dvc metrics` and `dvc plots` compare between runs: headline numbers, and the summaries of studies.

    Args:
        by_study: the stages.
        columns: of each table, by its stem.
    """
    paths = [path for stage in by_study.values() for out in stage["outs"] for path in out]
    metrics = [path for path in paths if Path(path).parts[1] == "metrics"]
    plots = []
    for path in paths:
        table = Path(path)
        names = columns.get(table.stem, ())
        axis = next((name for name in AXES if name in names), None)
        if table.parts[1] == "tables" and table.stem.endswith("_summary") and axis and "value" in names:
            plots.append({path: {"x": axis, "y": "value", "template": "scatter", "title": table.stem}})
    return {key: value for key, value in (("metrics", metrics), ("plots", plots)) if value}


def out_paths(artifacts: Iterable[str]) -> list[str]:
    """The files and folders that DVC tracks for a study: tables and `results/<file>` by themselves, else by folder."""
    paths = set()
    for artifact in artifacts:
        _, topic, *inner = Path(artifact).parts
        if topic in ("tables", "metrics") or not inner:
            paths.add(artifact)
        elif topic == "figures":
            paths.add(f"results/figures/{inner[0]}")
        else:
            paths.add(f"results/{topic}")
    return sorted(paths)


def rooms(modules: Iterable[str]) -> set[str]:
    """Paths of the code that modules stand for: the folder of each room of the package, or the one module of it."""
    by_room: dict[str, set[str]] = {}
    for module in modules:
        _, _, inner = module.partition(".")
        # A study is a room of its own.
        depth = 2 if inner.startswith("studies.") else 1
        if inner and inner != "studies":
            by_room.setdefault(".".join(inner.split(".")[:depth]), set()).add(inner)
    paths = set()
    for room, members in by_room.items():
        modules_inside = sorted(members - {room})
        place = f"src/taskneurons/{room.replace('.', '/')}"
        if not Path(place).is_dir():
            paths.add(f"{place}.py")
        elif len(modules_inside) == 1:
            paths.add(f"src/taskneurons/{modules_inside[0].replace('.', '/')}.py")
        else:
            paths.add(place)
    return paths


def _needed_outs(rulegraph: str, graph: Graph) -> dict[str, set[str]]:
    """For each study the outs of earlier studies that it reads, from the edges between their rules.

    A study that reads an artifact of a later one makes it; DVC, whose stages have no cycles, does not hear of that.
    """
    made: dict[str, list[str]] = {}
    for artifact, rule in graph.rules.items():
        made.setdefault(rule, []).append(artifact)
    names: dict[str, str] = {}
    needed: dict[str, set[str]] = {study: set() for study in graph.studies}
    for text in rulegraph.splitlines():
        if node := _NODE.match(text):
            names[node[1]] = node[2]
        elif edge := _EDGE.match(text):
            rule, reader = (names[number] for number in edge.groups())
            producer, consumer = graph.study_of.get(rule), graph.study_of.get(reader)
            if producer and consumer and graph.studies.index(producer) < graph.studies.index(consumer):
                needed[consumer].update(out_paths(made[rule]))
    return needed
