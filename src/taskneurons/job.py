"""What a rule of the workflow hands to the function that does it: typed settings, files by name, resources."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from taskneurons.errors import InputError

Settings = TypeVar("Settings")


@dataclass(frozen=True)
class NoSettings:
    """Of a job that reads no parameters."""


RESUME = Path(".taskneurons") / "resume"


@dataclass(frozen=True)
class Files:
    """The inputs or the outputs of a job, by the names that its rule gives them, in the rule's order.

    Attributes:
        named: the paths of each name.
    """

    named: Mapping[str, tuple[Path, ...]]

    def __getitem__(self, name: str) -> tuple[Path, ...]:
        """All files of a name.

        Raises:
            InputError: the rule names no such files.
        """
        if name not in self.named:
            raise InputError(f"the rule names no files `{name}`; it names {', '.join(self.named) or 'none'}")
        return self.named[name]

    def one(self, name: str) -> Path:
        """The only file of a name.

        Raises:
            InputError: there is another number of them.
        """
        paths = self[name]
        if len(paths) != 1:
            raise InputError(f"one file `{name}` was expected, the rule has {len(paths)}")
        return paths[0]

    def folder(self, name: str) -> Path:
        """The folder of a checkpoint or another artifact of several files, all of which the rule names."""
        return self[name][0].parent

    def by_stem(self, name: str) -> dict[str, Path]:
        """Files by their own name without its ending, such as the scores of each task."""
        return {path.stem: path for path in self[name]}

    def folders(self, name: str) -> dict[str, Path]:
        """Folders by their name, such as the data of each task; a rule names every file in them."""
        return {path.parent.name: path.parent for path in self[name]}

    def all(self) -> tuple[Path, ...]:
        """Every file, in the rule's order."""
        return tuple(path for paths in self.named.values() for path in paths)


@dataclass(frozen=True)
class Job(Generic[Settings]):
    """One job.

    Attributes:
        settings: the parameters that the job reads, in the type that its function declares.
        inputs, outputs: its files.
        wildcards: of its rule: `run`, `seed` and others.
        identity: settings and code as text; what a killed job left is used again by a job of the same identity alone.
        code: the code alone, for what is kept across other settings.
        threads: CPU threads.
        gpus: GPUs that the scheduler granted.
        checkpoint_minutes: time between two resume files of a training.
        evaluation_batch_size: test examples of one forward pass.
        micro_batch_size: examples of one forward pass of a training, at most; None: those of a step.
        gradient_checkpointing: whether trainings compute activations again in their backward pass.
        resources: what else the rule grants or asks for; it decides no result.
        aside: of several processes that do the job, the folder below which one writes that is not the first.
    """

    settings: Settings
    inputs: Files
    outputs: Files
    wildcards: Mapping[str, str]
    identity: str
    code: str = ""
    threads: int = 1
    gpus: int = 0
    checkpoint_minutes: float = 5.0
    evaluation_batch_size: int = 100
    micro_batch_size: int | None = None
    gradient_checkpointing: bool = False
    resources: Mapping[str, Any] = field(default_factory=dict)
    aside: Path = Path()

    @property
    def seed(self) -> int:
        """The seed of the run that the job belongs to."""
        return int(self.wildcards["seed"])

    @property
    def suite(self) -> str:
        """The suite of the run that the job belongs to."""
        return self.wildcards["run"].partition("/")[0]

    @property
    def model(self) -> str:
        """The model of the run that the job belongs to."""
        return self.wildcards["run"].partition("/")[2]

    @property
    def resume(self) -> Path:
        """A folder of its own for what a killed job leaves for the next one; its processes share it."""
        first = self.outputs.all()[0]
        # Outputs with a root of their own lie aside of nothing.
        return RESUME / (first if first.is_absolute() else first.relative_to(self.aside)).with_suffix("")
