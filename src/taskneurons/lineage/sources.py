"""Where the code of the jobs of a chain stands now, and who wrote it last."""

import subprocess
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from taskneurons.lineage.chain import Chain
from taskneurons.lineage.graph import Graph, source_of

CODE = "src/taskneurons"
# Between the fields of git's answer; it stands in no name.
_MARK = "\x1f"


@dataclass(frozen=True)
class Commit:
    """The last commit that changed a file."""

    author: str
    date: str
    commit: str


@dataclass(frozen=True)
class Source:
    """The code of one job.

    Args:
        file: path of the module whose function the rule calls; None where this checkout has no such rule.
        current: whether a run would execute the same code now.
        changed: the last commit that changed the file; None outside of git.
    """

    file: str | None
    current: bool
    changed: Commit | None


def last_commits(*places: str) -> dict[str, Commit]:
    """For each file below some places the last commit that changed it; nothing outside of git."""
    form = f"{_MARK}%an{_MARK}%as{_MARK}%h"
    try:
        done = subprocess.run(
            ["git", "log", f"--format={form}", "--name-only", "--relative", "--", *places],
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return {}
    found: dict[str, Commit] = {}
    commit = None
    for text in done.stdout.splitlines() if done.returncode == 0 else ():
        if text.startswith(_MARK):
            commit = Commit(*text.split(_MARK)[1:])
        elif text and commit:
            found.setdefault(text, commit)
    return found


def sources(found: Chain, graph: Graph) -> tuple[Source, ...]:
    """The code of each job of a chain, in its order."""
    commits = last_commits(CODE)
    now = {job.rule: job.code for job in graph.jobs}
    result = []
    for job in found.jobs:
        file = source_of(job.entry).as_posix() if job.rule in now else None
        current = now.get(job.rule) == f"{job.entry} {job.code}"
        result.append(Source(file=file, current=current, changed=commits.get(file or "")))
    return tuple(result)


def described(found: Chain, of: Iterable[Source]) -> dict[str, Any]:
    """A chain with the sources of its jobs as JSON values, and the commit that brought the target."""
    content = found.as_dict()
    for job, source in zip(content["jobs"], of, strict=True):
        job["source"] = asdict(source)
    recorded = last_commits(found.target).get(found.target)
    return content | {"recorded": asdict(recorded) if recorded else None}
