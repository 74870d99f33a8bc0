"""A sample of neurons against exact ablation: which are taken, what is said of them, and the job from files to rows."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawn import assert_inside_the_page, figure_of, words_of
from scipy.stats import spearmanr

from taskneurons.engine.attribution import attribute
from taskneurons.engine.effects import answered, batches_of, exact_effects
from taskneurons.engine.task_by_task import encoded_split
from taskneurons.errors import InputError
from taskneurons.job import Files, Job
from taskneurons.models.load import load_checkpoint, save_checkpoint
from taskneurons.models.scratch import Shape
from taskneurons.models.tokenizers import train_word_tokenizer
from taskneurons.neurons.sets import NeuronSet
from taskneurons.studies.validation import measure
from taskneurons.studies.validation.figures import draw_oracle
from taskneurons.studies.validation.measure import AblateSettings, NewModel
from taskneurons.studies.validation.oracle import compared
from taskneurons.studies.validation.rows import SAMPLED, TOGETHER, OracleRow, SampledRow, TogetherRow
from taskneurons.studies.validation.sample import sampled
from taskneurons.tasks.plant.suite import plant_suite
from taskneurons.tasks.storage import write_task

ROW = SampledRow("validation", "small", "words", 0, "mood", "top", 0, 0, 0.0, 0.0, 0.0, 0.0, 0.0, 4)


def test_a_sample_has_what_every_task_needs_then_what_one_task_needs_most_then_any_others() -> None:
    own, other = np.zeros((2, 2, 10))
    own[0, :4] = [9.0, 8.0, 7.0, 6.0]
    other[0, [0, 9]] = [5.0, 6.0]
    other[1, 5] = own[1, 5] = 1.0
    found = sampled({"a": own + 0.01, "b": other + 0.01}, "a", 2, 0)
    assert found["keystone"].tolist() == [[0, 0], [1, 5]], "9 and 5 of means of 1.6 and 0.6, 1 and 1"
    assert found["top"].tolist() == [[0, 1], [0, 2]]
    taken = {tuple(one) for kind in found.values() for one in kind.tolist()}
    assert len(taken) == 6, "no neuron is of two kinds"
    assert found["random"].tolist() != sampled({"a": own + 0.01, "b": other + 0.01}, "a", 2, 5)["random"].tolist()
    with pytest.raises(InputError, match=r"three kinds of 7 neurons, the model has 20\. Write at most 6"):
        sampled({"a": own}, "a", 7, 0)


def made(kind, signed, exact):
    return [
        replace(
            ROW, kind=kind, neuron=place, scored=2 * abs(one), absolute=abs(one), signed=one, exact_absolute=abs(two),
            exact_signed=two,
        )
        for place, (one, two) in enumerate(zip(signed, exact, strict=True))
    ]  # fmt: skip


def test_measures_are_correlations_a_slope_and_sums_and_their_intervals_hold_them() -> None:
    random = np.random.default_rng(0)
    said = random.normal(size=40)
    seen = 2 * said + random.normal(size=40)
    rows = made("top", said[:20], seen[:20]) + made("random", said[20:], seen[20:])
    sums = [TogetherRow("validation", "small", "words", 0, "mood", kind, 1.5, 20) for kind in ("top", "random")]
    found = {(row.kind, row.measure): row for row in compared(rows, sums, draws=200)}
    assert found["all", "signed"].value == pytest.approx(spearmanr(said, seen).statistic)
    assert found["top", "absolute"].value == pytest.approx(spearmanr(abs(said[:20]), abs(seen[:20])).statistic)
    assert found["all", "slope"].value == pytest.approx(np.linalg.lstsq(said[:, None], seen, rcond=None)[0][0])
    assert found["random", "same_sign"].value == pytest.approx(np.mean(said[20:] * seen[20:] > 0))
    assert found["top", "parts"].value == pytest.approx(seen[:20].sum())
    assert found["top", "first"].value == pytest.approx(said[:20].sum())
    assert found["top", "together"].value == 1.5
    slope = found["all", "slope"]
    # Two standard errors of the slope of 40 neurons with noise of 1 are 0.32.
    assert slope.low < slope.value < slope.high and 0.4 < slope.high - slope.low < 1.1


def test_too_few_or_equal_neurons_have_no_interval_and_say_why() -> None:
    sums = [TogetherRow("validation", "small", "words", 0, "mood", "top", 1.5, 3)]
    few = {row.measure: row for row in compared(made("top", [1, 2, 3], [1, 3, 2]), sums, draws=5) if row.kind == "top"}
    assert (few["signed"].low, few["signed"].reason) == (None, "an interval needs 10 neurons")
    equal = {row.measure: row for row in compared(made("top", [1, 2, 3], [1, 1, 1]), sums, draws=5)}
    assert (equal["signed"].value, equal["signed"].reason) == (None, "all values are equal")
    # The one sample that is drawn holds the neuron that differs, or lacks it.
    lone = made("top", np.arange(1.0, 13.0), [1.0] * 11 + [2.0])
    drawn = [
        row.reason
        for place in range(12)
        for row in compared(lone[place:] + lone[:place], sums, draws=1)
        if (row.kind, row.measure) == ("top", "signed")
    ]
    missed = set(range(12)) - set(np.random.default_rng(0).integers(12, size=12).tolist())
    said = "all values are equal in every bootstrap sample"
    assert [reason == said for reason in drawn] == [(11 - place) % 12 in missed for place in range(12)]


def test_the_job_ablates_the_sample_on_every_task(tmp_path: Path) -> None:
    texts, tasks = [], {}
    for task, splits, counts in plant_suite(2, 12, 3, 6, 0):
        tasks[task.name] = tmp_path / "tasks" / task.name
        write_task(tasks[task.name], task, splits, counts)
        texts += [f"{one.prompt} {one.target}" for one in splits["train"]]
    tokenizer = train_word_tokenizer(texts)
    model = NewModel("bloom", Shape(8, 2, 2, 32, 16), 0.3).made(tokenizer, 0)
    save_checkpoint(tmp_path / "base", model, tokenizer, name="base", context=16, parent=None)
    inputs = {
        "checkpoint": (tmp_path / "base" / "model.safetensors",),
        "tasks": tuple(path / "train.jsonl" for path in tasks.values()),
    }
    outputs = {name: (tmp_path / f"{name}.csv",) for name in ("sampled", "together")}
    wildcards = {"run": "words/small", "seed": "3"}
    measure.ablate(Job(AblateSettings(4, 12, 5, 3), Files(inputs), Files(outputs), wildcards, "x"))
    rows, sums = SAMPLED.read(outputs["sampled"][0]), TOGETHER.read(outputs["together"][0])
    assert len(rows) == 4 * 3 * 4 and len(sums) == 4 * 3
    loaded = load_checkpoint(tmp_path / "base")
    name = "family1_a"
    ready = encoded_split(loaded, tasks[name], "test", 5)
    batches = batches_of(ready, tokenizer.pad_token_id, 5)
    exact = exact_effects(loaded.model, batches)
    eq3 = attribute(loaded, ready, task="t", batch_size=5)["taylor"].scores / 5
    trained = attribute(loaded, encoded_split(loaded, tasks[name], "train", 12), task="t", batch_size=5)["taylor"]
    for row in (row for row in rows if row.task == name):
        at = row.layer, row.neuron
        assert row.exact_signed == pytest.approx(exact[at].mean(), abs=2e-6)
        assert row.exact_absolute == pytest.approx(np.abs(exact[at]).mean(), abs=2e-6)
        assert row.absolute == pytest.approx(eq3[at], rel=1e-3, abs=1e-7)
        assert row.scored == pytest.approx(trained.scores[at] / 12, rel=1e-3, abs=1e-7)
        assert abs(row.signed) <= row.absolute * 1.001 and row.examples == 5
    top = [(row.layer, row.neuron) for row in rows if (row.task, row.kind) == (name, "top")]
    gone = answered(loaded.model, batches, NeuronSet.from_indices(top, (2, 32))).losses
    whole = answered(loaded.model, batches).losses
    (found,) = (row.together for row in sums if (row.task, row.kind) == (name, "top"))
    assert found == pytest.approx((gone - whole).mean(), abs=2e-6)


def test_the_figure_has_a_mark_for_each_neuron_inside_the_page() -> None:
    rows = [
        replace(row, task=task)
        for task in ("mood", "topic", "names", "dates")
        for kind in ("keystone", "top", "random")
        for row in made(kind, np.array([1e-1, -1e-4, 0.0]), np.array([1.0, -1e-2, 1e-6]))
    ]
    found = [OracleRow("validation", "small", "words", 0, "mood", "all", "absolute", 0.5)]
    figure = figure_of(lambda paths: draw_oracle(rows, found, "small, words", paths))
    assert_inside_the_page(figure)
    assert len(figure.axes) == 4 and "mood absolute 0.50, with sign –" in words_of(figure)
    for axis in figure.axes:
        low, high = axis.get_ylim()
        drawn = [value for line in axis.lines if line.get_marker() != "None" for value in line.get_ydata()]
        assert len(drawn) == 9 and low < min(drawn) and max(drawn) < high
    assert "4 test examples" in words_of(figure)
