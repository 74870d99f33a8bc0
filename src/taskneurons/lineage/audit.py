"""Are the results what their records say, and what this checkout would make? Asked offline; nothing is run or changed.

Every byte is hashed anew, and every fingerprint of code is taken anew of the sources. Records are compared with the
files, with each other, and with what the workflow asks for: its rules are read as text and parameters
(`read_workflow`), because only they know which slice of params.yaml and which function a job reads; the records alone
could not tell a parameter that is gone from one that never was.
"""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from taskneurons.files import read_text, sha256
from taskneurons.lineage import active, machine
from taskneurons.lineage.code import PACKAGE
from taskneurons.lineage.findings import SEVERITIES, Audit, Finding
from taskneurons.lineage.fingerprint import settings as canonical
from taskneurons.lineage.graph import Graph, is_artifact, source_of
from taskneurons.lineage.history import against_findings, history_findings, records_at
from taskneurons.lineage.lock import Cache, lock_findings, read_cache, read_status
from taskneurons.lineage.reach import Reach, is_published
from taskneurons.lineage.record import RECORDS, Line, instant, is_regular, read_records
from taskneurons.lineage.root import root_digest
from taskneurons.lineage.stages import IN_GIT
from taskneurons.lineage.workflow import read_workflow

Lines = Mapping[str, Line]
REQUIREMENTS = Path("requirements.lock")
# ASSUME: clocks of machines that share a project differ by less (seconds).
CLOCKS_DIFFER = 86_400.0


def audit(params: Path | None = None, *, expect: str | None = None, against: str | None = None) -> Audit:
    """Check the results of the current folder.

    Args:
        params: the parameter file that the results were made with, where it is not params.yaml.
        expect: the root digest that the records must have.
        against: a commit whose records these are compared with.

    Returns:
        What disagrees, and how much was checked. A file that is absent but held by DVC's cache is checked there; one
        that is nowhere here is a note, its digest stands in the record.

    Raises:
        InputError: the folder holds no workflow, or the workflow, its parameters or a record cannot be read; there is
            no such commit.
    """
    # DVC and the hashing of its cache do not hold up the reading of the workflow, nor that them. One after the other:
    # `dvc status` takes corrupt objects out of the cache, which are to be found before.
    with ThreadPoolExecutor(1) as pool:
        cache, status = pool.submit(read_cache), pool.submit(read_status)
        graph = read_workflow(params)
        return _audit(graph, cache.result, status.result, expect=expect, against=against)


def _audit(
    graph: Graph,
    cache_of: Callable[[], Cache],
    status_of: Callable[[], subprocess.CompletedProcess[str] | None],
    *,
    expect: str | None,
    against: str | None,
) -> Audit:
    findings: list[Finding] = []
    lines = read_records(lambda text: findings.append(Finding("error", "records", (str(RECORDS),), text)))
    published = published_files()
    if holder := active.holder():
        text = f"a run is active (process {holder}): what it makes now is not recorded yet"
        findings.append(Finding("note", "records", (str(active.STATE),), text))
    if not lines:
        text = "there is no record: nothing was made here, or records are lost; `taskneurons results` makes everything"
        findings.append(Finding("error", "records", (str(RECORDS),), text))
    raw, reach, cache = raw_inputs(lines), Reach(lines), cache_of()
    findings += content_findings(lines, cache)
    findings += input_findings(lines, raw)
    findings += chain_findings(lines, reach)
    findings += field_findings(lines, graph)
    stale = list(stale_findings(lines, graph)) if lines else []
    findings += stale
    findings += version_findings(lines)
    findings += cache_findings(cache)
    findings += history_findings(lines)
    root = root_digest(lines.values())
    if expect is not None and expect != root:
        text = f"the root digest of these records is {root}, not {expect}: they are other records"
        findings.append(Finding("error", "root", (str(RECORDS),), text))
    if against is not None:
        findings += against_findings(lines, records_at(against), against)
    if lines:
        findings += lock_findings(_by_study(stale, graph), status_of())
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
        root=root,
    )


def published_files() -> list[str]:
    """The files that people read on the web: tables, figures, cards; hidden files are none."""
    places = [Path("results", name) for name in sorted(IN_GIT)]
    files = [path for place in places for path in (place, *place.rglob("*")) if path.is_file()]
    return sorted(path.as_posix() for path in files if not path.name.startswith("."))


def present_files() -> list[str]:
    """Every file below results/, links included; hidden ones, as git's and DVC's, are none."""
    found = []
    for folder, folders, files in os.walk("results"):
        inner = [name for name in folders if not name.startswith(".")]
        linked = [name for name in inner if Path(folder, name).is_symlink()]
        folders[:] = [name for name in inner if name not in linked]
        found += [Path(folder, name).as_posix() for name in [*files, *linked] if not name.startswith(".")]
    return sorted(found)


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
        path = Path(output)
        if os.path.lexists(path) and not is_regular(path):
            what = "a link" if path.is_symlink() else "a folder" if path.is_dir() else "no regular file"
            yield Finding("error", "content", (output,), f"is {what}, where a job wrote a file")
        elif path.is_file():
            if sha256(output) != line.sha256:
                yield Finding("error", "content", (output,), "its bytes are not the recorded ones")
            elif path.stat().st_size != line.size:
                yield Finding(
                    "error", "records", (output,), f"recorded with {line.size} bytes, has {path.stat().st_size}"
                )
        elif is_published(output):
            yield Finding("error", "content", (output,), "recorded, but absent; `git checkout` or a run brings it back")
        elif (found := cache.objects.get(cache.tracked.get(output, ""))) is None:
            absent.setdefault("/".join(path.parts[:2]), []).append(output)
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


def chain_findings(lines: Lines, reach: Reach) -> Iterator[Finding]:
    """No gap between raw data and what lies in results/, and no circle; nothing that nobody recorded."""
    gaps: dict[str, list[str]] = {}
    for output, line in sorted(lines.items()):
        for name, _ in line.inputs:
            if is_artifact(name) and name not in lines:
                gaps.setdefault(name, []).append(output)
    for path in present_files():
        if path not in lines and path not in gaps:
            yield Finding("error", "chain", (path,), "no record says what made it")
    for name, outputs in sorted(gaps.items()):
        text = f"no record says what made it, and {outputs[0]} was made from it"
        yield Finding("error", "chain", (name,), text)
    if rules := reach.circle():
        text = f"the records go round in a circle: {' <- '.join(rules)}"
        yield Finding("error", "chain", (str(RECORDS),), text)


def field_findings(lines: Lines, graph: Graph) -> Iterator[Finding]:
    """Fields of records that can be checked: the rule, the entry, times, and that the job said what it ran on."""
    now = time.time() + CLOCKS_DIFFER
    wrong: dict[str, list[str]] = {}
    for output, line in sorted(lines.items()):
        job = graph.makers.get(output)
        if job is not None and line.code == job.code.partition(" ")[2] and line.rule != job.rule:
            text = f"recorded as made by the rule {line.rule}, which is the rule {job.rule}"
            wrong.setdefault(text, []).append(output)
        if job is not None and line.code == job.code.partition(" ")[2] and line.entry != job.code.partition(" ")[0]:
            text = f"recorded as made by {line.entry}, whose fingerprint is that of {job.code.partition(' ')[0]}"
            wrong.setdefault(text, []).append(output)
        if instant(line.ended) > now:
            wrong.setdefault(f"recorded as made at {line.ended}, which is yet to come", []).append(output)
        if not (line.device and line.software.get("python") and line.machine):
            wrong.setdefault("the record does not say on what and with which versions it was made", []).append(output)
        if any(not isinstance(size, int) or size <= 0 for size in line.memory.values()):
            wrong.setdefault("the record has no memory that a job can have taken", []).append(output)
        if not isinstance(line.cpu_seconds, int | float | None) or (line.cpu_seconds or 0.0) < 0:
            wrong.setdefault("the record has no CPU time that a job can have taken", []).append(output)
    for text, outputs in wrong.items():
        yield Finding("error", "records", tuple(outputs), text)
    # The outputs of one job share everything else, so that they cannot name different ones.
    ended: dict[tuple[str, str, str], set[str]] = {}
    for line in lines.values():
        ended.setdefault((line.rule, line.wiring, line.started), set()).add(line.ended)
    for (rule, _, started), ends in sorted(ended.items()):
        if len(ends) > 1:
            outputs = sorted(o for o, line in lines.items() if (line.rule, line.started) == (rule, started))
            text = "one job ended at several times: " + ", ".join(sorted(ends))
            yield Finding("error", "records", tuple(outputs), text)


def version_findings(lines: Lines) -> Iterator[Finding]:
    """The versions of records against the lock file, and the lock file against what is installed."""
    recorded: dict[str, dict[str, list[str]]] = {}
    for output, line in sorted(lines.items()):
        for name, version in line.software.items():
            recorded.setdefault(name, {}).setdefault(version, []).append(output)
    installed = machine.software()
    locked = _locked()
    for name, versions in sorted(recorded.items()):
        for version, outputs in sorted(versions.items()):
            pinned = locked.get(_plain_name(name))
            if pinned is not None and not _same_version(version, pinned):
                text = f"made with {name} {version}; {REQUIREMENTS} pins {pinned}"
                yield Finding("warning", "versions", tuple(outputs), text)
            elif name in installed and installed[name] != version:
                text = f"made with {name} {version}; {installed[name]} is installed here"
                yield Finding("note", "versions", tuple(outputs), text)


def _locked() -> dict[str, str]:
    """The versions that the lock file pins, by plain name; none where there is no such file."""
    if not REQUIREMENTS.is_file():
        return {}
    pairs = (text.split("#")[0].split(";")[0].strip().partition("==") for text in read_text(REQUIREMENTS).splitlines())
    return {_plain_name(name.partition("[")[0]): version.split()[0] for name, mark, version in pairs if mark}


def _plain_name(package: str) -> str:
    return package.strip().lower().replace("_", "-").replace(".", "-")


def _same_version(one: str, other: str) -> bool:
    """Whether versions are one release; a local part, as of torch for the CPU, is the machine's."""
    return one.partition("+")[0] == other.partition("+")[0]


def stale_findings(lines: Lines, graph: Graph) -> Iterator[Finding]:  # noqa: C901 one case a field of a record
    """Records against the workflow of this checkout: jobs, the parameters that they read, the code that they run."""
    gone: list[str] = []
    rewired: dict[str, list[str]] = {}
    settings: dict[tuple[str, str, str], list[str]] = {}
    code: dict[str, list[str]] = {}
    for output, line in sorted(lines.items()):
        job = graph.makers.get(output)
        if job is None:
            gone.append(output)
            continue
        if set(job.inputs) != {name for name, _ in line.inputs}:
            rewired.setdefault(f"rule {job.rule} now has other inputs than those that it was made from", []).append(
                output
            )
        elif line.wiring != job.wiring:
            text = f"rule {job.rule} now names or orders its inputs and outputs otherwise"
            rewired.setdefault(text, []).append(output)
        if (made_with := canonical(**line.settings)) != job.settings:
            settings.setdefault((job.rule, made_with, job.settings), []).append(output)
        if f"{line.entry} {line.code}" != job.code:
            code.setdefault(job.code.partition(" ")[0], []).append(output)
    if gone:
        yield Finding("warning", "jobs", tuple(gone), "no rule makes this any more")
    unmade: dict[str, list[str]] = {}
    for output in graph.rules:
        if output not in lines:
            unmade.setdefault(graph.study(output), []).append(output)
    for study, outputs in unmade.items():
        text = f"{graph.params} asks the study {study} for {_count(outputs)} that nobody recorded"
        yield Finding("warning", "jobs", tuple(sorted(outputs)), text)
    for text, outputs in rewired.items():
        yield Finding("warning", "jobs", tuple(outputs), text)
    for (rule, made_with, asked), outputs in settings.items():
        difference = ", ".join(_differences(json.loads(made_with), json.loads(asked)))
        text = f"rule {rule} made it with other parameters than those of {graph.params}: {difference}"
        yield Finding("warning", "parameters", tuple(outputs), text)
    for entry, outputs in sorted(code.items()):
        text = f"made by other code: {entry} in {source_of(entry)}, or something that it reaches, has changed"
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


def _by_study(stale: Iterable[Finding], graph: Graph) -> dict[str, int]:
    """For each study how many of its artifacts the workflow would make again."""
    again = {path for finding in stale if finding.check in ("parameters", "code", "jobs") for path in finding.subjects}
    studies = [graph.study(path) for path in again if path in graph.rules]
    return {study: studies.count(study) for study in graph.studies if study in studies}


def _count(artifacts: Sequence[str]) -> str:
    return f"{len(artifacts)} artifacts" if artifacts[1:] else "one artifact"
