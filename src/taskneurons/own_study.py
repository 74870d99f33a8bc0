"""A study of one's own: a folder that runs this workflow on a model and tasks of the user.

The model and the tasks are read first. The folder is made beside its place and moved there when it is whole, so that
what is refused leaves nothing behind. It holds all that decides its results but the code: parameters with their base,
the claims and the published numbers that results are compared with, and a copy of the tasks. The code is that of the
checkout in which the library stands.
"""

import difflib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from taskneurons.errors import InputError
from taskneurons.files import sha256, write_text
from taskneurons.lineage.graph import GRAPH
from taskneurons.lineage.workflow import HOME, SNAKEFILE
from taskneurons.models import looking
from taskneurons.models.encoding import encode
from taskneurons.models.importing import packaged
from taskneurons.models.looking import Lengths, Look
from taskneurons.models.prompts import Prompts
from taskneurons.params.folders import regular_files
from taskneurons.params.loading import load_params
from taskneurons.params.section import SLUG_LENGTH
from taskneurons.params.suites import HubSuite, JsonlSuite
from taskneurons.tasks.file_forms import COLUMNS, FORMS, Columns
from taskneurons.tasks.one_file import OneFile, write_task_of
from taskneurons.tasks.source import source_named
from taskneurons.tasks.spelling import near_leaks
from taskneurons.tasks.storage import Counts
from taskneurons.tasks.task import SPLITS, Example, Task
from taskneurons.workflow.hub import current_commit
from taskneurons.workflow.raw import task_inputs
from taskneurons.workflow.sources import suite_arguments

Machine = Literal["laptop", "gpu"]
Splits = Mapping[str, Sequence[Example]]
SUITE = "mine"
MODEL_LINK, TASKS = "model", "tasks"
# What the folder takes from the checkout; `profiles/default` is found beside the Snakefile that is run.
COPIED = ("claims.yaml", "published", "profiles/default", ".dvcignore", ".dvc/config", ".dvc/.gitignore")
BASE = "base.yaml"
_HUB = re.compile(r"(?P<repository>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?:@(?P<revision>[\w.-]+))?")
# Neither a web address nor a path that begins with a drive.
_PACKAGED = re.compile(r"(?P<package>[A-Za-z_]\w*):(?P<path>[^/\\][^\\]*\.gguf)")
_ADDRESS = re.compile(r"https?://[^/]+/(?P<repository>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?:/.*)?")
_STEP = 32
_MODELS = "Name a folder with config.json, a GGUF file, package:file.gguf, or owner/name"
_TASKS = "Name a folder with tasks.json, a file of one task with --instruction, or known data sets of the hub"


@dataclass(frozen=True)
class Sizes:
    """How much is computed on a machine.

    Attributes:
        train, validation, test: examples of each task, at most.
        scored: training examples from which neurons are scored.
        scored_batch: of them at once.
        tested: test examples with neurons set to zero.
        tested_batch: of them at once.
        draws: random sets.
        dtype: of the weights in computation.
        context: longest sequence that is used, tokens.
        generated: longest answer that is generated, tokens.
    """

    train: int
    validation: int
    test: int
    scored: int
    scored_batch: int
    tested: int
    tested_batch: int
    draws: int
    dtype: str
    context: int
    generated: int


# ASSUME: a laptop has two cores and 8 GB; a GPU has 24 GB or more.
SIZES: Mapping[Machine, Sizes] = {
    "laptop": Sizes(300, 50, 60, 64, 4, 40, 20, 2, "float32", 1024, 48),
    "gpu": Sizes(1000, 200, 500, 300, 8, 200, 64, 5, "bfloat16", 4096, 128),
}


PLANNED: Mapping[Machine, tuple[str, ...]] = {"laptop": ("--laptop",), "gpu": ()}
"""How `taskneurons plan` is asked what a study takes on a machine."""


@dataclass(frozen=True)
class Model:
    """A model that was looked at.

    Attributes:
        name: below `models`.
        look: what was seen.
        entry: its keys below `models`, but for the context, the type and the form of prompts.
        link: the folder or file that `model` in the new folder leads to; None where there is none.
    """

    name: str
    look: Look
    entry: Mapping[str, Any]
    link: Path | None = None


@dataclass(frozen=True)
class Tasks:
    """Tasks that were read.

    Attributes:
        entry: their keys below `suites`.
        tasks: each with its splits.
        files: that are copied; none for tasks of the hub.
        counts: what became of the records of each task, by its name.
    """

    entry: Mapping[str, Any]
    tasks: tuple[tuple[Task, Splits], ...]
    files: tuple[Path, ...] = ()
    counts: Mapping[str, Counts] = field(default_factory=dict)


@dataclass(frozen=True)
class Choices:
    """What follows from model, tasks and machine.

    Attributes:
        sizes: how much is computed.
        prompts: their form.
        context: longest sequence that is used, tokens.
        generated: longest answer that is generated, tokens.
    """

    sizes: Sizes
    prompts: Prompts
    context: int
    generated: int


def init(
    folder: Path,
    model: str,
    tasks: str,
    *,
    machine: Machine = "laptop",
    prompts: Prompts | None = None,
    columns: Columns = COLUMNS,
    instruction: str | None = None,
    say: Callable[[str], None] = print,
) -> None:
    """Write a folder in which `taskneurons results` studies a model on tasks.

    Args:
        folder: the folder; absent or empty.
        model: a folder, a GGUF file, `<package>:<GGUF file inside>`, or `owner/name[@commit]` of the hub.
        tasks: a folder with `tasks.json`, one file with the examples of one task, or names of known data sets of the
            hub, with commas.
        machine: decides how much is computed.
        prompts: their form; None: that of a chat where the tokenizer has a template.
        columns: of a task of one file, what it calls input and target.
        instruction: of a task of one file, what is asked of each input.
        say: takes what was found and what will be done, in lines.

    Raises:
        InputError: the folder is not empty, or lies in that of the model; the model or the tasks cannot be used.
            Nothing is left of the folder.
    """
    _refuse_taken(folder)
    # The name of `.` is empty.
    place = folder.resolve()
    sizes = SIZES[machine]
    chosen = find_model(model)
    if chosen.link is not None and place.is_relative_to(chosen.link):
        raise InputError(
            "the folder lies in that of the model, of which its results would become files",
            where=str(folder),
            remedy="Name one elsewhere",
        )
    form = chosen.look.prepared(prompts)
    with _as_folder(tasks, columns, instruction) as (text, remarks):
        found = find_tasks(text, sizes)
        read = {task.name: _lengths(task, splits, chosen) for task, splits in found.tasks}
        choices = choose(sizes, form, chosen, found, read)
        for line in chain(remarks, described(chosen, found, choices, read)):
            say(line)
        with _beside(place) as scratch:
            _write(scratch, place.name, chosen, found, choices)
            load_params(scratch / "params.yaml")
            _run(scratch, [sys.executable, "-m", "taskneurons.cli", "stages"])
            plan = _run(scratch, [sys.executable, "-m", "taskneurons.cli", "plan", *PLANNED[machine]])
            for name in (GRAPH.parent.name, ".snakemake", "logs"):
                shutil.rmtree(scratch / name, ignore_errors=True)
            _run(scratch, ["git", "add", "--all"])
        say(f"\nPlan of {plan}")
        say(f"\n{folder} is ready. Next:\n  cd {folder}\n  taskneurons results")


# The model


def find_model(text: str) -> Model:
    """The model that a text names.

    Raises:
        InputError: there is none, or it cannot be studied.
    """
    if not text.strip():
        raise InputError("no model is named", where="--model", remedy=_MODELS)
    path = Path(text)
    if path.is_dir():
        # Links that lead out of it would be refused by the workflow later.
        regular_files(path, below=True)
        look = looking.look_at_folder(path)
        return Model(_slug(path.resolve().name), look, {"source": "folder", "path": MODEL_LINK}, path.resolve())
    if path.is_file():
        link = f"{MODEL_LINK}.gguf"
        look = looking.look_at_gguf(path)
        entry = {"source": "gguf", "package": None, "path": link, "sha256": sha256(path)}
        return Model(_slug(path.stem), look, entry, path.resolve())
    if match := _PACKAGED.fullmatch(text):
        file = packaged(match["package"], match["path"])
        if not file.is_file():
            raise InputError(f"the package {match['package']} has no such file", where=match["path"])
        entry = {"source": "gguf", **match.groupdict(), "sha256": sha256(file)}
        return Model(_slug(file.stem), looking.look_at_gguf(file), entry)
    if match := _HUB.fullmatch(text):
        try:
            look, revision = looking.look_at_hub(match["repository"], match["revision"])
        except InputError as error:
            if error.where == match["repository"]:
                error.where = f"{text}, which is no folder here"
            raise
        entry = {"source": "hub", "repository": match["repository"], "revision": revision}
        return Model(_slug(match["repository"].partition("/")[2]), look, entry)
    if match := _ADDRESS.fullmatch(text):
        raise InputError("a web address", where=text, remedy=f"A model of the hub is named {match['repository']}")
    raise InputError("no such folder or file, and no repository of the hub", where=text, remedy=_MODELS)


def _slug(name: str) -> str:
    """A name that the parameters take for a model."""
    slug = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return (slug if slug[:1].isalpha() else f"model_{slug}")[:SLUG_LENGTH].rstrip("_")


# The tasks


def find_tasks(text: str, sizes: Sizes) -> Tasks:
    """Read the tasks that a text names.

    Raises:
        InputError: there are none, or they cannot be used: files, labels, examples.
    """
    if not text.strip():
        raise InputError("no tasks are named", where="--tasks", remedy=_TASKS)
    folder = Path(text)
    local = folder.is_dir()
    if local and not (folder / "tasks.json").exists():
        raise InputError("the folder has no tasks.json", where=text, remedy=_TASKS)
    entry: dict[str, Any] = {"source": "jsonl", "path": TASKS, "tasks": "all"} if local else _hub_tasks(text)
    entry |= {"train": sizes.train, "validation": sizes.validation, "test": sizes.test, "seed": 0}
    # A model as it is was not taught which answers there are.
    entry |= {"max_invalid_percent": 5.0, "corpus": None} | ({"list_options": "always"} if local else {})
    kind = JsonlSuite if local else HubSuite
    suite: JsonlSuite | HubSuite = kind.model_validate_json(json.dumps(entry))
    if local:
        # The study reads its copy, so that the folder itself may lie where no path of a study may lead.
        suite = suite.model_copy(update={"path": str(folder)})
    source = source_named(suite.source)
    names = source.names(**suite_arguments(suite, source.names))
    made = tuple(source.make(names, **suite_arguments(suite, source.make)))
    files = tuple(map(Path, task_inputs(suite, names)))
    counts = {task.name: one for task, _, one in made}
    return Tasks(entry, tuple((task, splits) for task, splits, _ in made), files, counts)


@contextmanager
def _as_folder(text: str, columns: Columns, instruction: str | None) -> Iterator[tuple[str, tuple[str, ...]]]:
    """A folder of tasks for the time of the block where a text names a file, else the text; and what is to be said.

    Raises:
        InputError: as `write_task_of`; there is no such file; or what is said of a file is said of something else.
    """
    file = Path(text)
    if not file.is_file():
        if text.endswith(FORMS) and not file.is_dir():
            beside = [one.name for one in file.parent.iterdir()] if file.parent.is_dir() else []
            near = difflib.get_close_matches(file.name, beside, n=1)
            raise InputError("no such file", where=text, remedy=f"Did you mean {near[0]!r}?" if near else None)
        if instruction is not None or columns != COLUMNS:
            raise InputError(
                "--columns and --instruction are for a task of one file",
                where=text,
                remedy="A folder has them in tasks.json",
            )
        yield text, ()
        return
    with tempfile.TemporaryDirectory() as folder:
        made = write_task_of(file, Path(folder), instruction, columns)
        read = () if made.labels else (f"{file}: read as a text to write: {made.answers} different answers",)
        try:
            yield folder, read
        except InputError as error:
            where = _of_file(error.where or str(file), file, folder, made)
            remedy = _of_file(error.remedy, file, folder, made) if error.remedy else None
            raise InputError(_of_file(error.message, file, folder, made), where=where, remedy=remedy) from None


def _of_file(text: str, file: Path, folder: str, made: OneFile) -> str:
    """A message about what was made of a file, as one about the file."""
    text = re.sub(
        rf"{re.escape(folder)}/([\w.]+:\d+)", lambda found: made.places.get(found[1], f"{file}: {found[1]}"), text
    )
    written = rf"(?:/{re.escape(made.name)}(?:\.\w+\.jsonl)?(?![\w.])|/tasks\.json)?"
    return re.sub(re.escape(folder) + written, lambda _: str(file), text)


def _hub_tasks(text: str) -> dict[str, Any]:
    """The keys of a suite of known data sets, each at its newest commit."""
    from taskneurons.tasks.sources.hub import hub_tasks

    known = hub_tasks()
    names = [one.strip() for one in text.split(",")]
    by_repository = {one.repository: name for name, one in known.items()}
    names = [by_repository.get(name, name) for name in names]
    if unknown := [name for name in names if name not in known]:
        raise InputError(
            f"neither a folder nor a known data set of the hub: {', '.join(unknown)}",
            where="--tasks",
            remedy=f"Name a folder with tasks.json, or some of {', '.join(known)}",
        )
    revisions = {name: current_commit("dataset", known[name].repository) for name in names}
    return {"source": "hub", "tasks": names, "mirror": None, "revisions": revisions}


def _lengths(task: Task, splits: Splits, model: Model) -> Lengths:
    try:
        return looking.lengths(task, splits, model.look.tokenizer)
    except InputError as error:
        error.where = f"model {model.name}, task {task.name}"
        raise


def choose(sizes: Sizes, form: Prompts, model: Model, tasks: Tasks, read: Mapping[str, Lengths]) -> Choices:
    """Choose the longest sequence and the longest answer so that the examples fit.

    Raises:
        InputError: the model's context is shorter than most prompts of a task, or than one example without its input.
    """
    answers = [max(read[task.name].answers) for task, _ in tasks.tasks if not task.options]
    generated = min(sizes.generated, _rounded(max(answers, default=8), 8))
    needed = {name: one.needed(generated) for name, one in read.items()}
    longest = max(max(one) for one in needed.values())
    most = min(sizes.context, model.look.positions or sizes.context)
    for name, one in needed.items():
        cut = sum(tokens > most for tokens in one)
        # The job that describes the tasks has the same limit.
        if 2 * cut > len(one):
            raise InputError(
                f"{cut} of {len(one)} prompts of task {name} need more than {most} tokens, up to {max(one)}",
                where=f"model {model.name}, which reads {model.look.positions or 'any number'}",
                remedy="Shorten its inputs, leave out the task, or take a model with a longer context"
                + ("" if most == model.look.positions else ", or --gpu"),
            )
    context = min(most, max(_STEP, _rounded(longest, _STEP)))
    for task, splits in tasks.tasks:
        reserve = read[task.name].options or generated
        examples = zip(chain.from_iterable(splits.values()), needed[task.name], strict=True)
        for example in (example for example, tokens in examples if tokens > context):
            try:
                encode([example], model.look.tokenizer, context, reserve=reserve)
            except InputError as error:
                raise InputError(
                    error.message,
                    where=f"model {model.name}, task {task.name}, the example that begins {example.input[:60]!r}",
                    remedy="Shorten the answer or the instruction, leave it out, or take a model with a longer context",
                ) from None
    return Choices(sizes, form, context, generated)


def _rounded(number: int, step: int) -> int:
    return -(-number // step) * step


# What is said


def described(model: Model, tasks: Tasks, choices: Choices, read: Mapping[str, Lengths]) -> Iterator[str]:
    """What was found, and how the model will see it, in lines."""
    look = model.look
    limit = f"of {look.positions} that it can read" if look.positions else "and it has no limit"
    yield f"Model {model.name}: {look.architecture}, {look.parameters:,} parameters, {choices.sizes.dtype}"
    yield f"  prompts: {choices.prompts}; {choices.context} tokens are used, {limit}"
    for task, splits in tasks.tasks:
        one = read[task.name]
        sizes = ", ".join(f"{len(splits[split])} {split}" for split in SPLITS)
        kind = f"{task.kind}, {len(task.options)} labels" if task.options else task.kind
        cut = sum(tokens > choices.context for tokens in one.needed(choices.generated))
        yield f"Task {task.name}: {kind}; {sizes}"
        if task.name in tasks.counts:
            for split, became in tasks.counts[task.name].splits.items():
                for reason, number in became.dropped.items():
                    yield f"  dropped from {split}: {number} x {reason}"
        for split, number in near_leaks(splits).items():
            if number:
                yield f"  {number} inputs of {split} are those of held-out examples, but for their writing or answer"
        written = "" if task.options else f", of which {choices.generated} are generated at most"
        yield (
            f"  prompts of {min(one.prompts)} to {max(one.prompts)} tokens, answers of up to {max(one.answers)}"
            + written
        )
        if cut:
            yield f"  the inputs of {cut} of {len(one.prompts)} examples are cut"
        if task.options:
            labels = Counter(example.target for example in splits["test"])
            yield "  labels of the test examples: " + ", ".join(f"{name} {labels[name]}" for name in task.options)
        yield "  the first example as the model sees it:"
        yield from (f"  | {line}" for line in one.shown.splitlines())


# The folder


def _refuse_taken(folder: Path) -> None:
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
