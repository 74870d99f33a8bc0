"""The benchmark of CKA and representations at a tiny shape: parity is asserted, the bars are those of the design."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def test_it_measures_both_shapes_and_the_representations(tmp_path, capsys):
    from benchmarks import cka

    out = tmp_path / "found.json"
    assert cka.main(["--shape", "tiny", "--repeats", "2", "--out", str(out)]) == 0
    found = json.loads(out.read_text())
    for label, most in (("n >= d", 0.45), ("n <= d/4", 0.12)):
        assert set(found[label]["variants"]) == {"authors", "authors_both", "pair", "known_side", "products"}
        assert 0 <= found[label]["error"] <= 1e-6
        bars = [bar for bar in found["bars"] if bar["name"].startswith(label)]
        assert [bar["most"] for bar in bars] == [most, most, most, 1e-6]
    assert [bar["most"] for bar in found["bars"] if "plain forward" in bar["name"]] == [1.1, 1.1]
    assert all(row["seconds"] > 0 for row in found["representations"].values())
    assert "both estimates of a pair" in capsys.readouterr().out


def test_it_refuses_other_estimates(monkeypatch):
    from benchmarks import cka

    x, y = cka.build_pair(60, 12)
    known = cka.Side(x)
    assert cka.assert_parity(x, y, known) <= 1e-6
    plain = cka.authors_cka
    monkeypatch.setattr(cka, "authors_cka", lambda *sides, **how: plain(*sides, **how) + 1e-4)
    with pytest.raises(AssertionError, match=r"differ by 0\.0001 from the authors' way"):
        cka.assert_parity(x, y, known)


def test_the_authors_way_is_cka_by_its_definition():
    """HSIC with centring matrices, n x n; and the U-statistic of Song et al. 2012."""
    from benchmarks.cka import authors_cka

    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(20, 6)), rng.normal(size=(20, 4))
    centring = np.eye(20) - 1 / 20

    def hsic(k, other):
        return np.trace(k @ centring @ other @ centring)

    k, other = x @ x.T, y @ y.T
    assert authors_cka(x, y) == pytest.approx(hsic(k, other) / np.sqrt(hsic(k, k) * hsic(other, other)))
    assert abs(authors_cka(x, y, debiased=True)) < authors_cka(x, y)
    assert authors_cka(x, x, debiased=True) == pytest.approx(1)
