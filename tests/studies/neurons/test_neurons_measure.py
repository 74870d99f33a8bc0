"""Scores of checkpoints and tasks on disk are of the right examples; jobs lead from them to sets."""

from pathlib import Path

import numpy as np
import pytest
from small_checkpoint import ECHO, MOOD, TOKENIZER, lay_checkpoint, lay_task

from taskneurons.engine.execution import Execution
from taskneurons.errors import InputError
from taskneurons.files import sha256
from taskneurons.job import Files, Job
from taskneurons.neurons.controls import random_like
from taskneurons.neurons.scores import NeuronScores, contrast
from taskneurons.neurons.selection import Selection
from taskneurons.neurons.sets import load_sets
from taskneurons.studies.neurons.measure import (
    AttributeBaseSettings,
    AttributeSettings,
    attribute_base,
    attribute_scores,
    attribute_tasks,
    attribute_with_halves,
)
from taskneurons.studies.neurons.sets import DeriveSettings, SelectSettings, derive_scores, select_neurons
from taskneurons.tasks.storage import read_split

ATTRIBUTION = {"estimators": ["taylor"], "examples": 300, "batch_size": 5}
TASKS = ("mood", "echo")
RUN = {"run": "suite/model", "seed": "3"}


@pytest.fixture(scope="module")
def laid(tmp_path_factory):
    """A folder with the checkpoint `model` and the tasks `mood` and `echo`."""
    folder = tmp_path_factory.mktemp("laid")
    lay_checkpoint(folder / "model")
    for task in (MOOD, ECHO):
        lay_task(folder / task.name, task)
    return folder


def attributed(laid, tasks, **changes):
    return list(attribute_tasks(laid / "model", tasks, Execution(), **(ATTRIBUTION | changes)))


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
    # The tokenizer sets a bos before each; the last token of an answer is its eos, from which nothing is predicted.
    assert few.tokens == sum(tokens[:5])


def test_every_task_has_scores_by_every_estimator(laid):
    found = attributed(laid, [laid / "mood", laid / "echo"], estimators=["taylor", "activation"], examples=2)
    pairs = [(one.task, one.estimator) for one in found]
    assert pairs == [(task, name) for task in ("mood", "echo") for name in ("taylor", "activation")]
    assert len({one.scores.tobytes() for one in found}) == 4


def test_a_task_without_training_examples_is_named(laid, tmp_path):
    folder = lay_task(tmp_path / "mood", MOOD, train=0)
    with pytest.raises(InputError, match=f"{folder}.*no examples"):
        attributed(laid, [folder])


def test_scores_of_the_whole_are_the_sums_of_those_of_its_halves(laid):
    """The halves share no example and leave none out."""
    ((whole, (even, odd)),) = attribute_with_halves(
        laid / "model", [laid / "mood"], Execution(), estimator="taylor", examples=5, batch_size=2
    )
    assert (whole.examples, even.examples, odd.examples) == (5, 3, 2)
    np.testing.assert_allclose(whole.scores, even.scores + odd.scores, rtol=1e-4, atol=1e-6)
    assert not np.allclose(even.scores, odd.scores)


# Jobs


def job(settings, inputs: dict[str, list[Path]], outputs: dict[str, list[Path]]) -> Job:
    """A job of a made-up run."""
    inputs, outputs = ({name: tuple(paths) for name, paths in files.items()} for files in (inputs, outputs))
    return Job(settings, Files(inputs), Files(outputs), RUN, identity="made up")


def reads(laid) -> dict[str, list[Path]]:
    """What a rule of attribution names."""
    return {
        "checkpoint": [laid / "model" / "config.json", laid / "model" / "model.safetensors"],
        "tasks": [laid / task / name for task in TASKS for name in ("task.json", "train.jsonl")],
    }


def test_jobs_lead_from_a_checkpoint_to_sets(laid, tmp_path):
    """Each file holds what its name says: the estimator, the task, the selection."""
    scores = {
        estimator: [tmp_path / "scores" / estimator / f"{task}.safetensors" for task in TASKS]
        for estimator in ("taylor", "activation", "contrast")
    }
    measured = [*scores["taylor"], *scores["activation"]]
    settings = AttributeSettings(("taylor", "activation"), examples=6, batch_size=4, dtype="float32")
    attribute_scores(job(settings, reads(laid), {"scores": measured}))
    expected = {(one.estimator, one.task): one for one in attributed(
        laid, [laid / task for task in TASKS], estimators=["taylor", "activation"], examples=6, batch_size=4
    )}  # fmt: skip
    for path in measured:
        np.testing.assert_array_equal(
            NeuronScores.load(path).scores, expected[path.parent.name, path.stem].scores, strict=True
        )

    derive_scores(job(DeriveSettings("contrast"), {"scores": scores["taylor"]}, {"scores": scores["contrast"]}))
    derived = contrast({task: expected["taylor", task] for task in TASKS})
    for path in scores["contrast"]:
        np.testing.assert_array_equal(NeuronScores.load(path).scores, derived[path.stem].scores)

    sets = [tmp_path / "sets" / f"{task}.safetensors" for task in TASKS]
    selection = Selection("contrast", 25.0, "layer")
    select_neurons(job(SelectSettings(selection, 2, "layer"), {"scores": scores["contrast"]}, {"sets": sets}))
    for path in sets:
        found, header = load_sets(path)
        assert header == {
            "task": path.stem, "model": sha256(laid / "model" / "model.safetensors"), "estimator": "contrast",
            "percent": "25.0", "within": "layer",
        }  # fmt: skip
        assert set(found) == {"task", "bottom", "random.0", "random.1"}
        assert found["task"] == derived[path.stem].top(25, "layer")
        assert found["random.1"] == random_like(found["task"], matching="layer", seed=3, draw=1)


def test_the_base_is_scored_whole_and_by_halves(laid, tmp_path):
    outputs = {
        "scores": [tmp_path / "scores" / f"{task}.safetensors" for task in TASKS],
        "halves": [tmp_path / "halves" / f"{task}.{half}.safetensors" for task in TASKS for half in range(2)],
    }
    settings = AttributeBaseSettings("taylor", examples=5, batch_size=4, dtype="float32")
    attribute_base(job(settings, reads(laid), outputs))
    for name, whole, parts in (("mood", 0, (0, 1)), ("echo", 1, (2, 3))):
        assert NeuronScores.load(outputs["scores"][whole]).task == name
        halves = [NeuronScores.load(outputs["halves"][part]) for part in parts]
        assert [(half.task, half.examples) for half in halves] == [(name, 3), (name, 2)]
