"""What follows from the model, the tasks and the machine: the longest sequence and the longest answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

from taskneurons.errors import InputError
from taskneurons.models.encoding import encode
from taskneurons.models.looking import Lengths
from taskneurons.models.prompts import Prompts
from taskneurons.own_study.model import Model
from taskneurons.own_study.sizes import Sizes
from taskneurons.own_study.tasks import Tasks

_STEP = 32


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
