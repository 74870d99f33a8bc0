"""What a parameter file costs: every job that runs a model is known, and what is said to fit does."""

import itertools
import json
import re
import time
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from snakemake.iocontainers import InputFiles

from taskneurons.cli import main
from taskneurons.errors import InputError
from taskneurons.files import read_jsonl
from taskneurons.lineage import workflow
from taskneurons.lineage.fingerprint import settings
from taskneurons.params.loading import load_params
from taskneurons.workflow import hardware, outlook
from taskneurons.workflow.costs import Size
from taskneurons.workflow.needs import need, work_of
from taskneurons.workflow.outlook import STEP, Machine, remedy_of
from taskneurons.workflow.plan import Plan
from taskneurons.workflow.tally import Part, Tally


@pytest.fixture(scope="module")
def paper(root):
    return Plan(load_params(root / "params/paper.yaml"))


NINE = ("mnli", "rte", "qqp", "sst2", "amazon", "agnews", "dbpedia", "e2e", "webquestions")


def multitask(**changed):
    schedule = {"steps": 750, "batch_size": 64, "learning_rate": 1e-5, "warmup": 25} | changed
    text = settings(tasks=["sst2"], schedule=schedule, dtype="bfloat16")
    output = "results/models/public/llama2_7b/seed0/multitask/config.json"
    return "models.make:tune_multitask_model 0123", text, [output]


def of_multitask(plan, **changed):
    return need(plan, *multitask(**changed))


def test_every_rule_that_runs_a_model_is_one_whose_needs_are_known(root):
    rules = "\n".join(path.read_text() for path in sorted((root / "rules").glob("*.smk")))
    asking = re.findall(
        r"(?:\*\*resources_of\.\w+\(\)|^use rule pretrain).*?code=code\(\s*\"([\w.]+:\w+)\"", rules, flags=re.S | re.M
    )
    assert asking and all(work_of(entry) for entry in asking)
    # And nothing is known of a job that is not there.
    known = {
        (path.parent.name, name)
        for path in (root / "src/taskneurons/studies").glob("*/needs.py")
        for name in re.findall(r"^(?:def )?([a-z]\w*)(?:\(tally: Tally\)| = \w+$)", path.read_text(), flags=re.M)
    }
    assert known == {(entry.partition(".")[0], entry.partition(":")[2]) for entry in asking}


def test_twice_the_steps_take_twice_the_time_and_no_more_memory(paper):
    one, two = of_multitask(paper), of_multitask(paper, steps=1500)
    assert two.seconds == pytest.approx(2 * one.seconds)
    assert (two.gpu_bytes, two.disk_bytes) == (one.gpu_bytes, one.disk_bytes)
    small = of_multitask(paper, batch_size=1)
    assert small.gpu_bytes < one.gpu_bytes and small.part.fixed == one.part.fixed
    # 750 steps of 64 examples of 200 tokens, six products a weight: 2,600 PFLOP at 150 TFLOP/s.
    assert one.seconds == pytest.approx(750 * 64 * 200 * 6 * 6.74e9 / 150e12, rel=0.05)
    assert one.disk_bytes == pytest.approx(27e9, rel=0.01)
    assert one.host_bytes > 81e9, "the resume file"


def test_top_examples_are_found_in_batches_of_the_evaluation_and_keep_no_activations(paper):
    """Two bytes for each weight, and in bfloat16 four for each token, layer and dimension of the width."""
    output = "results/report/public/llama2_7b/seed0/top_examples.csv"
    text = settings(tasks=["sst2"], neurons=5, examples=5, dtype="bfloat16")
    found = need(paper, "neurons.examples:find_examples 0123", text, [output])
    assert found.part.batch == paper.params.workflow.evaluation_batch_size != 8
    assert found.part.key == "workflow.evaluation_batch_size"
    assert found.part.fixed == pytest.approx(2 * 6.74e9, rel=0.01)
    assert found.part.per_token == pytest.approx(4 * 32 * 4096, rel=0.1)


def test_of_several_trainings_the_largest_decides_what_the_host_loads(paper):
    """All weights that train are loaded in float32, frozen ones in the job's own type, whichever comes first."""
    size, schedule = Size.of_parameters(6.74e9), {"steps": 1, "batch": 1}
    for order in itertools.permutations(("whole", "neurons", "lora")):
        tally = Tally(paper.params, size, "bfloat16", 64, {}, 1, (), "llama2_7b")
        for method in order:
            tally.train(method, **schedule)
        assert tally.loaded == 4 * 6.74e9


def test_what_is_said_to_fit_fits_and_a_little_more_does_not():
    part, memory = Part(fixed=14e9, per_token=7e6, batch=16, key="curves.batch_size"), 80e9
    context, batch = re.fullmatch(
        r"models\.big\.context: (\d+) or curves\.batch_size: (\d+)", remedy_of(part, "big", 2048, memory)
    ).groups()
    assert part.bytes(int(context)) <= memory < part.bytes(int(context) + STEP)
    assert Part(14e9, 7e6, int(batch)).bytes(2048) <= memory < Part(14e9, 7e6, int(batch) + 1).bytes(2048)
    assert remedy_of(Part(fixed=100e9), "big", 2048, memory) == "no parameter: besides its batch it holds 107 GB"
    # What is fixed may be less with another parameter; alone it is named where that is enough, else beside a batch.
    fewer = Part(90e9, 7e6, 16, "curves.batch_size", (("curves.readings: [9]", 40e9), ("multitask: null", None)))
    named = remedy_of(fewer, "big", 256, memory)
    assert named == "multitask: null or curves.readings: [9]"
    assert Part(40e9, 7e6, 16).bytes(256) <= memory
    for said in remedy_of(fewer, "big", 2048, memory).split(" or ")[1:]:
        assert said.startswith("curves.readings: [9] and models.big.context: ")
        assert Part(40e9, 7e6, 16).bytes(int(said.rpartition(" ")[2])) <= memory


def test_without_a_gpu_nobody_waits_for_one_and_the_host_holds_all(paper):
    text = settings(tasks=["sst2"], neurons=5, examples=5, dtype="bfloat16")
    output = "results/report/public/llama2_7b/seed0/top_examples.csv"
    on, off = (need(paper, "neurons.examples:find_examples 0123", text, [output], gpus=gpus) for gpus in (True, False))
    assert (on.resources()["gpu"], off.resources()["gpu"], off.resources()["gpu_mem_mb"]) == (1, 0, 0)
    assert (
        off.host_bytes
        >= off.part.fixed + off.part.per_token * off.part.batch * paper.params.models["llama2_7b"].context
    )
    assert off.seconds > 100 * on.seconds


def test_processes_that_share_out_the_weights_need_their_part_of_them_and_as_long_as_one(paper):
    text = settings(tasks=["sst2"], neurons=5, examples=5, dtype="bfloat16")
    asked = "neurons.examples:find_examples 0123", text, ["results/report/public/llama2_7b/seed0/top_examples.csv"]
    workflow = paper.params.workflow
    one, four, sharing = (
        need(Plan(paper.params.model_copy(update={"workflow": workflow.model_copy(update=changes)})), *asked)
        for changes in ({}, {"processes_per_job": 4}, {"processes_per_job": 4, "share_weights": True})
    )
    weights = one.part.fixed
    assert four.part.fixed == weights == 2 * paper.params.models["llama2_7b"].parameters
    assert 0.25 * weights < sharing.part.fixed < 0.35 * weights
    assert four.seconds < one.seconds == sharing.seconds
    assert sharing.resources()["gpu"] == 4


def test_a_model_that_several_gpus_hold_fits_by_what_is_named_and_by_fewer_gpus_not(paper):
    output = "results/report/public/llama2_7b/seed0/top_examples.csv"
    asked = "neurons.examples:find_examples 0123", settings(tasks=["sst2"], dtype="bfloat16"), [output]
    named = r"(?:.* or )?workflow\.processes_per_job: (\d) and workflow\.share_weights: true(?: and models\S+ \d+)?"

    def planned(**workflow):
        changed = paper.params.workflow.model_copy(update=workflow)
        return need(Plan(paper.params.model_copy(update={"workflow": changed})), *asked)

    def remedy(found, gpus, memory):
        return Machine(gpus=gpus, gpu_memory=memory).remedy(found, "llama2_7b", 2048)

    one = planned()
    for gpus, memory, expected in ((8, 30, 2), (8, 27, 3), (4, 12, 4)):
        said = remedy(one, gpus, memory)
        assert int(re.fullmatch(named, said)[1]) == expected
        if expected < gpus:
            for processes in (expected - 1, expected):
                shared = planned(processes_per_job=processes, share_weights=processes > 1)
                assert (shared.gpu_bytes <= 1e9 * memory) == (processes == expected)
        # One GPU has no other to share with, and what is named besides stays.
        assert remedy(one, 1, memory) in (
            said.partition(" or workflow.processes")[0],
            "no parameter: besides its batch it holds 16 GB",
        )
    assert remedy(planned(processes_per_job=3), 4, 27).endswith(" or workflow.share_weights: true")
    assert remedy(planned(processes_per_job=2, share_weights=True), 4, 27).endswith(" or workflow.processes_per_job: 3")
    # Who trains or edits weights cannot share them out, whatever the parameters say.
    for chosen in ({}, {"processes_per_job": 2, "share_weights": True}):
        plan = Plan(paper.params.model_copy(update={"workflow": paper.params.workflow.model_copy(update=chosen)}))
        tuning = of_multitask(plan)
        assert not tuning.resources()["share_weights"] and "share_weights" not in remedy(tuning, 8, 80)


def test_the_machine_is_asked_for_its_gpus_without_torch(tmp_path, monkeypatch):
    monkeypatch.setattr(hardware, "Path", lambda _: tmp_path)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.delenv(hardware.VARIABLE, raising=False)
    assert not hardware.gpus_here()
    (tmp_path / "nvidiactl").touch()
    assert not hardware.gpus_here(), "the driver without a card"
    (tmp_path / "nvidia0").touch()
    assert hardware.gpus_here()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert not hardware.gpus_here()
    monkeypatch.setenv(hardware.VARIABLE, "1")
    assert hardware.gpus_here()


def test_a_machine_has_some_gpus_or_none_and_memory():
    for wrong in ((-1, 80.0), (1, 0.0), (1, -1.0), (0, 80.0, 0.0)):
        with pytest.raises(InputError, match="a number of GPUs from 0 and some memory"):
            Machine(*wrong)


def test_without_a_gpu_a_real_model_takes_the_hours_that_its_records_say(root, monkeypatch):
    """SmolLM2 on nine tasks on one core; examples/smollm2 has the records, not the tasks."""
    folder = root / "examples" / "smollm2"
    nine = Plan(load_params(folder / "params.yaml"))
    monkeypatch.setattr(nine, "tasks", lambda _: NINE)
    expected = taken = 0.0
    # The sample of neurons is of two of the tasks.
    sample = Plan(load_params(folder / "sample.yaml"))
    monkeypatch.setattr(sample, "tasks", lambda _: ("sst2", "e2e"))
    for path in sorted((folder / "lineage").glob("*.jsonl")):
        plan = sample if path.stem == "validation" else nine
        for one in read_jsonl(path):
            given = one["entry"], json.dumps(one["settings"]), [out["output"] for out in one["outputs"]]
            if found := need(plan, *given, gpus=False):
                assert not found.gpu and not found.gpu_bytes and need(plan, *given).gpu in (0, 1)
                # Whatever it reads and holds lies on the host.
                assert one["memory"]["host"] < found.host_bytes
                expected, taken = expected + found.seconds, taken + one["cpu_seconds"]
    assert taken > 1000
    assert taken / 2.5 < expected < 2.5 * taken


def test_a_job_that_is_larger_than_the_host_is_named_with_what_makes_it_fit(paper):
    found = need(paper, *multitask(), gpus=False)
    machine = Machine(gpus=0, memory=8.0)
    assert machine.lacks(found) and not machine.lacks(replace(found, host_bytes=7e9))
    assert machine.remedy(found, "llama2_7b", 2048).startswith("multitask: null")
    beside = found.host_bytes - found.part.bytes(2048)
    large = Machine(gpus=0, memory=126.0)
    (context,) = re.findall(r"models\.llama2_7b\.context: (\d+)", large.remedy(found, "llama2_7b", 2048))
    assert found.part.bytes(int(context)) + beside <= 1e9 * large.memory
    assert 1e9 * large.memory < found.part.bytes(int(context) + STEP) + beside
    on_gpu = need(paper, *multitask())
    assert Machine(gpu_memory=1e4, memory=8.0).remedy(on_gpu, "llama2_7b", 2048).startswith("no parameter")


@pytest.fixture
def named_twice(monkeypatch):
    """The inputs that a job names twice, in every workflow that is read."""
    found, named = [], workflow._named

    def watch(files):
        if isinstance(files, InputFiles):
            found.extend(file for file, times in Counter(map(str, files)).items() if times > 1)
        return named(files)

    monkeypatch.setattr(workflow, "_named", watch)
    return found


@pytest.fixture
def smallest(root, monkeypatch, named_twice):
    """The graph of the smallest parameters, which have every study."""
    monkeypatch.chdir(root)
    return workflow.read_workflow(Path("params/ci.yaml"))


def test_no_rule_names_an_input_twice(smallest, named_twice):
    """The smallest parameters have every study; the test of the paper's plan looks at its rules."""
    assert len(smallest.studies) > 15
    assert not named_twice


def test_those_jobs_alone_share_out_weights_that_neither_train_nor_read_nor_change_them(root, smallest):
    """A job that is new here is to be tried with two processes first: `tests/workflow/test_workflow_processes.py`."""
    params = load_params(root / "params/ci.yaml")
    sharing = params.workflow.model_copy(update={"processes_per_job": 2, "share_weights": True})
    plan = Plan(params.model_copy(update={"workflow": sharing}))
    needs = {job.code.partition(" ")[0]: need(plan, job.code, job.settings, job.outputs) for job in smallest.jobs}
    assert {entry for entry, found in needs.items() if found and found.resources()["share_weights"]} == {
        "deactivation.measure:deactivate_neurons",
        "keystone.measure:deactivate",
        "keystone.measure:score_neutral",
        "keystone.measure:score_signed",
        "models.measure:evaluate_multitask",
        "multiverse.measure:deactivate",
        "multiverse.measure:score",
        "neurons.examples:find_examples",
        "neurons.measure:attribute_base",
        "neurons.measure:attribute_scores",
    }


def test_numbers_that_a_plan_for_this_machine_would_not_read_are_refused(capsys):
    assert main(["plan", "--laptop", "--gpus", "4", "--gpu-memory", "10"]) == 2
    assert capsys.readouterr().err == (
        "error: --laptop: takes this machine's memory and no GPU. Leave out --gpus and --gpu-memory\n"
    )


def test_the_papers_scale_is_planned_on_one_screen_in_seconds(root, monkeypatch, capsys, named_twice):
    monkeypatch.chdir(root)
    # The second plan is of the same graph.
    monkeypatch.setattr(outlook, "read_workflow", cache(outlook.read_workflow))
    before = time.process_time()
    assert main(["plan", "params/paper.yaml", "--gpus", "4", "--json"]) == 0
    assert time.process_time() - before < 20
    assert not named_twice
    found = json.loads(capsys.readouterr().out)
    total = found["total"]
    assert total["jobs"] == sum(one["jobs"] for one in found["costs"]) > 700
    assert total["gpu_hours"] == pytest.approx(sum(one["gpu_hours"] for one in found["costs"]))
    lines = (root / "docs" / "scale.md").read_text().splitlines()
    (row,) = ([cell.strip() for cell in line.split("|")] for line in lines if line.startswith("| `params/paper.yaml`"))
    fit = total["jobs"] - sum(one["jobs"] for one in found["misfits"])
    assert row[2:4] == [f"{total['jobs']:,}", f"{total['gpu_hours']:,.0f}"] and row[8] == f"{fit} of {total['jobs']}"
    # Tuning on all tasks asks for 121 GB before activations, and everything that studies the tuned model hangs on it.
    misfits = {one["entry"]: one for one in found["misfits"]}
    assert misfits["models.make:tune_multitask_model"]["bytes"] > 121e9
    assert all(one["remedy"] and one["bytes"] > 80e9 for one in found["misfits"])
    assert "models.bloom_7b1" in found["unpinned"]
    main(["plan", "params/paper.yaml", "--gpu-memory", "10000"])
    text = capsys.readouterr().out
    assert "Every job fits." in text and len(text.splitlines()) < 25 and max(map(len, text.splitlines())) < 140
    # Without a GPU the same products take a core's time.
    main(["plan", "params/paper.yaml", "--gpus", "0", "--memory", "16"])
    text = capsys.readouterr().out
    assert "Without a GPU, two cores: " in text and "do not fit 16 GB of the host" in text
    main(["plan", "params/paper.yaml", "--laptop", "--json"])
    total = json.loads(capsys.readouterr().out)["total"]
    assert total["gpu_hours"] == 0 and total["cpu_hours"] > 1000 * found["total"]["gpu_hours"]


def test_the_help_tells_the_machine_that_is_planned_for(capsys):
    with pytest.raises(SystemExit):
        main(["plan", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert f"GPUs that there are (default: {Machine().gpus})" in said
    assert f"of each (default: {Machine().gpu_memory:g})" in said
