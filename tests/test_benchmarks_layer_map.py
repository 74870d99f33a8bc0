"""The map of the layers tells smooth curves from groups, on the simulated curves of the benchmark."""

from pathlib import Path

import numpy as np
import pytest

from taskneurons.measures.changepoint import layer_map

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))


@pytest.mark.parametrize("layers", [4, 8, 12])
def test_smooth_curves_seldom_have_groups(layers):
    """5 of 28 is the 99.6 % quantile at a rate of 5 %; `benchmarks.layer_map` has the rates."""
    from benchmarks.layer_map import noisy, smooth_curves

    rng = np.random.default_rng(layers)
    found = [
        layer_map(noisy(curve, noise_of_a_curve, rng), draws=39, seed=seed)
        for curve in smooth_curves(layers).values()
        for noise_of_a_curve in (0.1, 0.4)
        for seed in range(2)
    ]
    assert sum(one.verdict == "transition" for one in found) <= 5
    assert all(one.p_border > 0.05 for one in found if one.verdict in ("drift", "unclear"))


def test_steps_and_short_ramps_are_found_beside_their_border():
    from benchmarks.layer_map import grouped_curves, noisy

    rng = np.random.default_rng(0)
    for curve in grouped_curves(8).values():
        found = layer_map(noisy(curve, 0.1, rng), draws=59)
        assert (found.verdict, found.p_value <= 0.05, found.p_border <= 0.05) == ("transition", True, True)
        assert found.shared_end == np.flatnonzero(curve == 0)[-1]
        assert found.refinement_start == np.flatnonzero(curve == 1)[0]
        assert found.power >= 0.8


def test_too_much_noise_to_see_a_border_is_unclear_and_not_a_drift():
    from benchmarks.layer_map import grouped_curves, noisy

    verdicts = {
        layer_map(noisy(grouped_curves(8)["step, middle"], 1.5, np.random.default_rng(seed)), draws=59).verdict
        for seed in range(12)
    }
    assert "unclear" in verdicts and "drift" not in verdicts


def test_the_command_prints_a_rate_for_every_curve(capsys):
    from benchmarks import layer_map as benchmark

    assert benchmark.main(["--sets", "1", "--layers", "4"]) == 0
    said = capsys.readouterr().out
    assert "% false transitions, worst of 4 layers" in said
    assert all(name in said for name in (*benchmark.smooth_curves(4), *benchmark.grouped_curves(4)))


def test_the_command_has_no_option_for_rounds_which_it_has_not(capsys):
    from benchmarks import layer_map as benchmark

    with pytest.raises(SystemExit):
        benchmark.main(["--sets", "1", "--layers", "4", "--repeats", "2"])
    assert "unrecognized arguments: --repeats 2" in capsys.readouterr().err
