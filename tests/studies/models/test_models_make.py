"""How the models that are studied are made: against transformers, against each other, and from files to files."""

import shutil

import pytest
from safetensors.torch import load_file
from small_checkpoint import CONTEXT, ECHO, MOOD, TOKENIZER, lay_checkpoint, lay_task, small_model

from taskneurons.engine.evaluation import Evaluation, evaluate_tasks
from taskneurons.engine.execution import Execution, Schedule
from taskneurons.errors import InputError
from taskneurons.files import read_json, sha256, write_jsonl
from taskneurons.job import Files, Job
from taskneurons.models.load import load_checkpoint
from taskneurons.models.scratch import Shape, Vocabulary, new_model
from taskneurons.models.tokenizers import load_tokenizer, save_tokenizer
from taskneurons.studies.models.make import (
    ImportSettings,
    MultitaskSettings,
    Pretraining,
    PretrainSettings,
    ScratchModel,
    TokenizerSettings,
    import_model,
    pretrain_model,
    train_tokenizer,
    tune_multitask_model,
    tune_on_tasks,
)
from taskneurons.tasks.storage import read_split
from taskneurons.tasks.task import Task
from taskneurons.workflow.paths import CHECKPOINT_FILES, TOKENIZER_FILES

MULTITASK = Schedule(steps=30, batch_size=8, learning_rate=1e-2, warmup=2)
RUN = {"run": "mine/small", "seed": "3"}
SHAPE = Shape(hidden_size=16, layers=2, heads=2, ffn_size=32, context=CONTEXT)


@pytest.fixture(scope="module")
def laid(tmp_path_factory):
    """A folder with the checkpoint `model`, the tasks `mood` and `echo`, a text and a tokenizer."""
    folder = tmp_path_factory.mktemp("laid")
    lay_checkpoint(folder / "model")
    for task in (MOOD, ECHO):
        lay_task(folder / task.name, task)
    documents = [[["one red sun", False], ["good", True]], [["two blue ice", False]]]
    write_jsonl(folder / "corpus.jsonl", ({"segments": segments} for segments in documents))
    save_tokenizer(folder / "tokenizer", TOKENIZER)
    return folder


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    """Jobs leave resume files where they run."""
    monkeypatch.chdir(tmp_path)


def job(settings, inputs, **outputs):
    return Job(settings, Files(inputs), Files(outputs), RUN, "identity")


def checkpoint(folder):
    return tuple(folder / name for name in CHECKPOINT_FILES)


def tasks_of(laid):
    return tuple(laid / task / "train.jsonl" for task in ("echo", "mood"))


def loss(checkpoint, folder):
    ((_, scores),) = evaluate_tasks(checkpoint, [folder], Evaluation(batch_size=3, max_new_tokens=4), Execution())
    return {score.metric: score.value for score in scores}["loss"]


def test_options_that_the_tokenizer_cannot_tell_apart_are_refused_before_the_tuning(laid, tmp_path):
    task = Task("mood", "feeling", "classification", ("mood of {input} :",), ("fine", "poor"))
    folder, out = lay_task(tmp_path / "mood", task), tmp_path / "out"
    with pytest.raises(InputError, match=f"{folder}: the options 'fine' and 'poor' have the same tokens"):
        tune_on_tasks(laid / "model", [laid / "echo", folder], out, name="x", schedule=MULTITASK, execution=Execution())
    assert not out.exists()


def test_a_tuned_checkpoint_names_its_parent_and_knows_the_tasks_better(laid, tmp_path):
    out, tasks = tmp_path / "out", [laid / "mood", laid / "echo"]
    execution = Execution(resume=tmp_path / "resume")
    tune_on_tasks(laid / "model", tasks, out, name="tuned", schedule=MULTITASK, execution=execution)
    facts = read_json(out / "checkpoint.json")
    assert facts["parent"] == sha256(laid / "model" / "model.safetensors")
    assert (facts["name"], facts["context"]) == ("tuned", CONTEXT)
    assert (out / "training.csv").read_text().startswith("step,")
    assert not (tmp_path / "resume").exists(), "a finished training needs none"
    train = lay_task(tmp_path / "mood", MOOD)
    shutil.copy(train / "train.jsonl", train / "test.jsonl")
    assert loss(out, train) < loss(laid / "model", train) / 2


def test_the_job_tunes_with_the_seed_of_its_run_in_the_order_of_the_suite(laid, tmp_path):
    out, again = tmp_path / "out", tmp_path / "again"
    schedule = Schedule(steps=4, batch_size=8, learning_rate=1e-2, warmup=1)
    inputs = {"base": checkpoint(laid / "model"), "tasks": tasks_of(laid)}
    settings = MultitaskSettings(("mood", "echo"), schedule, "float32")
    tune_multitask_model(job(settings, inputs, checkpoint=checkpoint(out), training=(out / "training.csv",)))
    assert read_json(out / "checkpoint.json")["name"] == "small-multitask"
    seeded = Schedule(steps=4, batch_size=8, learning_rate=1e-2, warmup=1, seed=3)
    folders = [laid / "mood", laid / "echo"]
    tune_on_tasks(laid / "model", folders, again, name="x", schedule=seeded, execution=Execution())
    assert sha256(out / "model.safetensors") == sha256(again / "model.safetensors")


def test_pre_training_begins_with_the_weights_of_its_seed_and_learns_the_text(laid, tmp_path):
    found = {}
    for steps, rate in ((1, 0.0), (40, 1e-2)):
        out = tmp_path / str(steps)
        settings = PretrainSettings(ScratchModel("llama", SHAPE, Pretraining(steps, 4, rate, 0, 0.5)))
        inputs = {
            "corpus": (laid / "corpus.jsonl",),
            "tokenizer": tuple(laid / "tokenizer" / name for name in TOKENIZER_FILES),
        }
        files = {"checkpoint": checkpoint(out), "training": (out / "training.csv",)}
        pretrain_model(job(settings, inputs, **files))
        assert all(path.is_file() for paths in files.values() for path in paths)
        found[steps] = load_checkpoint(out)
        assert (found[steps].name, found[steps].context) == ("small", CONTEXT)
    fresh = new_model("llama", SHAPE, Vocabulary.of(TOKENIZER), seed=3)
    kept = load_file(tmp_path / "1" / "model.safetensors")
    assert all((kept[name] == value).all() for name, value in fresh.state_dict().items() if name in kept)
    ids = TOKENIZER(["one red sun"], return_tensors="pt")["input_ids"]
    before, after = (found[steps].model(ids, labels=ids).loss.item() for steps in (1, 40))
    assert after < before / 2


@pytest.mark.parametrize("settings", [TokenizerSettings("word"), TokenizerSettings("bpe", 300)])
def test_a_tokenizer_knows_every_word_that_it_was_trained_on_and_never_saw_the_test(laid, tmp_path, settings):
    (tmp_path / "held").mkdir()
    folder = lay_task(tmp_path / "held" / "mood", MOOD)
    file = folder / "test.jsonl"
    file.write_text(file.read_text().replace("red", "crimson"))
    out = tmp_path / "tokenizer"
    inputs = {
        "corpus": (laid / "corpus.jsonl",),
        "tasks": tuple(folder / f"{name}.jsonl" for name in ("train", "test")),
    }
    train_tokenizer(job(settings, inputs, tokenizer=tuple(out / name for name in TOKENIZER_FILES)))
    tokenizer = load_tokenizer(out)
    texts = [f"{one.prompt} {one.target}" for one in read_split(folder, "train")] + ["one red sun good", *MOOD.options]
    for text in texts:
        assert tokenizer.decode(tokenizer(text)["input_ids"], skip_special_tokens=True).split() == text.split()
    if settings.kind == "word":
        assert tokenizer.unk_token_id in tokenizer("crimson")["input_ids"]
    else:
        assert 256 < len(tokenizer) <= 300


def test_a_model_of_a_folder_is_imported_under_the_name_of_its_place(laid, tmp_path):
    model = small_model()
    model.save_pretrained(tmp_path / "mine")
    TOKENIZER.save_pretrained(tmp_path / "mine")
    out = tmp_path / "imported" / "own"
    settings = ImportSettings("folder", CONTEXT, "plain", path=str(tmp_path / "mine"))
    import_model(job(settings, {}, checkpoint=checkpoint(out)))
    assert read_json(out / "checkpoint.json")["name"] == "own"
    kept = load_file(out / "model.safetensors")
    assert all((kept[name] == value).all() for name, value in model.state_dict().items() if name in kept)
