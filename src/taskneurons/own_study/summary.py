"""What is said before a study is written: what was found, and how the model will see it."""

from collections import Counter
from collections.abc import Iterator, Mapping

from taskneurons.models.looking import Lengths
from taskneurons.own_study.choices import Choices
from taskneurons.own_study.model import Model
from taskneurons.own_study.tasks import Tasks
from taskneurons.tasks.spelling import near_leaks
from taskneurons.tasks.task import SPLITS


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
