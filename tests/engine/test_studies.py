"""What the rules ask of a model, from files to rows: against transformers alone, and against edited checkpoints."""

import re
import shutil

import numpy as np
import pytest
import torch
from small_checkpoint import CONTEXT, ECHO, MOOD, TOKENIZER, lay_checkpoint, lay_task, small_model
from torch.nn.functional import cross_entropy

from taskneurons.engine.deactivation_study import deactivate_tasks
from taskneurons.engine.evaluation import Evaluation
from taskneurons.engine.evaluation_study import evaluate_tasks
from taskneurons.engine.execution import Execution, Schedule
from taskneurons.engine.models_study import tune_on_tasks
from taskneurons.engine.neurons_study import attribute_tasks
from taskneurons.errors import InputError
from taskneurons.evidence.tidy import COLUMNS, read_tidy
from taskneurons.files import read_json, sha256, write_csv
from taskneurons.neurons.controls import select_with_controls
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.selection import Selection
from taskneurons.neurons.sets import NeuronSet, save_sets
from taskneurons.tasks.storage import read_split
from taskneurons.tasks.task import Task

EVALUATION = Evaluation(batch_size=3, max_new_tokens=4)
MULTITASK = Schedule(steps=30, batch_size=8, learning_rate=1e-2, warmup=2)
SELECTION = Selection("taylor", 25, "model")
ATTRIBUTION = {"estimators": ["taylor"], "examples": 300, "batch_size": 5}


@pytest.fixture(scope="module")
def laid(tmp_path_factory):
    """A folder with the checkpoint `model` and the tasks `mood` and `echo`."""
    folder = tmp_path_factory.mktemp("laid")
    lay_checkpoint(folder / "model")
    for task in (MOOD, ECHO):
        lay_task(folder / task.name, task)
    return folder


@pytest.fixture(scope="module")
def neurons(laid):
    """The scores of both tasks and their sets with controls, written as the workflow writes them."""
    files = {}
    for scores in attributed(laid, [laid / "mood", laid / "echo"]):
        sets = select_with_controls(scores, SELECTION, draws=2, matching="layer", seed=0)
        files[scores.task] = (laid / f"{scores.task}.sets.safetensors", laid / f"{scores.task}.scores.safetensors")
        save_sets(files[scores.task][0], sets, {"task": scores.task, "model": scores.model_digest})
        scores.save(files[scores.task][1])
    return files


def attributed(laid, tasks, **changes):
    return list(attribute_tasks(laid / "model", tasks, Execution(), **(ATTRIBUTION | changes)))


def evaluated(checkpoint, tasks):
    return dict(evaluate_tasks(checkpoint, tasks, EVALUATION, Execution()))


def deactivations(laid, files, *, interventions=("zero",), matrix=True, tasks=("mood", "echo")):
    rows = deactivate_tasks(
        laid / "model",
        [laid / task for task in tasks],
        files,
        Execution(),
        interventions=interventions,
        matrix=matrix,
        evaluation=EVALUATION,
    )
    return dict(rows)


def values(rows, **cells):
    """Metric -> value of the rows with these cells."""
    tidy = [row if isinstance(row, dict) else vars(row) for row in rows]
    found = [row for row in tidy if all(row.get(key) == value for key, value in cells.items())]
    assert len({row["metric"] for row in found}) == len(found), "each metric once"
    return {row["metric"]: row["value"] for row in found}


def answers(model, folder):
    """Of each test example by transformers alone, unpadded: the log-probability of the answer's tokens, and whether
    the model would say it."""
    for example in read_split(folder, "test"):
        prompt = [TOKENIZER.bos_token_id, *TOKENIZER(example.prompt)["input_ids"]]
        answer = [*TOKENIZER(example.target)["input_ids"], TOKENIZER.eos_token_id]
        with torch.no_grad():
            logits = model(torch.tensor([prompt + answer])).logits[0, len(prompt) - 1 : -1]
        target = torch.tensor(answer)
        yield -cross_entropy(logits, target, reduction="none"), bool((logits.argmax(-1) == target).all())


def test_rows_of_a_model_as_it_is_are_what_transformers_says(laid):
    rows = evaluated(laid / "model", [laid / "mood", laid / "echo"])
    assert list(rows) == ["mood", "echo"]
    for name, metrics in {"mood": {"accuracy", "accuracy_restricted", "loss"}, "echo": {"rougeL", "loss"}}.items():
        assert {score.metric for score in rows[name]} == metrics
        for score in rows[name]:
            assert (score.test_task, score.n) == (name, 8)
        expected = list(answers(small_model(), laid / name))
        loss = np.mean([float(-log.mean()) for log, _ in expected])
        assert values(rows[name])["loss"] == pytest.approx(loss, rel=1e-4)
        if name == "mood":
            said = 100 * np.mean([said for _, said in expected])
            assert values(rows[name])["accuracy"] == pytest.approx(said)


def test_rows_are_a_tidy_table(laid, neurons, tmp_path):
    """The keys that a script adds are all that a row lacks."""
    run = {"study": "deactivation", "suite": "s", "model": "m", "seed": 0}
    key = {"percent": 25.0, "estimator": "taylor", "selection": "model"}
    rows = deactivations(laid, neurons)["mood"]
    write_csv(tmp_path / "rows.csv", [{**run, **key, **row} for row in rows], COLUMNS)
    assert [row["value"] for row in read_tidy(tmp_path / "rows.csv")] == [row["value"] for row in rows]


def test_scores_are_those_of_the_first_training_examples(laid, tmp_path):
    (few,) = attributed(laid, [laid / "mood"], examples=5)
    (alone,) = attributed(laid, [lay_task(tmp_path / "mood", MOOD, train=5)])
    (all_of_them,) = attributed(laid, [laid / "mood"])
    assert few.examples == alone.examples == 5
    assert all_of_them.examples == 12, "fewer than asked are used whole, and counted"
    np.testing.assert_array_equal(few.scores, alone.scores)
    assert (few.task, few.estimator) == ("mood", "taylor")
    assert few.model_digest == sha256(laid / "model" / "model.safetensors")
    tokens = [len(TOKENIZER(one.prompt + " " + one.target)["input_ids"]) for one in read_split(laid / "mood", "train")]
    # Each example has a bos; the last token of an answer is its eos, from which nothing is predicted.
    assert few.tokens == sum(1 + count for count in tokens[:5])


def test_every_task_has_scores_by_every_estimator(laid):
    found = attributed(laid, [laid / "mood", laid / "echo"], estimators=["taylor", "activation"], examples=2)
    pairs = [(one.task, one.estimator) for one in found]
    assert pairs == [(task, name) for task in ("mood", "echo") for name in ("taylor", "activation")]
    assert len({one.scores.tobytes() for one in found}) == 4


def test_deactivation_is_the_evaluation_of_a_checkpoint_without_these_neurons(laid, neurons, tmp_path):
    """Every condition against a checkpoint on disk whose output columns of the set are zero."""
    rows = deactivations(laid, neurons)["mood"]
    scores = NeuronScores.load(neurons["mood"][1])
    sets = select_with_controls(scores, SELECTION, draws=2, matching="layer", seed=0)
    cases = [
        (sets["task"], "mood", {"condition": "task", "train_task": "mood"}),
        (sets["task"], "echo", {"condition": "other_task", "train_task": "mood"}),
        (sets["bottom"], "mood", {"condition": "bottom", "train_task": "mood"}),
        (sets["random.0"], "mood", {"condition": "random", "draw": 0}),
        (sets["random.1"], "mood", {"condition": "random", "draw": 1}),
    ]
    original = evaluated(laid / "model", [laid / "mood"])["mood"]
    assert sum(len(values(rows, test_task=task, **cells)) for _, task, cells in cases) == len(rows)
    for number, (members, task, cells) in enumerate(cases):
        model = small_model()
        for layer, mask in zip(model.model.layers, members.mask, strict=True):
            with torch.no_grad():
                layer.mlp.down_proj.weight[:, torch.tensor(mask)] = 0
        expected = evaluated(lay_checkpoint(tmp_path / str(number), model), [laid / task])[task]
        found = values(rows, test_task=task, intervention="zero", **cells)
        assert found == pytest.approx(values(expected), rel=1e-4, abs=1e-4)
        assert found["loss"] != pytest.approx(values(original)["loss"], rel=1e-3) or cells["condition"] == "bottom"


def test_other_interventions_are_for_the_tasks_own_set_on_its_own_task(laid, neurons):
    files = {"echo": neurons["echo"]}
    rows = deactivations(laid, files, interventions=("zero", "parameters", "mean"), matrix=False)["echo"]
    assert {row["test_task"] for row in rows} == {"echo"}
    own = {name: values(rows, condition="task", intervention=name) for name in ("zero", "parameters", "mean")}
    # This model has no biases: without its weights a neuron is zero.
    assert own["parameters"] == pytest.approx(own["zero"], rel=1e-5)
    assert own["mean"]["loss"] != pytest.approx(own["zero"]["loss"], rel=1e-3)
    assert {row["intervention"] for row in rows if row["condition"] != "task"} == {"zero"}


def test_the_mean_is_the_tasks_own(laid, neurons):
    """A bias of the down projection that stands for what the neurons' means put in, computed without hooks."""
    model, scores = small_model(), NeuronScores.load(neurons["echo"][1])
    members = scores.top(25)
    for layer, mask, mean in zip(model.model.layers, members.mask, scores.activation_mean, strict=True):
        down = layer.mlp.down_proj
        with torch.no_grad():
            taken = torch.from_numpy(np.where(mask, mean, 0).astype(np.float32))
            down.bias = torch.nn.Parameter(down.weight @ taken)
            down.weight[:, torch.tensor(mask)] = 0
    expected = np.mean([float(-log.mean()) for log, _ in answers(model, laid / "echo")])
    rows = deactivations(laid, {"echo": neurons["echo"]}, interventions=("mean",), matrix=False)["echo"]
    assert values(rows, condition="task", intervention="mean")["loss"] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("foreign", ["sets", "scores"])
def test_files_of_another_model_are_refused(laid, neurons, tmp_path, foreign):
    sets_file, scores_file = neurons["mood"]
    scores, path = NeuronScores.load(scores_file), tmp_path / "foreign.safetensors"
    if foreign == "sets":
        save_sets(path, {"task": scores.top(10)}, {"task": "mood", "model": "f" * 64})
        files = (path, scores_file)
    else:
        arrays = (scores.scores, scores.activation, scores.activation_mean)
        NeuronScores(*arrays, "mood", "f" * 64, "taylor", 1, 1).save(path)
        files = (sets_file, path)
    digest = sha256(laid / "model" / "model.safetensors")
    with pytest.raises(InputError) as caught:
        deactivations(laid, {"mood": files})
    assert str(caught.value) == (
        f"{path}: made with the model {'f' * 12}, the checkpoint is {digest[:12]}. "
        "Make the scores and sets again with this checkpoint"
    )


def test_sets_of_a_larger_model_are_refused(laid, neurons, tmp_path):
    digest, path = sha256(laid / "model" / "model.safetensors"), tmp_path / "sets.safetensors"
    large = NeuronSet(np.ones((2, 33), bool))
    save_sets(path, {"task": large, "bottom": large}, {"task": "mood", "model": digest})
    with pytest.raises(InputError, match=r"the neuron set has shape \(2, 33\), the model has \(2, 32\) neurons"):
        deactivations(laid, {"mood": (path, neurons["mood"][1])})


def test_a_test_split_of_one_class_is_evaluated(laid, tmp_path):
    rows = evaluated(laid / "model", [lay_task(tmp_path / "mood", MOOD, targets=("bad",))])["mood"]
    said = 100 * np.mean([said for _, said in answers(small_model(), tmp_path / "mood")])
    assert values(rows)["accuracy"] == pytest.approx(said)
    assert {score.n for score in rows} == {8}


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_task_without_examples_is_named(laid, tmp_path, split):
    folder = lay_task(tmp_path / "mood", MOOD, **{split: 0})
    with pytest.raises(InputError, match=f"{folder}.*no examples"):
        list(attributed(laid, [folder]) if split == "train" else evaluated(laid / "model", [folder]))


def test_inputs_too_long_for_the_model_are_cut_and_instructions_never(laid, tmp_path):
    """An input far beyond the context counts as the longest one that leaves room for instruction and longest option."""
    folder = lay_task(tmp_path / "mood", MOOD)
    file, task = folder / "test.jsonl", folder / "task.json"
    fits = CONTEXT - len(["<bos>", "mood", "of", ":", "good", "grief", "<eos>"])
    losses = {}
    for words in (100, fits, fits - 1):
        file.write_text(re.sub('"input": "[^"]*"', f'"input": "{" ".join(["red"] * words)}"', file.read_text()))
        losses[words] = values(evaluated(laid / "model", [folder])["mood"])["loss"]
    assert losses[100] == pytest.approx(losses[fits], rel=1e-6)
    assert losses[100] != pytest.approx(losses[fits - 1], rel=1e-4)
    for path in (file, task):
        path.write_text(path.read_text().replace("mood of", " ".join(["of"] * CONTEXT)))
    with pytest.raises(InputError, match=f"{folder}.*the instruction and the answer alone need .* context has 24"):
        evaluated(laid / "model", [folder])


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
    before, after = (values(evaluated(model, [train])["mood"])["loss"] for model in (laid / "model", out))
    assert after < before / 2
