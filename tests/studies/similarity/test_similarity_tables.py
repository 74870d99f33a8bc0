"""Tables of similarity and transfer: against scipy, what was planted, and what must not be found."""

from dataclasses import replace

import numpy as np
import pytest
from made_up_similarity import KIND, TASKS, TEST, TRAIN, gains_like, make_cells, make_scores
from scipy.stats import linregress, pearsonr, spearmanr, t

from taskneurons.errors import InputError
from taskneurons.evidence.papers import CORRELATIONS as PRINTED
from taskneurons.studies.similarity.correlation import correlations, gather_transfer, p_of_printed
from taskneurons.studies.similarity.rows import CELLS, CORRELATIONS, DROP, LAYERS, MEAN, RISE, SIMILARITIES
from taskneurons.studies.similarity.tables import gather_similarity, layer_summary

KINDS = {("mine", name): kind for name, kind in KIND.items()}


def gathered(tmp_path, seeds=(0,), **options):
    paths = []
    for seed in seeds:
        paths.append(tmp_path / f"{seed}.csv")
        CELLS.write(paths[-1], make_cells(seed, **options))
    return gather_similarity(paths)


def correlated(cells, gains, published=(), draws=200):
    scores = [row for seed, own in gains.items() for row in make_scores(seed, own)]
    return correlations(gather_transfer(cells, scores, TASKS), TASKS, published, draws=draws)


def one(rows, **key):
    (row,) = [row for row in rows if all(getattr(row, name) == value for name, value in key.items())]
    return row


def test_cells_come_back_with_a_residual_that_overlap_does_not_explain(tmp_path):
    cells = gathered(tmp_path, (0, 1))
    assert [row.seed for row in cells] == sorted(row.seed for row in cells)
    for seed in (0, 1):
        own = [row for row in cells if (row.seed, row.state) == (seed, "tuned")]
        names = ("ochiai", "masked_cosine", "masked_cosine_residual")
        x, y, left = (np.array([getattr(row, name) for row in own]) for name in names)
        line = linregress(x, y)
        assert left == pytest.approx(y - line.slope * x - line.intercept)
        assert np.corrcoef(left, x)[0, 1] == pytest.approx(0, abs=1e-9)
    with pytest.raises(InputError, match=r"measures again what .*0\.csv holds: .* model llama, suite mine, seed 0"):
        gather_similarity([tmp_path / "0.csv", tmp_path / "0.csv"])


def test_layers_are_means_of_means_with_the_planted_profile(tmp_path):
    cells = gathered(tmp_path, (0, 1, 2))
    rows = layer_summary(cells, KINDS)
    for trained, models in (("all", TRAIN), ("generation", TRAIN[3:])):
        key = {"state": "tuned", "trained": trained, "tested": "all", "measure": "masked_cosine"}
        own = [row for row in cells if row.state == "tuned" and row.train_task in models]
        for layer in range(4):
            row = one(rows, **key, layer=layer)
            values = [cell.masked_cosine for cell in own if cell.layer == layer]
            assert row.value == pytest.approx(np.mean(values))
            assert (row.models, row.pairs) == (len(models), len(values))
            per_seed = [
                np.mean([cell.masked_cosine for cell in own if (cell.layer, cell.seed) == (layer, seed)])
                for seed in (0, 1, 2)
            ]
            half = t.ppf(0.975, 2) * np.std(per_seed, ddof=1) / np.sqrt(3)
            assert (row.low, row.high) == pytest.approx((np.mean(per_seed) - half, np.mean(per_seed) + half))
            assert row.interval == "95 % t over seeds"
        assert one(rows, **key, layer=RISE).value == pytest.approx(0.3)
        assert one(rows, **key, layer=DROP).value == pytest.approx(-0.2)


def test_one_seed_has_intervals_over_models_and_few_layers_no_claim(tmp_path):
    rows = layer_summary(gathered(tmp_path, depth=2), KINDS)
    row = one(rows, state="tuned", trained="all", tested="all", measure="masked_cosine", layer=1)
    assert row.interval == "95 % t over models" and row.low < row.value < row.high
    assert not [row for row in rows if row.layer in (RISE, DROP)]


def test_coefficients_are_those_of_the_models_points(tmp_path):
    cells = gathered(tmp_path)
    gains = gains_like(cells, slope=30, noise=8)
    rows = correlated(cells, {0: gains})
    for task in TEST:
        x = [
            np.mean([c.masked_cosine for c in cells if (c.state, c.train_task, c.test_task) == ("tuned", m, task)])
            for m in TRAIN
        ]
        y = [gains[model, task] for model in TRAIN]
        for coefficient, function in (("pearson", pearsonr), ("spearman", spearmanr)):
            key = {"scope": "test_task", "group": task, "measure": "masked_cosine", "layers": MEAN}
            score, loss = (one(rows, **key, coefficient=coefficient, outcome=o) for o in ("gain", "loss_gain"))
            assert score.value == pytest.approx(function(x, y).statistic)
            # A loss that falls as the score rises is the same finding.
            assert loss.value == pytest.approx(score.value) and loss.p_value == score.p_value
            assert (score.n, score.permutations, score.exact) == (6, 720, True)
            assert score.low < score.value < score.high and score.p_holm >= score.p_value


def test_planted_transfer_is_found_and_unrelated_transfer_is_not(tmp_path):
    cells = gathered(tmp_path, (0, 1, 2))
    own = {seed: [row for row in cells if row.seed == seed] for seed in (0, 1, 2)}
    rows = correlated(cells, {seed: gains_like(own[seed], slope=40, noise=1, seed=seed) for seed in own})
    key = {"seed": MEAN, "scope": "pooled", "state": "tuned", "outcome": "gain"}
    # The pairs of a family are like each other and transfer.
    assert one(rows, **key, measure="masked_cosine", given="").p_value < 0.05
    for given in ("", "kind", "kind, means of tasks"):
        assert one(rows, **key, measure="best_match_outside", given=given).p_value > 0.05
    rng = np.random.default_rng(9)
    noise = {seed: {(a, b): rng.normal() for a in TRAIN for b in TEST} for seed in (0, 1, 2)}
    rows = correlated(cells, noise)
    found = [row.p_value for row in rows if row.scope == "pooled" and row.measure == "masked_cosine"]
    assert np.mean(np.array(found) <= 0.05) <= 0.25


def test_the_chosen_layer_is_marked_and_pays(tmp_path):
    cells = gathered(tmp_path, (0, 1))
    gains = {seed: gains_like(cells, slope=10, noise=5, seed=seed) for seed in (0, 1)}
    rows = correlated(cells, gains)
    scores = [row for seed, own in gains.items() for row in make_scores(seed, own)]
    chosen = [row for row in rows if "selected" in row.layers]
    assert {row.seed for row in chosen} == {MEAN}
    mean = gather_transfer(cells, scores, TASKS)[-1]
    for column, task in enumerate(mean.test):
        curves = mean.layers["tuned"]["mean_cosine_outside"][:, :, column]
        values = [abs(pearsonr(curve, mean.gains["gain"][:, column]).statistic) for curve in curves]
        key = {"group": task, "measure": "mean_cosine_outside", "outcome": "gain", "coefficient": "pearson"}
        row = one(chosen, **key)
        assert row.layers == f"layer {int(np.argmax(values))} (selected)"
        assert abs(row.value) == pytest.approx(max(values)) and row.low is None


def test_table_4_stands_beside_ours_with_what_six_points_give(tmp_path, root):
    cells = gathered(tmp_path)
    printed = PRINTED.read(root / "published" / "leng2025" / "table4_similarity_correlation.csv")
    rows = correlated(cells, {0: gains_like(cells, slope=10, noise=5)}, printed)
    (row,) = [row for row in rows if row.published_task and row.coefficient == "pearson"]
    assert (row.group, row.published_task, row.published) == ("moods_b", "SST-2", 0.87)
    assert row.published_p_exact == pytest.approx(2 * t.sf(0.87 * np.sqrt(4 / (1 - 0.87**2)), 4))
    assert row.published_low < 0.25


def test_printed_coefficients_have_the_p_values_of_six_points():
    assert p_of_printed(0.79, 6, "pearson") == pytest.approx(0.062, abs=5e-4)
    assert p_of_printed(0.83, 6, "spearman") == pytest.approx(0.058, abs=5e-4)
    assert p_of_printed(1.0, 6, "pearson") == 0
    assert p_of_printed(1.0, 6, "spearman") == pytest.approx(2 / 720)


def test_equal_scores_have_no_correlation_and_say_so(tmp_path):
    cells = gathered(tmp_path)
    gains = gains_like(cells, slope=10, noise=5) | {(model, TEST[0]): 3.0 for model in TRAIN}
    rows = correlated(cells, {0: gains})
    row = one(rows, group=TEST[0], measure="masked_cosine", outcome="gain", coefficient="pearson", layers="mean")
    assert (row.value, row.p_value, row.reason) == (None, None, "all values of one side are equal")
    flat = correlated(cells, {0: {(a, b): 1.0 for a in TRAIN for b in TEST}})
    assert "equal" in one(flat, scope="pooled", state="base", measure="jaccard", outcome="gain", given="").reason


def test_layers_without_neurons_are_left_out_of_the_mean(tmp_path):
    rows = [
        replace(row, jaccard=None, ochiai=None, masked_cosine=None, reason="a set has no neurons")
        if row.layer == 3 and row.train_task == TRAIN[0]
        else row
        for row in make_cells()
    ]
    CELLS.write(tmp_path / "gap.csv", rows)
    cells = gather_similarity([tmp_path / "gap.csv"])
    scores = make_scores(0, {(a, b): 1.0 for a in TRAIN for b in TEST})
    (transfer,) = gather_transfer(cells, scores, TASKS)
    expected = np.mean([transfer.layers["tuned"]["masked_cosine"][layer] for layer in range(3)], axis=0)
    assert transfer.mean("tuned", "masked_cosine") == pytest.approx(expected)
    summary = layer_summary(cells, KINDS)
    key = {"state": "tuned", "trained": "all", "tested": "all", "measure": "masked_cosine"}
    assert (one(summary, **key, layer=3).models, one(summary, **key, layer=2).models) == (5, 6)


def test_tables_are_read_as_they_were_written_and_others_refused(tmp_path):
    cells = gathered(tmp_path)
    SIMILARITIES.write(tmp_path / "cells.csv", cells)
    assert SIMILARITIES.read(tmp_path / "cells.csv") == cells == SIMILARITIES.sorted(reversed(cells))
    layers = layer_summary(cells, KINDS)
    LAYERS.write(tmp_path / "layers.csv", layers)
    assert LAYERS.read(tmp_path / "layers.csv") == layers
    found = correlated(cells, {0: gains_like(cells, slope=10, noise=5)})
    CORRELATIONS.write(tmp_path / "correlations.csv", found)
    assert CORRELATIONS.read(tmp_path / "correlations.csv") == found
    with pytest.raises(InputError, match="columns must be"):
        CELLS.read(tmp_path / "cells.csv")
    text = (tmp_path / "0.csv").read_text()
    (tmp_path / "0.csv").write_text(text.replace(",tuned,", ",tunned,", 1))
    with pytest.raises(InputError, match="`state`: is `tunned`; expected one of tuned, base"):
        CELLS.read(tmp_path / "0.csv")
    (tmp_path / "0.csv").write_text(text.replace(",20,20,5,", ",20,many,5,", 1))
    with pytest.raises(InputError, match="`second`: is `many`; expected a whole number"):
        CELLS.read(tmp_path / "0.csv")


def test_what_is_missing_is_named(tmp_path):
    cells = gathered(tmp_path)
    scores = [row for row in make_scores(0, {(a, b): 1.0 for a in TRAIN for b in TEST}) if row.test_task != TEST[2]]
    with pytest.raises(InputError, match="without the score of mine, llama, 0"):
        gather_transfer(cells, scores, TASKS)
    with pytest.raises(InputError, match="no description"):
        layer_summary(cells, {})
