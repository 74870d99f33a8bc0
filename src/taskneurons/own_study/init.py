"""`taskneurons init`: a folder that studies a model on tasks, or one sentence and nothing left."""

import shlex
from collections.abc import Callable
from itertools import chain
from pathlib import Path

from taskneurons.errors import InputError
from taskneurons.models import looking
from taskneurons.models.looking import Lengths
from taskneurons.models.prompts import Prompts
from taskneurons.own_study.choices import choose
from taskneurons.own_study.folder import refuse_taken, write_study
from taskneurons.own_study.model import Model, find_model
from taskneurons.own_study.sizes import SIZES, Machine
from taskneurons.own_study.summary import described
from taskneurons.own_study.tasks import Splits, as_folder, find_tasks
from taskneurons.tasks.file_forms import COLUMNS, Columns
from taskneurons.tasks.task import Task


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
    refuse_taken(folder)
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
    with as_folder(tasks, columns, instruction) as (text, remarks):
        found = find_tasks(text, sizes)
        read = {task.name: _lengths(task, splits, chosen) for task, splits in found.tasks}
        choices = choose(sizes, form, chosen, found, read)
        for line in chain(remarks, described(chosen, found, choices, read)):
            say(line)
        plan = write_study(place, chosen, found, choices, machine)
        say(f"\nPlan of {plan}")
        say(f"\n{folder} is ready. Next:\n  cd {shlex.quote(str(folder))}\n  taskneurons results")


def _lengths(task: Task, splits: Splits, model: Model) -> Lengths:
    try:
        return looking.lengths(task, splits, model.look.tokenizer)
    except InputError as error:
        error.where = f"model {model.name}, task {task.name}"
        raise
