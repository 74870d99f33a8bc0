"""The folder of a new study: what is copied from the checkout, and the texts that are written for it."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from taskneurons.errors import InputError
from taskneurons.files import write_text
from taskneurons.lineage.graph import GRAPH
from taskneurons.lineage.workflow import HOME, SNAKEFILE
from taskneurons.own_study.choices import Choices
from taskneurons.own_study.model import Model
from taskneurons.own_study.sizes import Machine
from taskneurons.own_study.tasks import TASKS, Tasks
from taskneurons.params.loading import load_params

SUITE = "mine"
# What the folder takes from the checkout; `profiles/default` is found beside the Snakefile that is run.
COPIED = ("claims.yaml", "published", "profiles/default", ".dvcignore", ".dvc/config", ".dvc/.gitignore")
BASE = "base.yaml"
PLANNED: Mapping[Machine, tuple[str, ...]] = {"laptop": ("--laptop",), "gpu": ()}
"""How `taskneurons plan` is asked what a study takes on a machine."""


def refuse_taken(folder: Path) -> None:
    """Refuse a place where no study can be begun.

    Raises:
        InputError: it is no folder, or not empty; the workflow does not lie beside the library; there is no git.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise InputError("is not a folder", where=str(folder), remedy="Name a new folder")
    if folder.is_dir() and any(folder.iterdir()):
        raise InputError("the folder is not empty", where=str(folder), remedy="Name a new or an empty folder")
    if not (HOME / SNAKEFILE).is_file():
        raise InputError(
            f"the workflow does not lie beside the library, in {HOME}",
            remedy="Install the library from a checkout: `pip install -e .`",
        )
    if shutil.which("git") is None:
        raise InputError("git is not installed", remedy="Install it; it keeps the versions of the study")


def write_study(folder: Path, model: Model, tasks: Tasks, choices: Choices, machine: Machine) -> str:
    """Write the folder of a study, whole or not at all, with its stages and what git shall keep.

    Args:
        folder: an absolute path; absent or empty.
        model, tasks, choices: what the study is of.
        machine: the plan is for it.

    Returns:
        The plan: jobs, hours, memory and disk by study.

    Raises:
        InputError: a step in the new folder fails.
    """
    with _beside(folder) as scratch:
        _write(scratch, folder.name, model, tasks, choices)
        load_params(scratch / "params.yaml")
        _run(scratch, [sys.executable, "-m", "taskneurons.cli", "stages"])
        plan = _run(scratch, [sys.executable, "-m", "taskneurons.cli", "plan", *PLANNED[machine]])
        for name in (GRAPH.parent.name, ".snakemake", "logs"):
            shutil.rmtree(scratch / name, ignore_errors=True)
        _run(scratch, ["git", "add", "--all"])
    return plan


@contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """A new folder that becomes the named one at the end, and is removed if anything goes wrong.

    Args:
        folder: an absolute path; absent or empty.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", suffix=".partial", dir=folder.parent) as scratch:
        made = Path(scratch) / folder.name
        made.mkdir()
        yield made
        if folder.is_dir():
            # A shell may stand in it, so that it is filled and not replaced.
            for one in list(made.iterdir()):
                one.rename(folder / one.name)
        else:
            made.rename(folder)


def _write(folder: Path, title: str, model: Model, tasks: Tasks, choices: Choices) -> None:
    for name in COPIED:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (HOME / name).is_dir() else shutil.copy2
        copy(HOME / name, folder / name)
    shutil.copy2(HOME / "params.yaml", folder / BASE)
    write_text(folder / "Snakefile", _SNAKEFILE)
    write_text(folder / ".gitignore", _IGNORED)
    write_text(folder / "params.yaml", params_text(model, tasks, choices))
    write_text(folder / "README.md", _README.format(title=title, model=model.look.where, home=HOME.name))
    if model.link is not None:
        (folder / str(model.entry["path"])).symlink_to(model.link)
    _run(folder, ["git", "init", "--quiet"])
    if tasks.files:
        (folder / TASKS).mkdir()
        for file in tasks.files:
            shutil.copyfile(file, folder / TASKS / file.name)
        _run(folder, [sys.executable, "-m", "dvc", "add", "--quiet", TASKS])


def _run(folder: Path, command: Sequence[str]) -> str:
    """Run a command in a folder; returns what it printed.

    Raises:
        InputError: it fails; the message is its last line.
    """
    # Set by a hook of git, they would lead it to another repository, or to the index of one.
    listed = subprocess.run(["git", "rev-parse", "--local-env-vars"], capture_output=True, text=True, check=True)
    environment = {name: value for name, value in os.environ.items() if name not in listed.stdout.split()}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        said = (done.stderr + done.stdout).strip().splitlines()[-1:] or ["nothing was said"]
        raise InputError(f"`{' '.join(map(str, command[-3:]))}` failed in the new folder ({said[0]})")
    return done.stdout


def params_text(model: Model, tasks: Tasks, choices: Choices) -> str:
    """The parameters of a study: what differs from the default."""
    sizes = choices.sizes
    described = dict(model.entry) | {
        "parameters": model.look.parameters,
        "context": choices.context,
        "dtype": sizes.dtype,
        "prompts": choices.prompts,
    }
    several = len(tasks.tasks) > 1
    contrast = "\n    - {estimator: contrast, percent: 10, within: model}" if several else ""
    return _PARAMS.format(
        suite=SUITE,
        model=model.name,
        base=BASE,
        suite_keys=_block(tasks.entry),
        model_keys=_block(described),
        contrast=contrast,
        generated=choices.generated,
        **{name: getattr(sizes, name) for name in ("scored", "scored_batch", "tested", "tested_batch", "draws")},
    )


def _block(keys: Mapping[str, Any]) -> str:
    """Keys of a section, a line each. JSON is YAML."""
    return "\n".join(f"    {key}: {json.dumps(value, ensure_ascii=False)}" for key, value in keys.items())


_SNAKEFILE = """\
# The workflow of taskneurons, on the parameters, the tasks and the model of this folder. Its rules and its code are
# those of the checkout in which the installed library stands. What it makes lies here.
from taskneurons.lineage.workflow import HOME


include: HOME / "Snakefile"


# An included workflow has no default target.
rule everything:
    default_target: True
    input:
        rules.all.input,
"""

_IGNORED = """\
.snakemake/
.taskneurons/
logs/
build/
# The link to the model; what it leads to stands by content in the lineage.
/model
/model.gguf
"""

_PARAMS = """\
# What differs from base.yaml, which is a copy of the default. docs/parameters.md of taskneurons describes every key;
# `taskneurons params show --changes` prints both values.
base: {base}

workflow: {{tasks_per_job: all, training_threads: 1, evaluation_batch_size: {tested_batch}}}

# More seeds give other random sets; more studies need the sections `groups` or `streams` (see docs/own-study.md).
runs:
  - {{suite: {suite}, model: {model}, seeds: [0], studies: [deactivation]}}

suites:
  {suite}:
{suite_keys}

models:
  {model}:
{model_keys}

# The model is studied as it is. Written out, it would first be tuned on all tasks together.
multitask: null

attribution: {{examples: {scored}, batch_size: {scored_batch}}}

neurons:
  selections:
    - {{estimator: taylor, percent: 10, within: model}}{contrast}
  random_draws: {draws}

deactivation: {{percents: [0.1, 1, 3], random_draws: {draws}, test_examples: {tested}}}

evaluation: {{max_new_tokens: {generated}}}
"""

_README = """\
# {title}

A study of task-specific neurons, made with taskneurons. The model: `{model}`.

| command | does |
|---|---|
| `taskneurons results` | makes everything: tables, figures, `results/report.html` |
| `snakemake -n` | says which jobs are left |
| `taskneurons audit` | says whether records, files, parameters and code agree |
| `dvc repro` | makes everything, and certifies it in `dvc.lock` |

| here | is |
|---|---|
| `params.yaml` | what is computed: what differs from `base.yaml` |
| `tasks/` | a copy of the tasks, in DVC; after a change `dvc add tasks` |
| `model` or `model.gguf` | a link to the model; elsewhere, set it to where the model lies |
| `claims.yaml`, `published/` | what results are compared with |
| `lineage/`, `results/` | what was made, and of what |

On another machine: `git clone`, `dvc pull` (after `dvc remote add` and `dvc push` here), and the link to the model.

The first figure comes early, below `results/figures/deactivation/`. The rules and the code are those of the checkout
({home}) in which the installed library stands; after a change of it `taskneurons audit` says what is to be made again.
"""
