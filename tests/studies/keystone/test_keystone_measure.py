"""The measurements from files to rows: against zeroed weights and the language model loss of transformers."""

import numpy as np
import pytest
import torch
from small_checkpoint import CONTEXT, ECHO, MOOD, TOKENIZER, lay_checkpoint, lay_task, small_model

from taskneurons.engine.evaluation import Evaluation, evaluate_tasks
from taskneurons.engine.execution import Execution
from taskneurons.errors import InputError
from taskneurons.job import Files, Job
from taskneurons.models.load import load_checkpoint
from taskneurons.models.plain_text import encode_text
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.special import Rankings, load_scores
from taskneurons.studies.keystone.measure import (
    DeactivateSettings,
    Design,
    NeutralSettings,
    SignedSettings,
    deactivate,
    score_neutral,
    score_signed,
)
from taskneurons.studies.keystone.rows import MEASURED
from taskneurons.studies.neurons.measure import attribute_tasks
from taskneurons.tasks.neutral import Neutral, neutral_texts

EVALUATION = Evaluation(batch_size=3, max_new_tokens=4)
NEUTRAL = Neutral("file", texts=3, tokens=8)
DESIGN = Design("model", (1.0, 10.0), ("top", "top_less_keystone", "contrast", "signed"), 1, 8, scores=True)
TEXT = "red blue sun ice\none two three\nice red ice blue one\nfour three two one\nsun sun red\nblue ice\n"


def job(folder, settings, outputs, **inputs):
    """A job of the run mine/small, seed 0."""
    every = {
        "checkpoint": [folder / "base" / "config.json"],
        "tasks": [folder / "data" / name / "task.json" for name in ("mood", "echo")],
        "text": [folder / "text.txt"],
        "signed": [],
    }
    named = {name: tuple(paths) for name, paths in (every | inputs).items()}
    out = Files({name: tuple(paths) for name, paths in outputs.items()})
    return Job(settings, Files(named), out, {"run": "mine/small", "seed": "0"}, identity="", resources={})


@pytest.fixture(scope="module")
def laid(tmp_path_factory):
    """A folder with a model, two tasks, their scores of all kinds, and the rows of both tasks."""
    folder = tmp_path_factory.mktemp("laid")
    lay_checkpoint(folder / "base")
    (folder / "text.txt").write_text(TEXT)
    tasks = [lay_task(folder / "data" / task.name, task) for task in (MOOD, ECHO)]
    scored = {"estimators": ["taylor"], "examples": 6, "batch_size": 4}
    files = {
        kind: [folder / kind / f"{name}.safetensors" for name in ("mood", "echo")] for kind in ("taylor", "signed")
    }
    for scores, path in zip(
        attribute_tasks(folder / "base", tasks, Execution(), **scored), files["taylor"], strict=True
    ):
        scores.save(path)
    neutral = folder / "neutral.safetensors"
    score_neutral(job(folder, NeutralSettings(NEUTRAL, 2, "float32"), {"scores": [neutral]}))
    score_signed(job(folder, SignedSettings(6, 4, "float32"), {"scores": files["signed"]}))
    rows = [folder / "rows" / f"{name}.csv" for name in ("mood", "echo")]
    inputs = {"scores": files["taylor"], "signed": files["signed"], "neutral": [neutral]}
    settings = DeactivateSettings(DESIGN, NEUTRAL, EVALUATION, "float32")
    deactivate(job(folder, settings, {"rows": rows}, **inputs))
    rankings = Rankings(load_scores(files["taylor"]), NeuronScores.load(neutral), "model", load_scores(files["signed"]))
    return folder, tasks, rankings, MEASURED.gather(rows), (settings, inputs)


def language_loss(model, texts):
    """Mean over texts of the loss that transformers itself gives."""
    losses = []
    for text in texts:
        ids = torch.tensor([TOKENIZER(text)["input_ids"][: 1 + NEUTRAL.tokens]])
        with torch.no_grad():
            losses.append(float(model(ids, labels=ids).loss))
    return np.mean(losses)


def zeroed(neurons):
    """The model with the output weights of some neurons set to zero."""
    model = small_model()
    for layer, block in enumerate(model.model.layers):
        with torch.no_grad():
            block.mlp.down_proj.weight[:, torch.from_numpy(np.flatnonzero(neurons.mask[layer]))] = 0
    return model


def test_rows_are_what_zeroed_weights_give(laid, tmp_path):
    _, tasks, rankings, rows, _ = laid
    _, texts = neutral_texts(NEUTRAL, {}, [laid[0] / "text.txt"])
    own = {"keystone": rankings.keystone(10)} | {how: rankings.sets(how, 10)["echo"] for how in DESIGN.sets}
    for condition, neurons in own.items():
        found = [
            row
            for row in rows
            if (row.condition, row.percent, row.test_task) == (condition, 10, "echo")
            and row.train_task in (None, "echo")
        ]
        model = zeroed(neurons)
        lay_checkpoint(tmp_path / condition, model)
        ((_, expected),) = evaluate_tasks(tmp_path / condition, [tasks[1]], EVALUATION, Execution())
        assert {row.metric: row.value for row in found} == pytest.approx(
            {score.metric: score.value for score in expected}, abs=1e-4
        )
        assert {row.neurons for row in found} == {len(neurons)}
        assert found[0].neutral == pytest.approx(language_loss(model, texts), rel=1e-4)
        untouched = language_loss(small_model(), texts)
        assert found[0].neutral_rise == pytest.approx(100 * (found[0].neutral / untouched - 1), abs=0.02)


def test_each_set_of_a_task_stands_beside_that_of_another(laid):
    _, _, _, rows, _ = laid
    for task, other in (("mood", "echo"), ("echo", "mood")):
        for condition in DESIGN.sets:
            for percent in DESIGN.percents:
                cell = [
                    row for row in rows if (row.test_task, row.condition, row.percent) == (task, condition, percent)
                ]
                assert {row.train_task for row in cell} == {task, other}
    untouched = {row.neutral for row in rows if row.condition == "original"}
    assert len(untouched) == 1
    assert all(row.neutral_rise == 0 for row in rows if not row.neurons)


def test_neutral_scores_are_of_the_texts_that_are_not_tested(laid):
    _, _, rankings, _, _ = laid
    assert (rankings.neutral.task, rankings.neutral.examples) == ("neutral text", 3)
    words = [len(text.split()) for text in TEXT.splitlines()[::2]]
    # The bos token is given, and the last token predicts nothing.
    assert rankings.neutral.tokens == sum(words)


def test_every_token_of_a_text_is_predicted_and_none_ends_it():
    (one,) = encode_text(["red blue sun", "red"][:1], TOKENIZER, CONTEXT)
    ids = TOKENIZER("red blue sun")["input_ids"]
    assert (one.prompt, one.target) == (tuple(ids[:1]), tuple(ids[1:]))
    (cut,) = encode_text(["red blue sun"], TOKENIZER, 2)
    assert cut.target == tuple(ids[1:3])


def test_scores_of_another_model_are_refused(laid, tmp_path):
    folder, _, _, _, (settings, inputs) = laid
    lay_checkpoint(tmp_path / "other", small_model(seed=1))
    assert load_checkpoint(tmp_path / "other").digest != load_checkpoint(folder / "base").digest
    wrong = job(
        folder, settings, {"rows": [tmp_path / "echo.csv"]}, **inputs,
        checkpoint=[tmp_path / "other" / "config.json"],
    )  # fmt: skip
    with pytest.raises(InputError, match="made with the model"):
        deactivate(wrong)
