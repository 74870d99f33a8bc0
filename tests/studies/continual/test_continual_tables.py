"""Rows and tables of streams: planted effects come back, files may come in any order, mistakes are named."""

from dataclasses import asdict, replace
from itertools import product
from pathlib import Path
from random import Random

import numpy as np
import pytest
from csv_files import write_csv
from made_up_streams import ALONE, BENCHMARKS, LOST, ORDERS, TASKS, stream_rows, trials
from scipy.stats import spearmanr, ttest_1samp

from taskneurons.errors import InputError
from taskneurons.evidence import papers
from taskneurons.studies.continual.published import published_streams
from taskneurons.studies.continual.rates import rate_table
from taskneurons.studies.continual.rows import MEASURES, METHOD_MEANS, RATES, STREAMS, SUMMARY, TRIALS
from taskneurons.studies.continual.streams import benchmark_of, gather_streams, sequences
from taskneurons.studies.continual.summary import average_methods, measure_streams, summarise_streams

SOME = ("seqft", "olora", "ncft", "wncft", "epi", "pertask", "multitask")


def lay(folder: Path, methods=SOME, orders=("1", "2", "3"), seeds=(0, 1, 2), **options) -> list[Path]:
    """Files as the jobs write them."""
    paths = []
    for method, order, seed in product(methods, orders, seeds):
        paths.append(folder / f"{method}-{order}-{seed}.csv")
        STREAMS.write(paths[-1], stream_rows(method, order, seed=seed, **options))
    return paths


def one(rows, **cells):
    (row,) = (row for row in rows if all(getattr(row, key) == value for key, value in cells.items()))
    return row


def summarise(rows):
    return summarise_streams(measure_streams(rows, BENCHMARKS))


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    return gather_streams(lay(tmp_path_factory.mktemp("streams")))


@pytest.fixture(scope="module")
def measures(rows):
    return measure_streams(rows, BENCHMARKS)


@pytest.fixture(scope="module")
def summary(measures):
    return summarise_streams(measures)


def printed():
    """Tables 5 and 14 of Leng & Xiong 2025."""
    files = [
        Path(__file__).parents[3] / "published" / "leng2025" / f"{papers.FILES[name]}.csv" for name in ("T5", "T14")
    ]
    return papers.STREAMS.read(files[0]), papers.ORDERS.read(files[1])


def test_what_was_planted_comes_back(tmp_path):
    """Without noise each later stage takes a share of what a task was learned to above its floor."""
    found = summarise(gather_streams(lay(tmp_path, seeds=(0,), spread=0.0)))
    floors = {task.name: task.constant for task in TASKS}
    for method, order, scoring in product(("seqft", "ncft"), ("1", "2", "3"), ("free", "restricted")):
        tasks, kept = ORDERS[order], 1 - LOST[method] / (1 if scoring == "free" else 2)
        at_end = [floors[task] + (ALONE - floors[task]) * kept ** (3 - place) for place, task in enumerate(tasks)]
        lost = [ALONE - value for value in at_end]
        planted = {
            "CL": np.mean(at_end),
            "FG": 100 * np.mean(at_end[:-1]) / ALONE,
            "BWT": -np.mean(lost[:-1]),
            "FWT": 0.0,
            "max_forgetting": max(
                (ALONE - floors[task]) * (1 - kept ** (3 - place)) for place, task in enumerate(tasks[:-1])
            ),
            "learned": ALONE,
            "learned_share": 100,
        }
        for metric, value in planted.items():
            got = one(found, method=method, order=order, metric=metric, scoring=scoring, rate="own")
            # The last task but one was best when it was learned: nothing is taken between its stage and the end's.
            assert got.value == pytest.approx(value, abs=1e-3), (method, order, metric)
            assert (got.n, got.seed, got.reason) == (1, "mean", "1 seed, at least 3 are needed")
    alone = one(found, method="pertask", order="1", metric="CL", scoring="free")
    assert alone.value == pytest.approx(ALONE)
    assert one(found, method="multitask", order="1", metric="FG", scoring="free").value == pytest.approx(100)
    assert one(found, method="epi", order="1", metric="identification", rate="equal").value == pytest.approx(90)


def end(rows, method, seed, order, scoring="free"):
    """CL of a stream at the method's own rate."""
    return np.mean([
        r.value for r in rows
        if (r.method, r.order, r.metric, r.stage, r.seed) == (method, order, "accuracy", 4, seed)
        and (r.rate, r.scoring) == ("own", scoring)
    ])  # fmt: skip


def test_intervals_over_seeds_are_those_of_scipy(rows, summary):
    row = one(summary, method="ncft", order="2", metric="CL", scoring="free", rate="own")
    ends = [end(rows, "ncft", seed, "2") for seed in range(3)]
    interval = ttest_1samp(ends, 0).confidence_interval()
    assert (row.value, row.low, row.high) == pytest.approx((np.mean(ends), *interval))
    assert (row.n, row.seeds, row.interval, row.reason) == (3, "0 1 2", "95 % t over seeds", "")


def test_storage_is_that_of_the_end_and_trainable_weights_those_of_a_stage(summary):
    assert one(summary, method="ncft", order="1", metric="storage", rate="own").value == pytest.approx(0.3e6 * 4)
    assert one(summary, method="ncft", order="1", metric="trainable", rate="equal").value == 70_000
    # Joint training has one stage for all tasks of its order.
    assert one(summary, method="multitask", order="1", metric="passes").value == 960
    assert one(summary, method="ncft", order="1", metric="passes", rate="own").value == 960 + 300


def test_what_a_method_cannot_have_is_empty_and_says_why(summary):
    assert one(summary, method="multitask", order="1", metric="BWT", scoring="free").reason == "it learns no stream"
    assert one(summary, method="pertask", order="1", metric="FWT", scoring="free").value is None
    no_limits = summarise(list(stream_rows("ncft", "1")))
    for metric in ("FG", "learned_share"):
        row = one(no_limits, method="ncft", metric=metric, scoring="free", rate="own")
        assert (row.value, row.n) == (None, 0)
        assert row.reason == "Per-Task FT was not run on this order with this seed"


@pytest.mark.parametrize("shuffle", range(3))
def test_the_order_of_files_and_of_rows_does_not_matter(tmp_path, shuffle):
    paths = lay(tmp_path, methods=("seqft", "ncft", "multitask", "pertask"), orders=("1", "2"), seeds=(0, 1))
    expected = gather_streams(paths)
    random = Random(shuffle)
    random.shuffle(paths)
    assert gather_streams(paths) == expected
    shuffled = list(expected)
    random.shuffle(shuffled)
    assert measure_streams(shuffled, BENCHMARKS) == measure_streams(expected, BENCHMARKS)


def test_tables_are_read_as_they_were_written(tmp_path, rows, measures, summary):
    means = average_methods(measures, 90)
    for table, written in ((STREAMS, rows), (MEASURES, measures), (SUMMARY, summary), (METHOD_MEANS, means)):
        table.write(tmp_path / "table.csv", written)
        assert table.read(tmp_path / "table.csv") == written


def test_bases_are_the_units_and_are_paired_with_ncft(rows, measures):
    found = [row for row in average_methods(measures, 90) if (row.metric, row.rate) == ("CL", "own")]
    assert {row.orders for row in found} == {"standard"}
    bases = {
        method: np.array([np.mean([end(rows, method, seed, order) for order in "123"]) for seed in range(3)])
        for method in ("seqft", "ncft")
    }
    row = one(found, method="seqft", scoring="free")
    interval = ttest_1samp(bases["seqft"], 0).confidence_interval()
    assert (row.value, row.low, row.high) == pytest.approx((bases["seqft"].mean(), *interval))
    assert (row.n, row.reason) == (3, "")
    less = bases["seqft"] - bases["ncft"]
    interval = ttest_1samp(less, 0).confidence_interval()
    assert (row.less_ncft, row.less_ncft_low, row.less_ncft_high) == pytest.approx((less.mean(), *interval))
    assert one(found, method="ncft", scoring="free").less_ncft is None


def test_a_method_that_learns_less_than_is_asked_is_marked(tmp_path):
    right = gather_streams(lay(tmp_path, methods=("ncft", "seqft", "pertask"), seeds=(0,), spread=0.0))
    weak = [
        replace(row, value=0.8 * row.value)
        if row.method == "ncft" and row.rate == "equal" and row.metric == "accuracy"
        else row
        for row in right
    ]
    found = average_methods(measure_streams(weak, BENCHMARKS), 90)
    marked = {(row.method, row.rate): row.has_learned for row in found if row.metric == "CL"}
    assert marked == {
        ("ncft", "own"): True, ("ncft", "equal"): False, ("seqft", "own"): True, ("seqft", "equal"): True,
        ("pertask", "own"): True,
    }  # fmt: skip
    shares = {(row.method, row.rate, row.scoring): row.value for row in found if row.metric == "learned_share"}
    assert shares["ncft", "equal", "free"] == pytest.approx(80)
    alone = average_methods(measure_streams([row for row in weak if row.method != "pertask"], BENCHMARKS), 90)
    assert {row.has_learned for row in alone if row.metric == "CL"} == {None}


def test_a_base_without_all_orders_is_no_unit(tmp_path):
    paths = lay(tmp_path, methods=("ncft",), orders=("1", "2", "4"), seeds=(0, 1, 2))
    paths += lay(tmp_path, methods=("seqft",), orders=("1", "4"), seeds=(0, 1, 2))
    found = average_methods(measure_streams(gather_streams(paths), BENCHMARKS), 90)
    found = [row for row in found if (row.metric, row.scoring, row.rate) == ("CL", "free", "own")]
    assert list(dict.fromkeys(row.orders for row in found)) == ["large", "standard", "all"]
    assert one(found, method="seqft", orders="standard").n == one(found, method="seqft", orders="all").n == 0
    assert one(found, method="seqft", orders="large").n == one(found, method="ncft", orders="all").n == 3


def test_printed_values_stand_beside_ours_and_ranks_are_compared(rows, summary):
    found = published_streams(summary, *printed(), sequences(rows), TASKS)
    row = one(found, method="ncft", order="2")
    assert (row.published_method, row.published) == ("NCFT", 70.9)
    assert row.value == one(summary, method="ncft", order="2", metric="CL", scoring="free", rate="own").value
    both = [r for r in found if r.order == "2" and r.rank is not None]
    expected = spearmanr([r.value for r in both], [r.published for r in both]).statistic
    assert row.correlation == pytest.approx(expected)
    assert {r.method for r in both} == {"seqft", "olora", "ncft", "wncft", "epi"} and row.ranked == 5
    mean = one(found, method="seqft", order="all")
    assert mean.published == pytest.approx(np.mean([46.4, 47.3, 47.5]), abs=0.01)
    assert one(found, method="pertask", order="1").rank is None


def test_an_order_that_is_not_the_papers_is_not_compared(tmp_path):
    """It has the paper's name for an order, and other tasks."""
    turned = ORDERS["2"]
    found = gather_streams(lay(tmp_path, methods=("seqft", "ncft", "olora"), orders=("1",), sequence=turned))
    summary = summarise(found)
    assert published_streams(summary, *printed(), sequences(found), TASKS) == []
    unknown = [replace(task, source="generated") for task in TASKS]
    right = gather_streams(lay(tmp_path, methods=("seqft",), orders=("1",)))
    assert published_streams(summarise(right), *printed(), sequences(right), unknown) == []


MISTAKES = {
    "`method` is empty": {"method": ""},
    "`metric`: is `f1`": {"metric": "f1"},
    "`seed`: is `one`": {"seed": "one"},
    "`value`: is `nan`": {"value": "nan"},
    "`test_task`, `value` or `n` is empty in a row of accuracy": {"n": ""},
    "`value` or `n` is empty": {"value": ""},
    "`value` is 101": {"value": 101},
    "`value`: is `-1`": {"value": -1},
    "`scoring` is empty in a row of accuracy": {"scoring": ""},
    "`scoring` is free in a row of trainable": {"metric": "trainable"},
    "trainable is of a stage": {"metric": "trainable", "scoring": ""},
    "`metric`: is `seconds`": {"metric": "seconds"},
    "`value` is empty in a row of storage": {"metric": "storage", "scoring": "", "value": "", "n": "", "test_task": ""},
    "`train_task` is empty at stage 2": {"stage": 2},
    "stage 0, before anything is learned, has train_task `topic_news`": {"train_task": "topic_news"},
    "`test_task`, `value`": {"test_task": ""},
    "pertask trains a and tests topic_encyclopedia": {"method": "pertask", "stage": 1, "train_task": "a"},
}


@pytest.mark.parametrize("message", MISTAKES)
def test_a_row_that_breaks_the_contract_is_named(tmp_path, message):
    good = asdict(next(stream_rows("ncft", "1")))
    write_csv(tmp_path / "x.csv", [good, good | MISTAKES[message]], STREAMS.columns)
    with pytest.raises(InputError, match=f"x.csv:3: .*{message}"):
        STREAMS.read(tmp_path / "x.csv")


def test_a_method_that_is_not_listed_is_named(tmp_path):
    write_csv(tmp_path / "x.csv", [asdict(next(stream_rows("ncft", "1"))) | {"method": "magic"}], STREAMS.columns)
    with pytest.raises(InputError, match=r"there is no method `magic`\. Choose among seqft"):
        gather_streams([tmp_path / "x.csv"])


def test_files_that_do_not_fit_each_other_are_refused(tmp_path):
    paths = lay(tmp_path, methods=("ncft",), orders=("1",), seeds=(0,))
    with pytest.raises(InputError, match="measures again what"):
        gather_streams(paths * 2)
    other = lay(tmp_path, methods=("seqft",), orders=("1",), seeds=(0,), sequence=ORDERS["2"])
    with pytest.raises(InputError, match="stage 3 of order `1` of suite `stream` trained topic_question and, with"):
        gather_streams(paths + other)


def test_sequences_must_be_streams():
    rows = [row for row in stream_rows("ncft", "1") if row.stage != 2]
    with pytest.raises(InputError, match="has stages 1, 3, 4, not 1 to 3"):
        sequences(rows)
    twice = list(stream_rows("ncft", "1", sequence=("a", "b", "a")))
    with pytest.raises(InputError, match="trains a task twice: a, b, a"):
        sequences(twice)
    more = [*stream_rows("ncft", "1"), *(replace(row, test_task="other") for row in stream_rows("ncft", "1") if row.n)]
    with pytest.raises(InputError, match="tests other, which it does not train"):
        sequences(more)
    assert sequences(stream_rows("multitask", "1")) == {}


def test_benchmarks_must_hold_every_order_once_with_the_same_tasks():
    orders = {("stream", order): tasks for order, tasks in ORDERS.items()}
    assert set(benchmark_of(orders, BENCHMARKS).values()) == {"standard", "large"}
    with pytest.raises(InputError, match="order `3` of suite `stream` is in no benchmark"):
        benchmark_of(orders, {"stream": {"standard": "12", "large": "456"}})
    with pytest.raises(InputError, match="order `3` of suite `stream` is in benchmark `standard` and `large`"):
        benchmark_of(orders, {"stream": {"standard": "123", "large": "3456"}})
    with pytest.raises(InputError, match="orders `1` and `4` of benchmark `all` have different tasks"):
        benchmark_of(orders, {"stream": {"all": "123456"}})
    with pytest.raises(InputError, match="in no benchmark"):
        benchmark_of(orders, {})


def lay_trials(folder: Path, methods=("seqft", "ewc", "wncft", "wncft_literal")) -> list[Path]:
    paths = []
    for method in methods:
        paths.append(folder / "continual" / "stream" / "llama" / "rates" / f"{method}.csv")
        TRIALS.write(paths[-1], trials(method))
    return paths


def test_trials_name_their_run_and_rates_at_the_edge(tmp_path):
    paths = lay_trials(tmp_path)
    rows = rate_table(reversed(paths))
    assert rows == rate_table(paths)
    assert {(row.suite, row.model) for row in rows} == {("stream", "llama")}
    RATES.write(tmp_path / "rates.csv", rows)
    assert RATES.read(tmp_path / "rates.csv") == rows
    TRIALS.write(paths[0], [replace(row, chosen=row.learning_rate == 1e-4) for row in trials("seqft")])
    marked = [row.learning_rate for row in rate_table(paths[:1]) if row.at_edge]
    assert marked == [1e-4]
    # One rate has no edge.
    TRIALS.write(paths[0], [replace(trials("seqft")[0], chosen=True)])
    assert not any(row.at_edge for row in rate_table(paths[:1]))


def test_trials_that_choose_nothing_or_twice_are_refused(tmp_path):
    (path,) = lay_trials(tmp_path, ("seqft",))
    TRIALS.write(path, [replace(row, chosen=False) for row in trials("seqft")])
    with pytest.raises(InputError, match="0 trials of seqft are chosen"):
        rate_table([path])
    (again,) = lay_trials(tmp_path, ("seqft",))
    TRIALS.write(again.with_stem("other"), trials("seqft"))
    with pytest.raises(InputError, match="seqft was tried in seqft, too"):
        rate_table([again, again.with_stem("other")])
    TRIALS.write(path, [replace(row, method="magic") for row in trials("seqft")])
    with pytest.raises(InputError, match=r"seqft\.csv: there is no method `magic`"):
        rate_table([path])
    write_csv(path, [asdict(row) | {"accuracy": "good"} for row in trials("seqft")], TRIALS.columns)
    with pytest.raises(InputError, match=r"seqft\.csv:2: `accuracy`: is `good`"):
        rate_table([path])
