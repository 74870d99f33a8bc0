"""Tables and figure of the dial: planted answers come back, and what is missing is said."""

import csv
import hashlib
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from csv_files import write_csv
from matplotlib.figure import Figure
from scipy.stats import sem, spearmanr, t

from taskneurons.errors import InputError
from taskneurons.evidence.runs import ALL_SEEDS
from taskneurons.neurons.sets import NeuronSet, save_sets
from taskneurons.studies.dial.figures import draw_dial
from taskneurons.studies.dial.rows import MEASURED, PAIRS, SUMMARY
from taskneurons.studies.dial.tables import dial_pairs, gather_sets, summarise_dial

TASKS = tuple(f"ring{place}_{side}" for place in range(4) for side in "ab")
SHAPE = (2, 60)
SELECTION = "taylor-2.5-layer"
RUN = {"study": "dial", "model": "llama", "suite": "dial"}


def shared(first: str, second: str) -> int:
    """Windows of two on a ring of four."""
    distance = abs(int(first[4]) - int(second[4]))
    return max(0, 2 - min(distance, 4 - distance))


def measured(seed: int, *, slope: float = 10.0, similar: float = 0.2, noise: float = 0.0) -> list[dict]:
    rng = np.random.default_rng(seed)
    rows = []
    for task in TASKS:
        for metric, value in (("rougeL", 30.0), ("loss", 2.0)):
            rows.append({**RUN, "seed": seed, "test_task": task, "metric": metric, "value": value, "n": 5})
    for source, task in product(TASKS, TASKS):
        count = shared(source, task)
        facts = {**RUN, "seed": seed, "train_task": source, "test_task": task, "shared": count}
        drawn = noise * rng.normal()
        rows.append({**facts, "metric": "rougeL", "value": 30 + slope * count + drawn, "n": 5})
        rows.append({**facts, "metric": "loss", "value": 2 - 0.1 * slope * count - drawn, "n": 5})
        if source != task:
            cells = {"metric": "masked_cosine", "sets": "base", "selection": SELECTION, "n": 2}
            rows.append({**facts, **cells, "value": similar * count + 0.3 * drawn})
            rows.append({**facts, "metric": "change_cosine", "value": 0.5, "n": None})
    return rows


def follows(task: str) -> NeuronSet:
    """Ten neurons a layer for each of the task's two skills."""
    mask = np.zeros(SHAPE, dtype=bool)
    for skill in (int(task[4]), (int(task[4]) + 1) % 4):
        mask[:, 10 * skill : 10 * skill + 10] = True
    return NeuronSet(mask)


def lay(folder: Path, seeds=(0, 1, 2), **options) -> tuple[list[dict], dict]:
    """Files as the jobs of the models write them, read again."""
    rng = np.random.default_rng(5)
    random = {task: NeuronSet(rng.random(SHAPE) < 0.3) for task in TASKS}
    files, sets, multitask = [], [], []
    for seed in seeds:
        files.append(folder / f"{seed}.csv")
        write_csv(files[-1], measured(seed, **options), MEASURED.columns)
        place = folder / "dial" / "llama" / f"seed{seed}" / "sets"
        for name in ("base", "shuffled", *TASKS):
            own = follows if name == "base" else random.__getitem__
            sets.append(place / f"{name}.safetensors")
            save_sets(sets[-1], {f"{SELECTION}.{task}": own(task) for task in TASKS}, {"model": "x"})
        for task in TASKS:
            multitask.append(place / SELECTION / f"{task}.safetensors")
            save_sets(multitask[-1], {"task": follows(task), "bottom": random[task]}, {"model": "x"})
    return MEASURED.gather(files), gather_sets(sets, multitask)


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dial")
    pairs = list(dial_pairs(*lay(folder, noise=8.0), [SELECTION]))
    PAIRS.write(folder / "dial.csv", pairs)
    SUMMARY.write(folder / "dial_summary.csv", summarise_dial(PAIRS.read(folder / "dial.csv"), draws=99))
    return folder


def chosen(rows, **cells):
    return [row for row in rows if all(getattr(row, key) == value for key, value in cells.items())]


def test_transfer_is_what_tuning_gains_over_the_base(tmp_path):
    pairs = list(dial_pairs(*lay(tmp_path, seeds=(0,)), [SELECTION]))
    assert len(chosen(pairs, measure="transfer_rougeL")) == 8 * 7
    for row in pairs:
        if row.measure == "transfer_rougeL":
            assert row.value == pytest.approx(10 * row.shared)
        if row.measure == "transfer_loss":
            assert row.value == pytest.approx(row.shared)


def test_overlap_is_beside_what_sets_of_these_layers_share_by_chance(tmp_path):
    pairs = list(dial_pairs(*lay(tmp_path, seeds=(0,)), [SELECTION]))
    rng = np.random.default_rng(0)
    # 20 of 60 neurons in each of two layers, drawn at random.
    draws = [(rng.permuted(np.tile(np.arange(60) < 20, (4000, 1)), axis=1)) for _ in range(4)]
    one, other = np.hstack(draws[:2]), np.hstack(draws[2:])
    expected = ((one & other).sum(1) / (one | other).sum(1)).mean()
    for row in pairs:
        if (row.measure, row.sets) == ("overlap", "base"):
            assert row.jaccard == pytest.approx({0: 0.0, 1: 1 / 3, 2: 1.0}[row.shared])
            assert row.chance == pytest.approx(expected, abs=2e-3)
            assert row.value == pytest.approx(row.jaccard - row.chance)
    base = [row.value for row in pairs if (row.measure, row.sets) == ("overlap", "base")]
    assert base == [row.value for row in pairs if (row.measure, row.sets) == ("overlap", "multitask")]


def test_correlations_are_those_of_scipy_and_their_interval_is_over_seeds(tables):
    pairs, summary = PAIRS.read(tables / "dial.csv"), SUMMARY.read(tables / "dial_summary.csv")
    of_seeds = []
    for seed in (0, 1, 2):
        own = chosen(pairs, seed=seed, measure="transfer_rougeL")
        of_seeds.append(spearmanr([row.shared for row in own], [row.value for row in own]).statistic)
        (told,) = chosen(summary, seed=seed, measure="transfer_rougeL", against="shared", given="")
        assert told.value == pytest.approx(of_seeds[-1]) and told.p == pytest.approx(0.01)
    (mean,) = chosen(summary, seed=ALL_SEEDS, measure="transfer_rougeL", against="shared", given="")
    z = np.arctanh(of_seeds)
    expected = np.tanh(np.array([z.mean(), *t.interval(0.95, 2, z.mean(), sem(z))]))
    assert (mean.value, mean.low, mean.high) == pytest.approx(tuple(expected))
    assert mean.interval == "t over 3 seeds, Fisher's z"
    assert all(-1 <= row.low <= row.high <= 1 for row in summary if row.against and row.low is not None)
    (level,) = chosen(summary, seed=0, measure="transfer_rougeL", against="", shared=1)
    own = [row.value for row in chosen(pairs, seed=0, measure="transfer_rougeL", shared=1)]
    assert (level.value, level.pairs) == (pytest.approx(np.mean(own)), len(own))


def test_means_at_a_level_have_plain_intervals_over_seeds(tables):
    pairs, summary = PAIRS.read(tables / "dial.csv"), SUMMARY.read(tables / "dial_summary.csv")
    own = [
        np.mean([row.value for row in chosen(pairs, seed=seed, measure="transfer_rougeL", shared=1)])
        for seed in (0, 1, 2)
    ]
    (mean,) = chosen(summary, seed=ALL_SEEDS, measure="transfer_rougeL", against="", shared=1)
    assert (mean.value, mean.low) == pytest.approx((np.mean(own), t.interval(0.95, 2, np.mean(own), sem(own))[0]))
    assert mean.interval == "t over 3 seeds"


def test_a_perfect_correlation_has_no_interval(tmp_path):
    pairs = list(dial_pairs(*lay(tmp_path), [SELECTION]))
    summary = list(summarise_dial(pairs, draws=9))
    (row,) = chosen([row for row in summary if row.against], seed=ALL_SEEDS, measure="transfer_rougeL")
    assert row.value == pytest.approx(1) and row.low is None
    assert row.reason == "a correlation is 1 or -1, where Fisher's z has no value"


def test_a_measure_that_only_follows_the_dial_says_nothing_of_transfer_given_it(tables):
    summary = SUMMARY.read(tables / "dial_summary.csv")
    for measure, sets, beyond in (("overlap", "base", False), ("masked_cosine", "base", True)):
        whole, partial = (
            chosen(summary, seed=0, measure=measure, sets=sets, against="transfer_rougeL", given=given)[0]
            for given in ("", "shared")
        )
        assert whole.value > 0.7
        if beyond:
            # The planted similarity also holds what chance gave this pair's transfer.
            assert partial.value > 0.5
        else:
            assert partial.value is None and partial.reason == "all pairs of tasks are equal, given the nuisance"


def test_sets_that_ignore_the_skills_do_not_follow_the_dial(tables):
    (row,) = chosen(
        SUMMARY.read(tables / "dial_summary.csv"),
        seed=0, measure="overlap", sets="source", against="shared", given="",
    )  # fmt: skip
    assert abs(row.value) < 0.35 and row.p > 0.05


def test_what_is_not_available_says_why(tables, tmp_path):
    (row,) = chosen(SUMMARY.read(tables / "dial_summary.csv"), seed=1, measure="change_cosine", against="shared")
    assert row.value is None and row.reason == "all pairs of tasks are equal"
    rows, sets = lay(tmp_path, seeds=(0,))
    few = [row for row in rows if {row.train_task, row.test_task} <= {"", "ring0_a", "ring0_b", "ring1_a"}]
    summary = list(summarise_dial(list(dial_pairs(few, sets, [SELECTION])), draws=9))
    reasons = {row.reason for row in summary if row.against and row.seed == 0}
    assert reasons == {"3 tasks, at least 4 are needed"}
    alone = [row for row in summary if row.seed == ALL_SEEDS and row.shared == 1]
    assert alone and all(row.low is None and row.reason == "1 seeds, at least 3 are needed" for row in alone)


def test_missing_files_are_named(tmp_path):
    rows, sets = lay(tmp_path, seeds=(0,))
    with pytest.raises(InputError, match="there are no scores of the base of llama on dial, seed 0"):
        list(dial_pairs([row for row in rows if row.train_task], sets, [SELECTION]))
    with pytest.raises(InputError, match="there is no other set of ring0_a or ring0_b in the model `base`"):
        list(dial_pairs(rows, sets, ["other"]))
    with (tmp_path / "bad.csv").open("w") as file:
        csv.writer(file).writerows([MEASURED.columns, ["dial"] * len(MEASURED.columns)])
    with pytest.raises(InputError, match=r"bad.csv:2: `seed`: is `dial`; expected a whole number"):
        MEASURED.gather([tmp_path / "bad.csv"])
    with pytest.raises(InputError, match="columns must be"):
        PAIRS.read(tmp_path / "0.csv")


def test_the_figure_has_the_same_bytes_twice_and_says_what_it_draws(tables, tmp_path, monkeypatch):
    pairs, summary = PAIRS.read(tables / "dial.csv"), SUMMARY.read(tables / "dial_summary.csv")
    digests = []
    for name in ("one", "two"):
        paths = [tmp_path / name / f"dial.{extension}" for extension in ("png", "svg")]
        draw_dial(pairs, summary, paths, suite="dial", model="llama", selection=SELECTION, dpi=60)
        digests.append([hashlib.sha256(path.read_bytes()).hexdigest() for path in paths])
    assert digests[0] == digests[1]
    drawn = []
    monkeypatch.setattr(Figure, "savefig", lambda self, *_, **__: drawn.append(self))
    draw_dial(pairs, summary, [tmp_path / "x.png"], suite="dial", model="llama", selection=SELECTION)
    transfer = drawn[0].axes[0]
    assert len(transfer.collections[0].get_offsets()) == 3 * 8 * 7
    (row,) = chosen(summary, seed=ALL_SEEDS, measure="transfer_rougeL", against="shared")
    assert transfer.get_legend().get_texts()[0].get_text() == f"transfer: ρ = {row.value:.2f}"
    with pytest.raises(InputError, match="no pairs of tasks of bloom on dial were measured"):
        draw_dial(pairs, summary, [tmp_path / "x.png"], suite="dial", model="bloom", selection=SELECTION)
