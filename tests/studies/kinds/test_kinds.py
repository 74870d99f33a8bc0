"""Overlap against transfer across kinds, from pairs of tasks that were made by hand."""

from dataclasses import replace

import numpy as np
import pytest
from drawn import assert_inside_the_page, figure_of, words_of

from taskneurons.errors import InputError
from taskneurons.evidence.runs import Run
from taskneurons.evidence.tasks import DescribedTask
from taskneurons.evidence.trained import Trained
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.selection import Selection
from taskneurons.studies.kinds.figures import draw_correlation, draw_pairs
from taskneurons.studies.kinds.relate import Tuned, Words, relate, states
from taskneurons.studies.kinds.rows import PairRow, StateRow
from taskneurons.studies.kinds.tables import correlations, judge
from taskneurons.tasks.task import Example

FAMILIES = ("sum", "list", "mood", "fact", "tongue")


def pairs(gain, *, words=lambda i, j: 0.0, seeds=(0, 1, 2)):
    """Tasks `sum_a`, ... are trained on, `sum_b`, ... test; `gain` sees places and overlap."""
    rng = np.random.default_rng(0)
    overlap = rng.random((5, 5))
    return [
        PairRow(
            "mine", "tiny", seed, f"{one}_a", f"{other}_b", one, other, jaccard=float(overlap[i, j]),
            prompt_words=words(i, j), answer_words=0.0, gain=0.0, loss_gain=gain(i, j, float(overlap[i, j])),
        )
        for seed in seeds
        for i, one in enumerate(FAMILIES)
        for j, other in enumerate(FAMILIES)
    ]  # fmt: skip


def state(task="sum_a", use="trained", untuned=50.0, tuned=90.0, seed=0):
    return StateRow("mine", "tiny", seed, task, task.partition("_")[0], use, 40.0, untuned, tuned)


TELLING = judge(
    [state(f"{one}_a") for one in FAMILIES] + [state(f"{one}_b", "tested") for one in FAMILIES], learned=10, full=97
)


def found(rows, tasks=TELLING, *, pairs="across", predictor="jaccard", outcome="loss_gain", given="means of tasks"):
    every = correlations(rows, tasks, draws=200)
    (row,) = [
        row for row in every if (row.pairs, row.predictor, row.outcome, row.given) == (pairs, predictor, outcome, given)
    ]
    return row


def test_transfer_that_is_the_overlap_correlates_wholly_and_beats_every_relabelling():
    row = found(pairs(lambda i, j, overlap: overlap))
    assert row.value == pytest.approx(1)
    assert row.p_value == pytest.approx(1 / 201)
    assert (row.trained, row.tested, row.n) == (5, 5, 20)


def test_seeds_that_differ_give_an_interval_and_one_p_of_their_mean():
    rows = pairs(lambda i, j, overlap: overlap)
    turned = [replace(row, loss_gain=-row.loss_gain) if row.seed == 2 else row for row in rows]
    row = found(turned)
    assert row.value == pytest.approx(1 / 3) and row.low < 0 < row.high
    # Two seeds of three decide the mean of each pair.
    assert row.joined == pytest.approx(1) and row.seeds == 3


def test_pairs_of_one_kind_decide_nothing_across_kinds():
    rows = pairs(lambda i, j, overlap: overlap)
    other = [replace(row, jaccard=0.9 if row.train_family == row.test_family else row.jaccard) for row in rows]
    for one in (rows, other):
        # Ranks of the other cells of a column move by at most one.
        assert found(one).value == pytest.approx(1, abs=0.1)
    whole = found(other, pairs="all")
    assert whole.n == 25 and whole.value < 0.9


def test_overlap_of_words_takes_away_what_it_explains():
    rows = pairs(lambda i, j, overlap: float(i * j % 5), words=lambda i, j: (i * j % 5) / 5)
    rows = [replace(row, jaccard=row.prompt_words) for row in rows]
    assert found(rows, predictor="prompt_words").value == pytest.approx(1)
    left = found(rows, given="means of tasks, words")
    assert left.value is None or abs(left.value) < 0.99


def test_a_task_that_helps_everywhere_counts_for_nothing_beside_its_mean():
    rows = pairs(lambda i, j, overlap: float(i))
    rows = [replace(row, jaccard=row.loss_gain / 5) for row in rows]
    assert found(rows, given="").value == pytest.approx(1, abs=0.2)
    row = found(rows)
    assert row.value is None and "equal" in row.reason


def test_a_task_that_was_not_learned_or_cannot_gain_is_in_no_test():
    rows = [
        state("sum_a", tuned=45.0),
        state("list_a"),
        state("sum_b", "tested", untuned=98.0, tuned=99.0),
        # What the untuned model knows of a tested task counts.
        state("list_b", "tested", untuned=90.0, tuned=30.0),
    ]
    judged = {row.task: row for row in judge(rows, learned=10, full=97)}
    assert {task for task, row in judged.items() if row.tells} == {"list_a", "list_b"}
    assert judged["sum_a"].reason == "not learned"
    assert judged["sum_b"].reason == "nothing left to gain"
    row = found(pairs(lambda i, j, overlap: overlap), list(judged.values()))
    assert (row.trained, row.tested, row.value) == (1, 1, None)
    assert "at least 3 x 3" in row.reason


def trained(train, test, metric, value):
    condition = "zero_shot" if train is None else "full"
    setting = (None,) * 6
    return Trained("similarity", "tiny", "mine", 0, condition, None, train, test, *setting, None, metric, value, 10)


def test_pairs_hold_shared_neurons_and_words_and_what_tuning_adds():
    one = DescribedTask("mine", "mood_a", "mood", "classification", constant=50)
    other = DescribedTask("mine", "list_b", "list", "generation")
    rows = [
        trained(None, "mood_a", "accuracy", 40.0),
        trained("mood_a", "mood_a", "accuracy", 95.0),
        trained(None, "list_b", "rougeL", 20.0),
        trained("mood_a", "list_b", "rougeL", 15.0),
        trained(None, "list_b", "loss", 1.0),
        trained("mood_a", "list_b", "loss", 1.5),
    ]
    grids = {"mood_a": [[4, 3, 0, 0]], "list_b": [[4, 0, 3, 0]]}
    scores = {
        task: NeuronScores(*(np.array(grid, np.float32),) * 3, task, "d", "taylor", 1, 1)
        for task, grid in grids.items()
    }
    words = {
        "mood_a": Words.of([Example("1", "rate {input}", "good food", "good")]),
        "list_b": Words.of([Example("1", "sort {input}", "good day", "day good")]),
    }
    given = {"scores": scores, "words": words, "selection": Selection("taylor", 50, "model"), "tuned": Tuned(rows)}
    (pair,) = relate(Run("mine", "tiny", 0), [one], [other], **given)
    assert (pair.jaccard, pair.prompt_words, pair.answer_words) == (pytest.approx(1 / 3), 1 / 5, 1 / 2)
    assert (pair.gain, pair.loss_gain) == (-5.0, -0.5)
    tested, own = sorted(states(Run("mine", "tiny", 0), [one], [other], Tuned(rows)), key=lambda row: row.use)
    assert (own.use, own.constant, own.untuned, own.tuned) == ("trained", 50, 40.0, 95.0)
    assert (tested.use, tested.untuned, tested.tuned) == ("tested", 20.0, 15.0)
    with pytest.raises(InputError, match="no loss on list_b of the model tuned on other"):
        Tuned(rows).value("other", "list_b", "loss")


def test_figures_show_every_pair_and_every_control():
    rows = pairs(lambda i, j, overlap: overlap - 0.5, words=lambda i, j: (i + j) / 10)
    silent = [replace(row, tells=row.task != "sum_b", reason="") for row in TELLING]
    figure = figure_of(lambda paths: draw_pairs(rows, silent, paths, suite="mine", model="tiny"))
    assert_inside_the_page(figure)
    assert "(sum_b)" in words_of(figure) and "list_b" in words_of(figure)
    assert sum(len(axis.patches) for axis in figure.axes if axis.images) == 3 * 5
    found_rows = correlations(rows, silent, draws=50)
    figure = figure_of(lambda paths: draw_correlation(found_rows, paths, suite="mine", model="tiny"))
    assert_inside_the_page(figure)
    assert "words of prompts, across kinds" in words_of(figure) and "p = 0.02" in words_of(figure)
    blank = [replace(row, value=None) for row in found_rows]
    figure = figure_of(lambda paths: draw_correlation(blank, paths, suite="mine", model="tiny"))
    assert "no pairs of tasks can tell" in words_of(figure)
