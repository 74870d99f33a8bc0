"""What `taskneurons init` says is what the model will see."""

from gguf_files import write_gguf
from small_checkpoint import CONTEXT
from small_tasks import write_tasks
from transformers import AutoTokenizer

from taskneurons.models.looking import lengths, look_at_gguf
from taskneurons.own_study.choices import Choices
from taskneurons.own_study.model import find_model
from taskneurons.own_study.sizes import SIZES
from taskneurons.own_study.summary import described
from taskneurons.own_study.tasks import find_tasks


def test_a_chat_is_shown_as_the_template_of_the_model_writes_it(tmp_path):
    file = tmp_path / "tiny.gguf"
    write_gguf(file)
    look = look_at_gguf(file)
    assert look.prepared(None) == "chat"
    (task, splits), _ = find_tasks(str(write_tasks(tmp_path / "tasks")), SIZES["laptop"]).tasks
    first = splits["train"][0]
    turns = [{"role": "user", "content": first.prompt.rstrip()}, {"role": "assistant", "content": first.target}]
    template = AutoTokenizer.from_pretrained(tmp_path, gguf_file=file.name)
    assert lengths(task, splits, look.tokenizer).shown == template.apply_chat_template(turns, tokenize=False).rstrip()


def test_what_is_dropped_is_said_of_each_split(small, tmp_path):
    folder = write_tasks(tmp_path / "tasks")
    train, test = folder / "echo.train.jsonl", folder / "echo.test.jsonl"
    train.write_text(train.read_text() + test.read_text())
    found = find_tasks(str(folder), SIZES["laptop"])
    model = find_model(str(small / "small"))
    model.look.prepared(None)
    read = {task.name: lengths(task, splits, model.look.tokenizer) for task, splits in found.tasks}
    said = list(described(model, found, Choices(SIZES["laptop"], "plain", CONTEXT, 8), read))
    assert "  dropped from train: 8 x also in a held-out split" in said
