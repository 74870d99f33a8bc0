"""Are the results what their records say, and what this checkout would make? Asked offline; nothing is run or changed.

Every byte is hashed anew. Records are compared with the files, with each other, and with what the workflow asks for:
its rules are read as text and parameters (`read_workflow`), because only they know which slice of params.yaml and which
modules a job reads; the records alone could not tell a parameter that is gone from one that never was.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from taskneurons.files import sha256
from taskneurons.lineage import active
from taskneurons.lineage.findings import SEVERITIES, Audit, Finding
from taskneurons.lineage.fingerprint import PACKAGE
from taskneurons.lineage.fingerprint import settings as canonical
from taskneurons.lineage.graph import is_artifact
from taskneurons.lineage.lock import Cache, lock_findings, read_cache
from taskneurons.lineage.reach import Reach, is_published
from taskneurons.lineage.record import RECORDS, Line, read_records
from taskneurons.lineage.stages import IN_GIT
from taskneurons.lineage.workflow import Workflow, read_workflow

Lines = Mapping[str, Line]


def audit(params: Path | None = None) -> Audit:
    """Check the results of the current folder.

    Args:
        params: the parameter file that the results were made with, where it is not params.yaml.

    Returns:
        What disagrees, and how much was checked. A file that is absent but held by DVC's cache is checked there; one
        that is nowhere here is a note, its digest stands in the record.

    Raises:
        InputError: the folder holds no workflow, or the workflow, its parameters or a record cannot be read.
    """
    workflow = read_workflow(params)
    findings: list[Finding] = []
    lines = read_records(lambda text: findings.append(Finding("error", "records", (str(RECORDS),), text)))
    published = published_files()
    if holder := active.holder():
        text = f"a run is active (process {holder}): what it makes now is not recorded yet"
        findings.append(Finding("note", "records", (str(active.STATE),), text))
    if not lines:
        text = "there is no record: nothing was made here, or its records are lost; `make results` makes everything"
        findings.append(Finding("error", "records", (str(RECORDS),), text))
    cache = read_cache()
    raw, reach = raw_inputs(lines), Reach(lines)
    findings += content_findings(lines, cache)
    findings += input_findings(lines, raw)
    findings += chain_findings(lines, published, reach)
    stale = list(stale_findings(lines, workflow)) if lines else []
    findings += stale
    findings += cache_findings(cache)
    if lines:
        findings += lock_findings(_by_study(stale, workflow))
    findings = [replace(finding, published=reach.published(finding.subjects)) for finding in findings]
    return Audit(
        findings=tuple(sorted(findings, key=lambda f: (SEVERITIES.index(f.severity), f.check, f.subjects))),
        checked={
            "artifacts": len(lines),
            "tables, figures and cards": len(published),
            "inputs from outside": len(raw),
            "jobs": reach.jobs,
            "objects of DVC's cache": len(cache.objects),
        },
    )


def published_files() -> list[str]:
    """The files that people read on the web: tables, figures, cards; hidden files are none."""
    places = [Path("results", name) for name in sorted(IN_GIT)]
    files = [path for place in places for path in (place, *place.rglob("*")) if path.is_file()]
    return sorted(path.as_posix() for path in files if not path.name.startswith("."))


def raw_inputs(lines: Lines) -> dict[str, dict[str, list[str]]]:
    """For each input from outside, by the digest that a job read, the artifacts of these jobs."""
    raw: dict[str, dict[str, list[str]]] = {}
    for output, line in lines.items():
        for name, digest in line.inputs:
            if not is_artifact(name):
                raw.setdefault(name, {}).setdefault(digest, []).append(output)
    return raw


# The checks


def content_findings(lines: Lines, cache: Cache) -> Iterator[Finding]:
    """Bytes against records: in results/, or where a file is absent in DVC's cache."""
    absent: dict[str, list[str]] = {}
    for output, line in sorted(lines.items()):
        if Path(output).is_file():
            if sha256(output) != line.sha256:
                yield Finding("error", "content", (output,), "its bytes are not the recorded ones")
        elif is_published(output):
            yield Finding("error", "content", (output,), "recorded, but absent; `git checkout` or a run brings it back")
        elif (found := cache.objects.get(cache.tracked.get(output, ""))) is None:
            absent.setdefault("/".join(Path(output).parts[:2]), []).append(output)
        elif found != line.sha256 and cache.tracked[output] not in cache.corrupt:
            yield Finding("error", "content", (output,), "DVC's cache holds other bytes for it than the recorded ones")
    for folder, outputs in absent.items():
        text = f"not here, so that the bytes of {_count(outputs)} below {folder} are unchecked; `dvc pull` fetches them"
        yield Finding("note", "content", tuple(outputs), text)


def input_findings(lines: Lines, raw: Mapping[str, Mapping[str, Sequence[str]]]) -> Iterator[Finding]:
    """Every input of every record: it exists, or is recorded, with the digest that the job read."""
    for name, readers in sorted(raw.items()):
        if not Path(name).is_file():
            if any(Path(f"{place}.dvc").is_file() for place in (name, *map(str, Path(name).parents[:-1]))):
                yield Finding("note", "inputs", (name,), "is not here; `dvc pull` fetches it")
            else:
                yield Finding("error", "inputs", (name,), "is absent: what was made of it has no origin here")
        elif other := readers.keys() - {sha256(name)}:
            made = [output for digest in other for output in readers[digest]]
            yield Finding("error", "inputs", (name,), f"has changed since {_count(made)} made from it")
    other_inputs: dict[str, list[str]] = {}
    for output, line in sorted(lines.items()):
        for name, digest in line.inputs:
            if name in lines and lines[name].sha256 != digest:
                other_inputs.setdefault(name, []).append(output)
    for name, outputs in sorted(other_inputs.items()):
        text = f"{_count(outputs)} came of another version of it, among them {outputs[0]}"
        yield Finding("error", "inputs", (name,), text)


def chain_findings(lines: Lines, published: Iterable[str], reach: Reach) -> Iterator[Finding]:
    """No gap between raw data and what is published, and no circle."""
    for path in published:
        if path not in lines:
            yield Finding("error", "chain", (path,), "no record says what made it")
    gaps: dict[str, list[str]] = {}
    for output, line in sorted(lines.items()):
        for name, _ in line.inputs:
            if is_artifact(name) and name not in lines:
                gaps.setdefault(name, []).append(output)
    for name, outputs in sorted(gaps.items()):
        text = f"no record says what made it, and {outputs[0]} was made from it"
        yield Finding("error", "chain", (name,), text)
    if rules := reach.circle():
        text = f"the records go round in a circle: {' <- '.join(rules)}"
        yield Finding("error", "chain", (str(RECORDS),), text)


def stale_findings(lines: Lines, workflow: Workflow) -> Iterator[Finding]:
    """Records against the workflow of this checkout: jobs, the parameters that they read, the code that they run."""
    graph = workflow.graph
    gone: list[str] = []
    rewired: dict[str, list[str]] = {}
    settings: dict[tuple[str, str], list[str]] = {}
    code: dict[str, list[str]] = {}
    for output, line in sorted(lines.items()):
        rule = graph.rules.get(output)
        if rule is None:
            gone.append(output)
            continue
        if workflow.inputs[output] != {name for name, _ in line.inputs}:
            rewired.setdefault(rule, []).append(output)
        if (made_with := canonical(**line.settings)) != workflow.settings[rule]:
            settings.setdefault((rule, made_with), []).append(output)
        if line.code != graph.code[rule]:
            code.setdefault(graph.scripts[rule], []).append(output)
    if gone:
        yield Finding("warning", "jobs", tuple(gone), "no rule makes this any more")
    unmade: dict[str, list[str]] = {}
    for output in graph.rules:
        if output not in lines:
            unmade.setdefault(graph.study(output), []).append(output)
    for study, outputs in unmade.items():
        text = f"{graph.params} asks the study {study} for {_count(outputs)} that nobody recorded"
        yield Finding("warning", "jobs", tuple(sorted(outputs)), text)
    for rule, outputs in rewired.items():
        yield Finding(
            "warning", "jobs", tuple(outputs), f"rule {rule} now has other inputs than those that it was made from"
        )
    for (rule, made_with), outputs in settings.items():
        difference = ", ".join(_differences(json.loads(made_with), json.loads(workflow.settings[rule])))
        text = f"rule {rule} made it with other parameters than those of {graph.params}: {difference}"
        yield Finding("warning", "parameters", tuple(outputs), text)
    for script, outputs in sorted(code.items()):
        text = f"made by older code: {script}.py or a module that it reaches has changed"
        yield Finding("warning", "code", tuple(outputs), text)
    yield from _library_finding()


def cache_findings(cache: Cache) -> Iterator[Finding]:
    """Objects of DVC's cache whose bytes are not those of their name."""
    holders: dict[str, list[str]] = {}
    for artifact, name in cache.tracked.items():
        holders.setdefault(name, []).append(artifact)
    for name, path in cache.corrupt.items():
        held = (
            f"{holders[name][0]} would be checked out from it" if name in holders else "`dvc.lock` names no file of it"
        )
        text = f"object of DVC's cache is corrupt; {held}. Delete it, then `dvc push` from a sound copy or `dvc repro`"
        yield Finding("error", "cache", (path, *sorted(holders.get(name, ()))), text)


# What the checks stand on


def _library_finding() -> Iterator[Finding]:
    """Fingerprints are taken of the library that runs now; it must be this checkout's."""
    source, here = Path(__file__).parents[1], Path("src", PACKAGE)
    if here.is_dir() and not here.samefile(source):
        text = "is not the library that runs now; install it (`pip install -e .`) to compare code"
        yield Finding("warning", "code", (here.as_posix(),), text)


def _differences(old: object, new: object, key: str = "") -> Iterator[str]:
    """Where two JSON values differ: key path, old value, new value."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted(old.keys() | new.keys()):
            yield from _differences(old.get(name, "(absent)"), new.get(name, "(absent)"), f"{key}.{name}".lstrip("."))
    elif old != new:
        yield f"{key} {json.dumps(old, ensure_ascii=False)} -> {json.dumps(new, ensure_ascii=False)}"


def _by_study(stale: Iterable[Finding], workflow: Workflow) -> dict[str, int]:
    """For each study how many of its artifacts the workflow would make again."""
    again = {path for finding in stale if finding.check in ("parameters", "code", "jobs") for path in finding.subjects}
    studies = [workflow.graph.study(path) for path in again if path in workflow.graph.rules]
    return {study: studies.count(study) for study in workflow.graph.studies if study in studies}


def _count(artifacts: Sequence[str]) -> str:
    return f"{len(artifacts)} artifacts" if artifacts[1:] else "one artifact"
