"""A chain as a tree to read in a terminal."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskneurons.lineage.chain import Chain, Job
from taskneurons.lineage.findings import WIDTH
from taskneurons.lineage.sources import Source

if TYPE_CHECKING:
    from rich.tree import Tree

# Longer texts of parameters are cut; `--json` has them whole.
MOST = 160


def chain_tree(found: Chain, of: Sequence[Source]) -> "Tree":
    """The target as the root, below it the job that made it, below each job those that made its inputs.

    A job stands below the first job that reads from it; others name it by its number.
    """
    from rich.text import Text
    from rich.tree import Tree

    root = Tree(Text(found.target, style="bold"))
    branches: list[Tree] = []
    for at, (job, source) in enumerate(zip(found.jobs, of, strict=True)):
        child = next((other for other in range(at) if at in found.jobs[other].parents), None)
        branch = root if child is None else branches[child]
        node = branch.add(Text.assemble((f"{at + 1} ", "dim"), (job.rule, "bold"), f"  {_when(job)}"))
        for text in _facts(job, source, found):
            node.add(Text(text, style="dim"))
        branches.append(node)
    return root


def show_chain(found: Chain, of: Sequence[Source]) -> None:
    """Print a chain: its tree, what holds of the whole, and what is missing."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=WIDTH)
    console.print(chain_tree(found, of))
    console.print()
    console.print(Text("\n".join(summary(found))))
    if found.gaps:
        console.print(Text(f"Not recorded: {some(found.gaps)}", style="bold red"))


def _when(job: Job) -> str:
    return f"{duration(job.seconds)}, {minute(job.ended)}, on {job.device or 'an unnamed device'}"


def _facts(job: Job, source: Source, found: Chain) -> Iterator[str]:
    yield f"made {some([path for path, _ in job.outputs])}"
    if source.file is None:
        yield f"code {job.code[:12]}, of a rule that this checkout does not have"
    else:
        state = "as in this checkout" if source.current else "older than this checkout's"
        by = f", last changed by {source.changed.author} in {source.changed.commit}" if source.changed else ""
        yield f"code {job.code[:12]}, {job.entry}, {state}: {source.file}{by}"
    settings = ", ".join(flat(job.settings))
    if settings:
        yield f"with {settings if len(settings) <= MOST else settings[: MOST - 3] + '...'}"
    if raw := [path for path, _ in job.inputs if path in dict(found.raw)]:
        yield f"from outside {some(raw)}"
    if gaps := [path for path, _ in job.inputs if path in found.gaps]:
        yield f"of unknown origin {some(gaps)}"
    if job.parents:
        yield f"from {', '.join(str(parent + 1) for parent in job.parents)}"


def summary(found: Chain) -> list[str]:
    """What holds of the whole chain: size, time, software."""
    seconds = sum(job.seconds for job in found.jobs)
    jobs, files = len(found.jobs), len(found.raw)
    start, end = min(job.started for job in found.jobs), max(job.ended for job in found.jobs)
    software = {tuple(sorted(job.software.items())): None for job in found.jobs if job.software}
    lines = [
        f"{jobs} {'jobs' if jobs != 1 else 'job'}, {duration(seconds)} in all, {files} "
        f"{'files' if files != 1 else 'file'} from outside; {minute(start)} to {minute(end)}"
    ]
    lines += ["software " + ", ".join(f"{name} {version}" for name, version in versions) for versions in software]
    return lines


def minute(time: str) -> str:
    """An ISO 8601 time in UTC, to the minute."""
    return f"{time[:10]} {time[11:16]} UTC"


def duration(seconds: float) -> str:
    """Seconds in words."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"


def flat(settings: Mapping[str, Any], key: str = "") -> Iterator[str]:
    """`key=value` of every value, nested keys joined by stops."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{key}{name}.")
        else:
            yield f"{key}{name}={value}"


def some(paths: Sequence[str]) -> str:
    """One path, or how many there are in their common folder."""
    if len(paths) == 1:
        return paths[0]
    parts = [Path(path).parts[:-1] for path in paths]
    common = next((n for n in range(len(parts[0]), 0, -1) if len({part[:n] for part in parts}) == 1), 0)
    return f"{len(paths)} files" + (f" below {'/'.join(parts[0][:common])}" if common else "")
