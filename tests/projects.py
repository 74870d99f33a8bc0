"""Copies of the project that tests run, break and clone; their library is a copy, too, so that tests may edit it."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import warm
import yaml

from taskneurons.lineage.graph import GRAPH, Graph
from taskneurons.lineage.plan import DRY, jobs_in

ROOT = Path(__file__).parents[1]
TOY = Path(__file__).parent / "workflow" / "toy"
SUITE_SIZES = {
    "train": 12, "validation": 4, "test": 8, "seed": 0, "max_invalid_percent": 50.0,
    "list_options": "sometimes", "corpus": 40,
}  # fmt: skip
TASKS = {
    "colour": ("classification", ["warm", "cold"], ["red sun", "blue ice", "orange fire", "white snow"]),
    "echo": ("generation", None, ["one two", "two three", "three four", "four five"]),
}


@dataclass(frozen=True)
class Project:
    """A folder with a workflow."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """The environment of commands: this copy's library, the tools of the Python that runs the tests."""
        ours = ("GIT_", "DVC_", "TASKNEURONS")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        return kept | {
            "PYTHONPATH": str(self.folder / "src"),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "OMP_NUM_THREADS": "1",
            # As on a machine with a GPU, whatever the tests run on.
            "TASKNEURONS_GPUS": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "DVC_GLOBAL_CONFIG_DIR": str(self.folder / ".none"),
            "DVC_SITE_CACHE_DIR": str(self.folder.parent / "dvc-site-cache"),
            **{
                f"GIT_{role}_{what}": "tester@localhost"
                for role in ("AUTHOR", "COMMITTER")
                for what in ("NAME", "EMAIL")
            },
        }

    def path(self, name: str) -> Path:
        return self.folder / name

    def run(self, *command: str, ok: bool | None = True, **environment: str) -> str:
        """Run a command; its status must be zero, or with `ok=False` another. Returns what it printed."""
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment | environment, capture_output=True, text=True, timeout=900
        )
        return printed(command, done.returncode, done.stdout + done.stderr, ok)

    def warm(self, *command: str, ok: bool | None = True, **environment: str) -> str:
        """Run `snakemake`, `dvc` or `taskneurons` in a process that has imported other packages; else as `run` does."""
        return printed(command, *warm.run(command, self.folder, self.environment | environment), ok)

    def snakemake(self, *arguments: str, ok: bool = True, **environment: str) -> str:
        return self.warm("snakemake", "--cores", "2", *arguments, ok=ok, **environment)

    def snakemake_anew(self, *arguments: str) -> str:
        """As `snakemake`, but it and its jobs are new processes, in which sets have another order."""
        forked = self.path("src/taskneurons/workflow/forked.py")
        forked.write_text(forked.read_text().replace(repr(warm.python_of_models()), "sys.executable"))
        assert "[sys.executable, " in forked.read_text()
        return self.run(sys.executable, "-m", "snakemake", "--cores", "2", *arguments)

    def dvc(self, *arguments: str, ok: bool = True) -> str:
        return self.warm("dvc", *arguments, ok=ok)

    def taskneurons(self, *arguments: str, ok: bool | None = True, **environment: str) -> str:
        return self.warm("taskneurons", *arguments, ok=ok, **environment)

    def git(self, *arguments: str) -> str:
        return self.run("git", *arguments)

    def planned(self, *targets: str) -> Counter[str]:
        """Jobs that a run would do, by rule."""
        return jobs_in(self.warm("snakemake", *DRY, *targets), Graph.load(self.path(str(GRAPH))))

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text that occurs in a file."""
        text = self.path(name).read_text()
        assert old in text, f"{old!r} is not in {name}"
        self.path(name).write_text(text.replace(old, new))

    def copy(self, folder: Path) -> "Project":
        shutil.copytree(self.folder, folder, symlinks=True)
        return Project(folder)

    def clone(self, folder: Path) -> "Project":
        self.run("git", "clone", "-q", str(self.folder), str(folder))
        return Project(folder)

    def lines(self) -> dict[str, dict]:
        """The lineage records by artifact."""
        texts = [text for path in self.path("lineage").glob("*.jsonl") for text in path.read_text().splitlines()]
        return {output["output"]: job | output for job in map(json.loads, texts) for output in job["outputs"]}

    def after(self, *changed: str) -> Counter[str]:
        """Jobs by rule that read one of some files, directly or through others, from the recorded inputs."""
        lines, reached = self.lines(), set(changed)
        while True:
            more = {o for o, line in lines.items() if reached & {name for name, _ in line["inputs"]}}
            # Artifacts that one job made together are made again together.
            jobs = {job_of(lines[o]) for o in more | (reached & set(lines))}
            more |= {o for o, line in lines.items() if job_of(line) in jobs}
            if more <= reached:
                return Counter(rule for rule, *_ in jobs)
            reached |= more


def printed(command: tuple[str, ...], status: int, text: str, ok: bool | None) -> str:
    """What a command printed, if its status is as expected."""
    assert ok is None or (status == 0) == ok, f"{command}: status {status}\n{text[-6000:]}"
    return text


def job_of(line: dict) -> tuple[str, ...]:
    """What tells jobs apart: the rule and, as rules of several seeds differ by it, the seed in the path."""
    return line["rule"], *(part for part in Path(line["output"]).parts if part.startswith("seed"))


def shrunk(seeds: list[int], tasks_per_job: int | str) -> dict:
    """The default parameters, on two tiny raw tasks and a model of a few thousand weights."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    model = params["models"]["llama"]
    model |= {"hidden_size": 16, "layers": 2, "heads": 2, "ffn_size": 32, "context": 64}
    model["pretraining"] |= {"steps": 3, "batch_size": 4, "warmup": 1}
    params["workflow"]["tasks_per_job"] = tasks_per_job
    params["groups"], params["streams"] = {}, {}
    params["runs"] = [{"suite": "mine", "model": "small", "seeds": seeds, "studies": ["deactivation"]}]
    params["suites"] = {"mine": {"source": "jsonl", "path": "raw/tasks", "tasks": "all", **SUITE_SIZES}}
    params["models"] = {"small": model}
    params["multitask"] |= {"steps": 2, "batch_size": 4, "warmup": 1}
    params["attribution"] |= {"examples": 8, "batch_size": 4}
    params["neurons"] |= {"selections": [{"estimator": "taylor", "percent": 10, "within": "layer"}], "random_draws": 1}
    params["deactivation"]["interventions"] = ["zero"]
    params["workflow"]["evaluation_batch_size"] = 8
    params["evaluation"] |= {"max_new_tokens": 4}
    params["figures"]["dpi"] = 60
    return params


def few_claims() -> str:
    """The claims on deactivation, and one that is not tested: pages of all claims take long to draw."""
    claims = yaml.safe_load((ROOT / "claims.yaml").read_text())
    tables = {name: claim["estimand"]["table"] for name, claim in claims["claims"].items()}
    other = next(name for name, table in tables.items() if not table.startswith("deactivation"))
    claims["claims"] = {
        name: claim
        for name, claim in claims["claims"].items()
        if name == other or tables[name].startswith("deactivation")
    }
    used = {claim.get("gate") for claim in claims["claims"].values()}
    claims["gates"] = {name: gate for name, gate in claims["gates"].items() if name in used}
    return yaml.safe_dump(claims, sort_keys=False)


def lay(folder: Path, seeds: list[int], tasks_per_job: int | str) -> Project:
    """Copy the project to a folder, with the small raw tasks, ready to run; its jobs do not wait for torch."""
    project = copied(folder, seeds, tasks_per_job)
    project.edit("src/taskneurons/workflow/forked.py", "[sys.executable, ", f"[{warm.python_of_models()!r}, ")
    return project


def copied(folder: Path, seeds: list[int], tasks_per_job: int | str) -> Project:
    """Copy the project to a folder, with the small raw tasks."""
    folder.mkdir()
    for name in ["Snakefile", ".dvcignore", ".gitignore"]:
        shutil.copy2(ROOT / name, folder / name)
    (folder / "claims.yaml").write_text(few_claims())
    for name in ["rules", "profiles", "workflow", ".dvc", "published"]:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("tmp", "cache", "config.local"))
    library = Path("src/taskneurons")
    # With what Python has compiled, so that no copy compiles it again; not with what it is writing just now.
    shutil.copytree(ROOT / library, folder / library, ignore=shutil.ignore_patterns("*.pyc.*"))
    (folder / "params.yaml").write_text(yaml.safe_dump(shrunk(seeds, tasks_per_job), sort_keys=False))
    raw = folder / "raw" / "tasks"
    raw.mkdir(parents=True)
    descriptions = []
    for name, (kind, options, inputs) in TASKS.items():
        description = {"name": name, "type": kind, "instruction": f"{name} this"}
        descriptions.append(description | ({"options": options} if options else {}))
        for split, size in [("train", 16), ("test", 8)]:
            examples = [
                {"input": f"{inputs[i % 4]} {i}", "target": options[i % 2] if options else inputs[i % 4]}
                for i in range(size)
            ]
            (raw / f"{name}.{split}.jsonl").write_text("".join(json.dumps(example) + "\n" for example in examples))
    (raw / "tasks.json").write_text(json.dumps(descriptions, indent=1))
    return Project(folder)


def lay_toy(folder: Path) -> Project:
    project = copied(folder, seeds=[0, 1], tasks_per_job=1)
    for path in project.path("rules").glob("*.smk"):
        # A study that the toy lacks is one without rules.
        if path.name != "common.smk":
            path.write_text("")
    shutil.copytree(TOY / "rules", project.path("rules"), dirs_exist_ok=True)
    shutil.copytree(TOY / "room", folder / "src" / "taskneurons" / "studies" / "toy")
    shutil.copy2(TOY / "toy.py", folder / "src" / "taskneurons" / "toy.py")
    # No job of the toy needs torch: its jobs are forked by a process that has imported nothing.
    preloaded = project.path("src/taskneurons/workflow/preloaded.py")
    preloaded.write_text(re.sub(r"(?s)\nMODULES = \(.*?\n\)", "\nMODULES = ()", preloaded.read_text()))
    return project


def commit(project: Project, text: str) -> None:
    project.git("add", "-A")
    project.git("commit", "-q", "-m", text)


def most_mb(parameters: float, each: float, kept: float, batch: int) -> float:
    """MB of GPU memory that no job of a model of seven billion parameters and 2,048 tokens may ask for more than.

    Llama-2-7b has 32 layers of width 4096; a tenth more allows for the estimate of layers and width by the parameters.
    A twentieth of all is for the allocator, 2 GB are for CUDA.

    Args:
        parameters: of the model.
        each: bytes for each of them.
        kept: bytes for each token of a batch, layer and dimension of the width.
        batch: examples at once.
    """
    return (1.05 * (each * parameters + kept * batch * 2048 * 1.1 * 32 * 4096) + 2e9) / 1e6
