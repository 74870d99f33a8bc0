"""The dependency graph as the lineage needs it: the jobs that there are, by which rules, of which studies."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from taskneurons.errors import InputError
from taskneurons.files import read_json, write_json
from taskneurons.lineage.active import STATE
from taskneurons.lineage.code import module_of

GRAPH = STATE / "graph.json"


@dataclass(frozen=True)
class PlannedJob:
    """A job that the workflow can do with its present parameters.

    Attributes:
        rule: its rule.
        settings: the canonical text of the parameters that it reads.
        code: its entry and the fingerprint of all that this reaches.
        wiring: digest of the names and the order of its inputs and outputs.
        inputs, outputs: paths, in the rule's order.
    """

    rule: str
    settings: str
    code: str
    wiring: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class Graph:
    """Everything that the workflow can make with its present parameters.

    Attributes:
        studies: studies in the order in which they build on each other.
        jobs: all jobs.
        study_of: for each rule its study.
        raw: for each study the files and folders from outside that it reads, as parameters name them.
        params: the file of the parameters.
    """

    studies: tuple[str, ...]
    jobs: tuple[PlannedJob, ...]
    study_of: Mapping[str, str]
    raw: Mapping[str, tuple[str, ...]]
    params: str

    def __post_init__(self) -> None:
        for job in self.jobs:
            for artifact in job.outputs:
                if not is_artifact(artifact):
                    raise InputError(
                        f"makes {artifact}", where=f"rule {job.rule}", remedy="Artifacts lie below results/"
                    )
            if self.study_of.get(job.rule) not in self.studies:
                raise InputError("belongs to no study", where=f"rule {job.rule}")

    @cached_property
    def makers(self) -> Mapping[str, PlannedJob]:
        """For each artifact the job that makes it."""
        return {artifact: job for job in self.jobs for artifact in job.outputs}

    @cached_property
    def rules(self) -> Mapping[str, str]:
        """For each artifact the rule that makes it."""
        return {artifact: job.rule for artifact, job in self.makers.items()}

    @cached_property
    def entries(self) -> Mapping[str, str]:
        """For each rule the entry of its code."""
        return {job.rule: job.code.partition(" ")[0] for job in self.jobs}

    def study(self, artifact: str) -> str:
        """The study that makes an artifact."""
        return self.study_of[self.rules[artifact]]

    def artifacts(self, study: str) -> list[str]:
        """The artifacts of one study."""
        return [artifact for artifact, rule in self.rules.items() if self.study_of[rule] == study]

    def entries_of(self, study: str) -> Iterator[str]:
        """The entries of the rules of one study, sorted."""
        yield from sorted({entry for rule, entry in self.entries.items() if self.study_of[rule] == study})

    def save(self) -> None:
        """Leave the graph where commands that do not read the workflow themselves find it."""
        write_json(GRAPH, asdict(self))

    @staticmethod
    def load(path: Path = GRAPH) -> "Graph":
        """The graph that the last reading of the workflow left."""
        content = read_json(path)
        return Graph(
            studies=tuple(content["studies"]),
            jobs=tuple(map(_job, content["jobs"])),
            study_of=content["study_of"],
            raw={study: tuple(paths) for study, paths in content["raw"].items()},
            params=content["params"],
        )


def _job(content: dict[str, Any]) -> PlannedJob:
    return PlannedJob(**content | {key: tuple(content[key]) for key in ("inputs", "outputs")})


@lru_cache(maxsize=1 << 16)  # asked for each input of each record
def is_artifact(path: str) -> bool:
    """Whether a path can be an artifact: relative, below results/, without detours."""
    parts = Path(path).parts
    return len(parts) > 1 and parts[0] == "results" and ".." not in parts


def source_of(entry: str) -> Path:
    """The file that an entry stands in, as this checkout names it."""
    return Path("src", *module_of(entry).split(".")).with_suffix(".py")
