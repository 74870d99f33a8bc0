"""A run as a Workflow Run RO-Crate 0.5: what was made, of what, by which code, when and by whom, for other tools.

Process Run Crate says of every job what it read and made, Workflow Run Crate of the whole run; both stand in one crate
(https://www.researchobject.org/workflow-run-crate/profiles/0.5/workflow_run_crate). The published results, the
workflow, its parameters and its records are in the crate; what DVC keeps is named with its digest.
"""

import hashlib
import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from taskneurons.errors import InputError
from taskneurons.files import read_text, replacing, sha256
from taskneurons.lineage.chain import Key, job_of
from taskneurons.lineage.fingerprint import settings as canonical
from taskneurons.lineage.graph import Graph, is_artifact, source_of
from taskneurons.lineage.reach import is_published
from taskneurons.lineage.record import RECORDS, Line
from taskneurons.lineage.sources import last_commits
from taskneurons.lineage.workflow import SNAKEFILE

if TYPE_CHECKING:
    from rocrate.model import Entity
    from rocrate.rocrate import ROCrate

PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}
TERMS = "https://w3id.org/ro/terms/workflow-run/context"
COMPLETED = "http://schema.org/CompletedActionStatus"
LICENCE = "https://spdx.org/licenses/Apache-2.0"
# Zip files cannot say less than this year; the dates of files are in the records.
ZIP_DATE = (1980, 1, 1, 0, 0, 0)
FORMATS = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".lock": "application/yaml",
    ".md": "text/markdown",
    ".png": "image/png",
    ".py": "text/x-python",
    ".svg": "image/svg+xml",
    ".yaml": "application/yaml",
}
Lines = Mapping[str, Line]


def write_crate(out: str | Path, lines: Lines, graph: Graph) -> None:
    """Write the run that the records tell of; equal results and records give equal bytes.

    Args:
        out: a file that ends in .zip, or a folder that does not exist yet.
        lines: lines of the records by artifact.
        graph: what the workflow can make.

    Raises:
        InputError: there is no record, a published result is not what its record says, or a parameter or an input is
            named by an absolute path, which would tell others about this machine; `out` exists.
    """
    out = Path(out)
    if not lines:
        raise InputError("there is no record to tell of", where=str(RECORDS), remedy="Make results first")
    if out.exists() and (out.is_dir() or out.suffix != ".zip"):
        raise InputError("exists already", where=str(out), remedy="Name another folder, or a file that ends in .zip")
    _refuse_paths_of_this_machine(lines, graph)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".crate.") as folder:
        place = Path(folder) / "crate"
        _build(lines, graph).write(place)
        if out.suffix != ".zip":
            shutil.move(place, out)
            return
        with replacing(out) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(path for path in place.rglob("*") if path.is_file()):
                info = zipfile.ZipInfo(path.relative_to(place).as_posix(), ZIP_DATE)
                info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                archive.writestr(info, path.read_bytes())


def _refuse_paths_of_this_machine(lines: Lines, graph: Graph) -> None:
    for line in lines.values():
        for name in (*(name for name, _ in line.inputs), *_texts(line.settings)):
            if Path(name).is_absolute() or name.startswith("~"):
                raise InputError(
                    f"was made with the absolute path {name}, which a crate would tell others",
                    where=line.output,
                    remedy="Name it relative to the project's folder, by a link if it lies elsewhere",
                )
    for text in _texts(yaml.safe_load(read_text(graph.params))):
        if Path(text).is_absolute() or text.startswith("~"):
            raise InputError(
                f"names the absolute path {text}, which a crate would tell others",
                where=graph.params,
                remedy="Name it relative to the project's folder, by a link if it lies elsewhere",
            )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(inner)


def _build(lines: Lines, graph: Graph) -> "ROCrate":
    from rocrate.model import ContextEntity
    from rocrate.rocrate import ROCrate

    crate = ROCrate(version="1.1")
    crate.metadata.extra_contexts.append(TERMS)
    starts, ends = [line.started for line in lines.values()], [line.ended for line in lines.values()]
    root = crate.root_dataset
    root["name"] = "Task neurons: results and their lineage"
    root["description"] = (
        "Which neurons of a language model carry a task: tables, figures and cards, the workflow that made them, and "
        "what it made each one of."
    )
    root["datePublished"] = _second(max(ends))
    crate.add(ContextEntity(crate, LICENCE, {"@type": "CreativeWork", "name": "Apache License 2.0"}))
    root["license"] = {"@id": LICENCE}
    for identifier, name in PROFILES.items():
        version = identifier.rpartition("/")[2]
        crate.add(ContextEntity(crate, identifier, {"@type": "CreativeWork", "name": name, "version": version}))
    root["conformsTo"] = [{"@id": identifier} for identifier in PROFILES]
    workflow = crate.add_workflow(SNAKEFILE, SNAKEFILE.name, main=True, lang="snakemake")
    workflow["name"] = "The workflow from parameters to tables and figures"
    workflow["encodingFormat"], workflow["version"] = "text/plain", sha256(SNAKEFILE)[:12]
    agent = crate.add(ContextEntity(crate, "#agent", _agent()))
    files = _Files(crate, lines)
    for path in (*sorted(Path("rules").glob("*.smk")), *sorted(RECORDS.glob("*.jsonl")), Path("dvc.lock")):
        if path.is_file():
            files.code(path) if path.suffix == ".smk" else files.plain(path)
    params = files.plain(Path(graph.params))
    jobs: dict[Key, list[str]] = {}
    for output in sorted(lines):
        jobs.setdefault(job_of(lines[output]), []).append(output)
    raw: dict[str, Entity] = {}
    actions: list[Entity] = []
    for outputs in sorted(jobs.values(), key=lambda outputs: (lines[outputs[0]].started, outputs[0])):
        line = lines[outputs[0]]
        read = [files.input(name, digest) for name, digest in line.inputs]
        raw |= {name: entity for (name, _), entity in zip(line.inputs, read, strict=True) if not is_artifact(name)}
        action = _action(line, f"Job of the rule {line.rule}", f"#jobs/{line.rule}/{line.ended}")
        job = crate.add(ContextEntity(crate, action.pop("@id"), action))
        code = source_of(line.entry)
        job["instrument"] = files.code(code) if code.is_file() else files.rule(line.rule)
        job["agent"] = agent
        actions.append(job)
        job["object"] = [*read, files.value("parameters", canonical(**line.settings))]
        job["result"] = [files.artifact(output) for output in outputs]
        environment = {"device": line.device or "unknown", **line.software, "code": f"{line.entry} {line.code}"}
        job["environment"] = [files.value(name, value) for name, value in environment.items()]
    run = crate.add(ContextEntity(crate, "#run", {"@type": "CreateAction", "name": "The run of the workflow"}))
    run["actionStatus"] = COMPLETED
    run["description"] = f"{len(jobs)} jobs, from raw data to tables, figures and cards"
    run["startTime"], run["endTime"] = _second(min(starts)), _second(max(ends))
    run["instrument"], run["agent"] = workflow, agent
    run["object"] = [params, *raw.values()]
    run["result"] = [files.artifact(output) for output in sorted(lines) if is_published(output)]
    root["author"] = agent
    root["mentions"] = [run, *actions]
    return crate


def _action(line: Line, name: str, identifier: str) -> dict[str, Any]:
    return {
        "@id": identifier,
        "@type": "CreateAction",
        "name": name,
        "description": f"rule {line.rule}, code {line.code[:12]}",
        "startTime": _second(line.started),
        "endTime": _second(line.ended),
        "actionStatus": COMPLETED,
    }


def _second(time: str) -> str:
    """An ISO 8601 time as the profiles take it: to the second."""
    return datetime.fromisoformat(time).isoformat(timespec="seconds")


def _agent() -> dict[str, str]:
    """Who recorded the results last, by the name in git."""
    commits = sorted(last_commits(str(RECORDS)).values(), key=lambda commit: commit.date)
    if commits:
        return {"@type": "Person", "name": commits[-1].author}
    return {"@type": "Organization", "name": "The taskneurons authors"}


class _Files:
    """The entities of a crate, each added once."""

    def __init__(self, crate: "ROCrate", lines: Lines) -> None:
        self.crate, self.lines = crate, lines
        self._known: dict[str, Entity] = {}

    def plain(self, path: Path, **properties: Any) -> "Entity":
        """A file in the crate."""
        name = path.as_posix()
        if name not in self._known:
            content = {
                "name": name,
                "sha256": sha256(path),
                "contentSize": str(path.stat().st_size),
                "encodingFormat": FORMATS.get(path.suffix, "text/plain"),
                **properties,
            }
            self._known[name] = self.crate.add_file(path, name, properties=content)
        return self._known[name]

    def code(self, path: Path) -> "Entity":
        """A script or a rule file in the crate."""
        return self.plain(path, **{"@type": ["File", "SoftwareSourceCode"], "version": sha256(path)[:12]})

    def artifact(self, path: str) -> "Entity":
        """An artifact: in the crate if people read it on the web, else by name and digest."""
        line = self.lines[path]
        if not is_published(path):
            return self._named(path, line.sha256, line.size)
        if not Path(path).is_file() or sha256(path) != line.sha256:
            raise InputError("is not what its record says", where=path, remedy="`taskneurons audit` says more")
        return self.plain(Path(path))

    def input(self, name: str, digest: str) -> "Entity":
        """What a job read: an artifact, or a file from outside by name and digest."""
        return self.artifact(name) if name in self.lines else self._named(name, digest)

    def value(self, name: str, value: str) -> "Entity":
        """A named value."""
        digest = hashlib.sha256(json.dumps([name, value]).encode()).hexdigest()[:16]
        content = {"@type": "PropertyValue", "name": name, "value": value}
        return self._context(f"#values/{digest}", content)

    def rule(self, name: str) -> "Entity":
        """A rule that this checkout does not have any more."""
        return self._context(f"#rules/{name}", {"@type": "SoftwareApplication", "name": name})

    def _named(self, path: str, digest: str, size: int | None = None) -> "Entity":
        content = {"@type": "CreativeWork", "name": path, "sha256": digest}
        if size is not None:
            content["contentSize"] = str(size)
        return self._context(f"#files/{path}", content)

    def _context(self, identifier: str, content: dict[str, str]) -> "Entity":
        from rocrate.model import ContextEntity

        if identifier not in self._known:
            self._known[identifier] = self.crate.add(ContextEntity(self.crate, identifier, content))
        return self._known[identifier]
