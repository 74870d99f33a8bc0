"""The dependency graph as the lineage needs it: which study and rule makes each artifact, and with which code."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from taskneurons.errors import InputError
from taskneurons.files import read_json, write_json
from taskneurons.lineage.active import STATE

GRAPH = STATE / "graph.json"


@dataclass(frozen=True)
class Graph:
    """Everything that the workflow can make with its present parameters.

    Args:
        studies: studies in the order in which they build on each other.
        rules: for each artifact the rule that makes it.
        study_of: for each rule its study.
        code: for each rule the fingerprint of its code.
        scripts: for each rule its script.
        raw: for each study the files and folders from outside that it reads, as parameters name them.
        params: the file of the parameters.
    """

    studies: tuple[str, ...]
    rules: Mapping[str, str]
    study_of: Mapping[str, str]
    code: Mapping[str, str]
    scripts: Mapping[str, str]
    raw: Mapping[str, tuple[str, ...]]
    params: str

    def __post_init__(self) -> None:
        for artifact, rule in self.rules.items():
            if not is_artifact(artifact):
                raise InputError(f"makes {artifact}", where=f"rule {rule}", remedy="Artifacts lie below results/")
            if self.study_of.get(rule) not in self.studies:
                raise InputError("belongs to no study", where=f"rule {rule}")

    def study(self, artifact: str) -> str:
        """The study that makes an artifact."""
        return self.study_of[self.rules[artifact]]

    def artifacts(self, study: str) -> list[str]:
        """The artifacts of one study."""
        return [artifact for artifact, rule in self.rules.items() if self.study_of[rule] == study]

    def save(self) -> None:
        """Leave the graph where commands that do not read the workflow themselves find it."""
        write_json(GRAPH, asdict(self))

    @staticmethod
    def load(path: Path = GRAPH) -> "Graph":
        """The graph that the last reading of the workflow left."""
        content = read_json(path)
        content["studies"] = tuple(content["studies"])
        content["raw"] = {study: tuple(paths) for study, paths in content["raw"].items()}
        return Graph(**content)


def is_artifact(path: str) -> bool:
    """Whether a path can be an artifact: relative, below results/, without detours."""
    parts = Path(path).parts
    return len(parts) > 1 and parts[0] == "results" and ".." not in parts
