"""Which published results rest on a file, and whether records go round in a circle."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from taskneurons.lineage.chain import Key, job_of
from taskneurons.lineage.graph import is_artifact
from taskneurons.lineage.record import Line
from taskneurons.lineage.stages import IN_GIT


@lru_cache(maxsize=1 << 16)
def is_published(path: str) -> bool:
    """Whether a path is that of a result which people read on the web: a table, a figure, a card."""
    return is_artifact(path) and Path(path).parts[1] in IN_GIT


class Reach:
    """The way of files through the jobs of some records.

    Args:
        lines: lines of the records by artifact.
    """

    def __init__(self, lines: Mapping[str, Line]) -> None:
        self._outputs: dict[Key, list[str]] = {}
        self._readers: dict[str, list[Key]] = {}
        self._parents: dict[Key, set[Key]] = {}
        for output, line in lines.items():
            key = job_of(line)
            if key not in self._outputs:
                self._parents[key] = {job_of(lines[name]) for name, _ in line.inputs if name in lines}
                for name, _ in line.inputs:
                    self._readers.setdefault(name, []).append(key)
            self._outputs.setdefault(key, []).append(output)

    @property
    def jobs(self) -> int:
        """The number of jobs."""
        return len(self._outputs)

    def published(self, files: Iterable[str]) -> tuple[str, ...]:
        """The published results that were made of some files, directly or through others; sorted."""
        todo = list(files)
        given, seen = set(todo), set()
        while todo:
            for key in self._readers.get(todo.pop(), ()):
                if key not in seen:
                    seen.add(key)
                    todo += self._outputs[key]
        made = {output for key in seen for output in self._outputs[key]}
        return tuple(sorted(path for path in made - given if is_published(path)))

    def circle(self) -> list[str]:
        """The rules of jobs that were made of each other, in a circle; none in sound records."""
        try:
            TopologicalSorter(self._parents).prepare()
        except CycleError as error:
            return [rule for rule, *_ in error.args[1]]
        return []
