"""Each benchmark runs at a tiny shape, asserts parity and prints its tables. Whether it meets its bars is not asked."""

import json
import sys
from pathlib import Path

import pytest
import torch
import warm
from accelerate.state import AcceleratorState

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def run(main, out, *arguments):
    """The exit status without --check, and the JSON that was written."""
    assert main([*arguments, "--repeats", "1", "--out", str(out)]) == 0
    return json.loads(out.read_text())


def test_attribution(tmp_path, capsys):
    from benchmarks import attribution

    found = run(attribution.main, tmp_path / "found.json", "--shape", "tiny")
    variants = found["variants"]
    assert {"forward", "limit", "ours", "retain_grad", "captum", "captum_tuned"} <= set(variants)
    assert all(variants[name]["parity"] <= 1e-5 for name in ("retain_grad", "captum", "captum_tuned"))
    assert variants["ours"]["peak_mib"] > 0
    bars = {bar["name"]: bar["most"] for bar in found["bars"]}
    assert bars["ours / limit"] == 1.05
    assert bars["peak memory of ours / limit"] == 1.1
    assert "share_of_product_rate" in capsys.readouterr().out


def test_attribution_refuses_other_scores():
    from benchmarks import attribution
    from benchmarks.shapes import SHAPES, build_batch, build_model

    model, batch = build_model(SHAPES["tiny"]), build_batch(SHAPES["tiny"])
    ours = attribution.ours(model, batch)
    runs = {"ours": ours, "retain_grad": lambda: 1.001 * torch.as_tensor(ours())}
    with pytest.raises(AssertionError, match="retain_grad: scores differ"):
        attribution.assert_parity(runs, "float32")


def test_operations_of_the_limit_are_those_of_the_formula():
    """Forward: 2 a weight and token. Backward through activations: the same again, but for the first layer's part."""
    from benchmarks import attribution
    from benchmarks.shapes import SHAPES, build_batch, build_model, operations

    shape = SHAPES["tiny"]
    d, f, rows = shape.hidden_size, shape.ffn_size, shape.examples * shape.tokens
    model, batch = build_model(shape), build_batch(shape)
    head = 2 * shape.examples * batch.answer_width * d * shape.vocabulary
    layer = 2 * rows * (4 * d * d + 3 * d * f)
    products = shape.layers * layer + head
    forward = operations(attribution.forward_only(model, batch))
    # The rest is attention, which torch's kernels for the CPU count or not.
    assert products <= forward <= 1.2 * products
    down = 2 * rows * d * f
    backward = operations(attribution.limit(model, batch)) - forward
    assert head + (shape.layers - 1) * layer + down <= backward <= 1.4 * products


def test_deactivation(tmp_path, capsys):
    from benchmarks import deactivation

    found = run(deactivation.main, tmp_path / "found.json", "--shape", "tiny")
    assert found["variants"]["options_shared"]["parity"] <= 1e-5
    assert found["task_seconds"]["classification"] > 0
    assert {bar["most"] for bar in found["bars"]} == {1.03, 0.3}
    assert "four options on one prompt" in capsys.readouterr().out


def test_the_script_for_a_gpu_runs_on_the_cpu_at_tiny_dimensions(tmp_path, capsys):
    from small_checkpoint import ECHO, MOOD, lay_checkpoint, lay_task

    from benchmarks import gpu

    for task in (MOOD, ECHO):
        lay_task(tmp_path / "tasks" / task.name, task)
    lay_checkpoint(tmp_path / "checkpoint")
    given = ["--weights", str(tmp_path / "checkpoint"), "--tasks", str(tmp_path / "tasks")]
    # accelerate keeps the precision of a process.
    AcceleratorState._reset_state(reset_partial_state=True)
    found = run(gpu.main, tmp_path / "found.json", "--small", *given)
    AcceleratorState._reset_state(reset_partial_state=True)
    assert set(found["ways"]) == {"attribution", "deactivation", "neurons", "lora", "mask"}
    for way in found["ways"].values():
        assert way["layers"] == 2 and way["tokens_per_second"] == pytest.approx(4 * 24 / way["seconds"])
    conditions = {(row["seed"], row["kind"], row["condition"]) for row in found["table_1"]}
    cases = ("original", "task", "other_task", "random")
    assert conditions == {(s, k, c) for s in range(3) for k in ("classification", "generation") for c in cases}
    assert all(row["drop"] == 0 for row in found["table_1"] if row["condition"] == "original")
    assert "share_of_product_rate" in capsys.readouterr().out
    assert not found["late"]


def test_the_script_for_a_gpu_stops_in_time_and_says_where_there_is_none(tmp_path, capsys, monkeypatch):
    from benchmarks import gpu

    assert gpu.main(["--small", "--minutes", "0.0001", "--check"]) == 1
    assert "stopped after 0.0001 minutes" in capsys.readouterr().out
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu.main([]) == 0 and gpu.main(["--check"]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("There is no GPU here") and len(said) == 2


def test_products_of_a_step_are_those_that_torch_counts_and_layers_are_as_many_as_fit():
    from benchmarks import gpu
    from benchmarks.attribution import limit
    from benchmarks.shapes import SHAPES, build_model, operations

    shape = SHAPES["tiny"]
    size, tokens = gpu.size_of(shape, products=True), shape.examples * shape.tokens
    model = build_model(shape)
    assert gpu.size_of(shape).parameters == pytest.approx(model.num_parameters(), rel=0.01)
    batch = gpu.batch_of(shape, model.device)
    counted = operations(limit(model, batch))
    head = 4 * shape.examples * batch.answer_width * shape.hidden_size * shape.vocabulary
    # Backward ends at the first layer's neurons; attention is what torch counts besides.
    first = 2 * tokens * (size.parameters / shape.layers - shape.hidden_size * shape.ffn_size)
    expected = gpu.WAYS["attribution"].products(size, tokens) + head - first
    assert expected <= counted <= 1.2 * expected
    whole = gpu.SHAPES["llama2-7b"]
    for name, way in gpu.WAYS.items():
        held = [gpu.costs.whole(way.held(gpu.size_of(gpu.replace(whole, layers=n)), 8 * 527)) for n in (7, 8)]
        assert gpu.fitting(way, whole, held[1]).layers == 8, name
        assert gpu.fitting(way, whole, held[1] - 1).layers == 7, name
    # On a GPU of 80 GB all but the papers' way have all layers.
    assert {name for name, way in gpu.WAYS.items() if gpu.fitting(way, whole, 76e9).layers < 32} == {"mask"}


def test_workflow(tmp_path, capsys, monkeypatch):
    """Two jobs, one of which made two files and counts once."""
    from benchmarks import workflow

    (tmp_path / "src").symlink_to(ROOT / "src")
    (tmp_path / "lineage").mkdir()
    jobs = [("plot_drops", 1.0, 30.0), ("plot_drops", 1.0, 30.0), ("plot_drops", 2.0, 20.0)]
    records = [json.dumps({"rule": rule, "started": started, "cpu_seconds": cpu}) for rule, started, cpu in jobs]
    (tmp_path / "lineage" / "deactivation.jsonl").write_text("\n".join(records) + "\n")
    monkeypatch.setenv("PYTHONPATH", "")

    found = run(workflow.main, tmp_path / "found.json", "--root", str(tmp_path), "--repeats", "1")
    assert found["cpu_seconds"]["jobs, as recorded"] == 50
    assert all(0 < bar["value"] < 10 for bar in found["bars"])
    assert "taskneurons --help" in capsys.readouterr().out


def test_all_benchmarks_end_in_time_and_gather_their_bars(tmp_path, capfd, monkeypatch):
    from benchmarks.__main__ import main

    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "executable", warm.python_of_models())
    found = run(main, tmp_path / "found.json", "--shape", "tiny", "--only", "cka")
    assert {bar["name"].partition(":")[0] for bar in found["bars"]} == {"cka"}
    with pytest.raises(SystemExit):
        main(["--shape", "full"])
    assert main(["--minutes", "0", "--only", "tuning", "--check"]) == 1
    assert "to be run by themselves: tuning" in capfd.readouterr().out


@pytest.mark.parametrize("shape", [None, "tiny", "default", "59m", "llama2-7b"])
def test_every_benchmark_knows_the_shape_that_it_is_told(shape):
    from benchmarks import __main__ as everything
    from benchmarks import cka
    from benchmarks.shapes import SHAPES

    for name in everything.ALL:
        told = everything.shape_of(name, shape)
        assert told[:1] in ([], ["--shape"])
        assert set(told[1:]) <= set(cka.SHAPES if name == "cka" else SHAPES)
        assert name == "cka" or shape is None or told[1:] == [shape]


def test_check_fails_on_a_missed_bar(capsys):
    from benchmarks.measure import Bar, conclude, options

    parser = options("")
    bars = [Bar("met", 1.0, 1.0), Bar("missed", 1.1, 1.0)]
    assert conclude(bars, {}, parser.parse_args([])) == 0
    assert conclude(bars, {}, parser.parse_args(["--check"])) == 1
    assert conclude(bars[:1], {}, parser.parse_args(["--check"])) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum("FAIL" in line for line in lines) == 2


def test_interleaved_times_and_process_seconds_are_of_the_cpu():
    from benchmarks.measure import interleave, process_seconds

    def work():
        sum(range(300_000))

    times = interleave({"once": work, "thrice": lambda: [work() for _ in range(3)]}, 5)
    assert 1.5 < times.ratio("thrice", "once") < 6
    busy = "sum(range(10**7))"
    idle = "import time; time.sleep(0.3)"
    seconds = [process_seconds([sys.executable, "-c", code], repeats=1) for code in (busy, idle)]
    assert seconds[1] < 0.25
    assert seconds[0] > seconds[1]


def test_peak_memory_is_what_a_run_needs_beyond_what_it_keeps():
    from benchmarks.measure import peak_memory

    # prepare() keeps nothing; running it makes a string of 50 MB.
    assert 45 < peak_memory(_fifty_megabytes, repeats=1) < 80


def _fifty_megabytes():
    return lambda: len(b"x" * 50_000_000)
