"""The context of a new study has room for its examples, or one that does not fit is named."""

import json
from dataclasses import replace

import pytest
from small_checkpoint import CONTEXT
from small_tasks import write_tasks

from taskneurons.errors import InputError
from taskneurons.models.looking import lengths, look_at_folder
from taskneurons.own_study.choices import choose
from taskneurons.own_study.model import find_model
from taskneurons.own_study.sizes import SIZES
from taskneurons.own_study.tasks import find_tasks


def test_the_context_has_room_for_every_prompt_and_its_longest_answer(small):
    look = look_at_folder(small / "small")
    look.prepared(None)
    for task, splits in find_tasks(str(small / "tasks"), SIZES["laptop"]).tasks:
        examples = [example for split in splits.values() for example in split]
        texts = [len(look.tokenizer(one.prompt)["input_ids"]) for one in examples]
        longest = max(len(option.split()) + 1 for option in task.options) if task.options else 8
        assert lengths(task, splits, look.tokenizer).needed(8) == [length + longest for length in texts]


def test_an_example_that_can_never_fit_is_refused_with_its_beginning(small, tmp_path):
    folder = write_tasks(tmp_path / "tasks")
    file = folder / "echo.train.jsonl"
    file.write_text(file.read_text() + json.dumps({"input": "red sun", "target": "red " * CONTEXT}) + "\n")
    sizes = replace(SIZES["laptop"], generated=8)
    model, found = find_model(str(small / "small")), find_tasks(str(folder), sizes)
    read = {task.name: lengths(task, splits, model.look.tokenizer) for task, splits in found.tasks}
    said = "task echo, the example that begins 'red sun': the instruction and the answer alone need 29 tokens"
    with pytest.raises(InputError, match=said):
        choose(sizes, "plain", model, found, read)
