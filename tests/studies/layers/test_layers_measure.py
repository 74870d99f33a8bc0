"""The layers study from files to rows: against merged checkpoints, hidden states and a float64 formula."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from small_checkpoint import ECHO, MOOD, TOKENIZER, lay_checkpoint, lay_task, small_model

from taskneurons.engine.attribution import attribute
from taskneurons.engine.changes import load_change, trained_tasks
from taskneurons.engine.evaluation import Evaluation, evaluate_tasks
from taskneurons.engine.execution import Execution, Schedule
from taskneurons.engine.merging import merge_adapter
from taskneurons.engine.task_by_task import encoded_split
from taskneurons.engine.tune_changes import tune_changes
from taskneurons.engine.tuning import Lora
from taskneurons.errors import InputError
from taskneurons.evidence.runs import Run
from taskneurons.models.load import load_checkpoint
from taskneurons.models.scratch import Shape, Vocabulary, new_model
from taskneurons.neurons.sets import save_sets
from taskneurons.studies.layers.joint import experimental_sets
from taskneurons.studies.layers.measure import (
    Comparison,
    HeldOut,
    Representation,
    Statistics,
    compare_layers,
    compare_tasks,
    generalist_tasks,
    transfer_tasks,
)
from taskneurons.studies.layers.rows import COMPARED, TRANSFER, ComparedRow
from taskneurons.tasks.storage import read_split

EVALUATION = Evaluation(batch_size=3, max_new_tokens=4)
STATISTICS = Statistics(standardise=True, blocks=4, permutations=9)
LORA = Lora(rank=2, alpha=4.0)
# Steps so large that a control model is another model than the base.
SCHEDULE = Schedule(steps=3, batch_size=4, learning_rate=0.05)
TASKS = {"mood": MOOD, "echo": ECHO}
RUN = Run("mine", "small", 0)
BLANK = ComparedRow("layers", "small", "mine", 0, "mood", "moods", False, None, "base", "")


@pytest.fixture(scope="module", params=[None, LORA], ids=["full", "lora"])
def laid(request, tmp_path_factory):
    """A folder with the checkpoint `base`, two tasks, their control models and a held-out model."""
    folder = tmp_path_factory.mktemp("laid")
    lay_checkpoint(folder / "base")
    tasks = {name: lay_task(folder / "data" / name, task, test=24) for name, task in TASKS.items()}
    changes = {folder / "controls" / name: [name] for name in TASKS}
    seen = generalist_tasks(tasks, HeldOut(families=1, tasks=0, seed=0))
    changes |= {folder / role: names for role, names in seen.items()}
    tune_changes(folder / "base", tasks, changes, SCHEDULE, Execution(resume=folder / "resume"), lora=request.param)
    return folder


def merged(folder, change):
    """A checkpoint of the base with a change put into its weights, made without our own way to wear it."""
    out = folder / "merged" / change.relative_to(folder)
    if not out.exists():
        model = load_checkpoint(folder / "base").model
        if (change / "weights.safetensors").exists():
            missing, unexpected = model.load_state_dict(load_file(change / "weights.safetensors"), strict=False)
            assert not missing and not unexpected
        else:
            from peft import PeftModel

            model = PeftModel.from_pretrained(model, str(change)).merge_and_unload()
        lay_checkpoint(out, model)
    return out


def hidden(checkpoint, task):
    """Hidden states of the last prompt token in every layer, each prompt alone through transformers."""
    model = load_checkpoint(checkpoint).model
    states = []
    for example in read_split(task, "test"):
        ids = torch.tensor([TOKENIZER(f"<bos> {example.prompt}", add_special_tokens=False)["input_ids"]])
        states.append([h[0, -1].double().numpy() for h in model(ids, output_hidden_states=True).hidden_states])
    return np.array(states).swapaxes(0, 1)


def formula(x, y):
    """Unbiased CKA by the textbook estimator of HSIC (Song et al. 2012), float64."""

    def hsic(k, other):
        n, one = len(k), np.ones(len(k))
        product = k @ other
        return (
            np.trace(product)
            + (one @ k @ one) * (one @ other @ one) / ((n - 1) * (n - 2))
            - 2 / (n - 2) * (one @ product @ one)
        ) / (n * (n - 3))

    k, other = x @ x.T, y @ y.T
    np.fill_diagonal(k, 0)
    np.fill_diagonal(other, 0)
    return hsic(k, other) / np.sqrt(hsic(k, k) * hsic(other, other))


def compared(folder, *, models=None, tasks=("mood", "echo"), examples=24):
    representation = Representation(examples=examples, batch_size=5, position="last")
    rows = compare_tasks(
        models or {role: folder / role for role in ("base", "experimental", "held_out")},
        {name: folder / "data" / name for name in tasks},
        {name: folder / "controls" / name for name in tasks},
        Comparison(
            representation=representation, statistics=STATISTICS, scored_examples=10, evaluation=EVALUATION
        ),
        Execution(),
        run=RUN,
    )  # fmt: skip
    return dict(rows)


def cell(rows, **key):
    (row,) = [row for row in rows if all(getattr(row, name) == value for name, value in key.items())]
    return row


def test_every_layer_is_compared_as_the_merged_models_say(laid):
    for task, rows in compared(laid).items():
        control = hidden(merged(laid, laid / "controls" / task), laid / "data" / task)
        models = {"base": laid / "base"} | {role: merged(laid, laid / role) for role in ("experimental", "held_out")}
        for role, checkpoint in models.items():
            states = hidden(checkpoint, laid / "data" / task)
            for layer in (1, 2):
                row = cell(rows, role=role, layer=layer, metric="cka_unbiased")
                assert row.value == pytest.approx(formula(states[layer], control[layer]), abs=2e-5)
                assert row.low <= row.value <= row.high
                assert (row.n, row.dropped, row.reason) == (24, 0, "")
            # Every prompt of a task ends with the same word.
            assert "constant" in cell(rows, role=role, layer=0, metric="cka_unbiased").reason


def test_control_models_are_others_than_the_base(laid):
    values = [cell(rows, role="base", layer=2, metric="cka_unbiased").value for rows in compared(laid).values()]
    assert max(values) < 0.999


def test_scores_are_those_of_the_merged_models(laid):
    few = {name: lay_task(laid / "few" / name, task, test=10) for name, task in TASKS.items()}
    for task, rows in compared(laid).items():
        for role in ("experimental", "held_out"):
            expected = dict(evaluate_tasks(merged(laid, laid / role), [few[task]], EVALUATION, Execution()))[task]
            for one in expected:
                row = cell(rows, role=role, layer=None, metric=one.metric)
                assert row.value == pytest.approx(one.value, rel=1e-4)
                assert row.n == one.n == 10


def test_unseen_tasks_are_those_that_the_held_out_model_was_not_tuned_on(laid):
    seen = trained_tasks(laid / "held_out")
    assert len(seen) == 1
    assert trained_tasks(laid / "experimental") == set(TASKS)
    for task, rows in compared(laid, examples=8).items():
        assert {row.held_out for row in rows} == {task not in seen}
        assert {row.family for row in rows} == {TASKS[task].family}


def test_transfer_is_what_the_merged_control_models_do(laid, tmp_path):
    tasks = {name: laid / "data" / name for name in TASKS}
    controls = {name: laid / "controls" / name for name in TASKS}
    found = dict(
        transfer_tasks(
            laid / "base", ["mood", "echo"], tasks, controls,
            Representation(examples=24, batch_size=5, position="last"), Execution(), evaluation=EVALUATION, run=RUN,
        )
    )  # fmt: skip
    assert set(found) == set(TASKS)
    for source, task in (("mood", "echo"), ("echo", "mood")):
        rows = found[source]
        assert {(row.train_task, row.test_task) for row in rows} == {(source, task)}
        own, other = (hidden(merged(laid, controls[name]), tasks[task]) for name in (task, source))
        for layer in (1, 2):
            row = cell(rows, layer=layer, metric="cka_unbiased")
            assert row.value == pytest.approx(formula(other[layer], own[layer]), abs=2e-5)
        TRANSFER.write(tmp_path / f"{source}.csv", rows)
        assert TRANSFER.read(tmp_path / f"{source}.csv") == rows
        scores = dict(evaluate_tasks(merged(laid, controls[source]), [tasks[task]], EVALUATION, Execution()))[task]
        for one in scores:
            row = cell(rows, layer=None, metric=one.metric)
            assert row.value == pytest.approx(one.value, rel=1e-4)


def test_rows_are_a_table(laid, tmp_path):
    for task, rows in compared(laid, examples=8).items():
        COMPARED.write(tmp_path / f"{task}.csv", rows)
        assert COMPARED.read(tmp_path / f"{task}.csv") == rows
    gathered = COMPARED.gather(sorted(tmp_path.iterdir()))
    assert {(row.suite, row.model, row.seed, row.task) for row in gathered} == {(*RUN, task) for task in TASKS}
    assert gathered == COMPARED.gather(sorted(tmp_path.iterdir(), reverse=True))


def test_models_of_other_depths_are_refused(laid, tmp_path):
    shape = Shape(hidden_size=16, layers=3, heads=2, ffn_size=32, context=24)
    deep = new_model("llama", shape, Vocabulary.of(TOKENIZER), seed=0)
    models = {"base": laid / "base", "held_out": laid / "held_out", "experimental": lay_checkpoint(tmp_path, deep)}
    with pytest.raises(InputError, match="has 3 layers, the base has 2"):
        compared(laid, models=models)
    values = np.random.default_rng(0).normal(size=(3, 20, 4))
    with pytest.raises(InputError, match=r"different depth .*base 1, control 2"):
        list(compare_layers({"base": values[:2], "control": values}, BLANK, STATISTICS))


def test_widths_may_differ_and_what_is_not_available_says_why():
    rng = np.random.default_rng(0)
    control, base = rng.normal(size=(2, 20, 6)), rng.normal(size=(2, 20, 4))
    base[0, :, :] = 7.0
    base[1, 3] = np.nan
    rows = list(compare_layers({"base": base, "control": control}, BLANK, STATISTICS))
    constant = cell(rows, layer=0, metric="cka_unbiased")
    assert constant.value is None and "constant" in constant.reason
    partly = cell(rows, layer=1, metric="cka_unbiased")
    assert (partly.n, partly.dropped) == (19, 1)
    keep = np.arange(20) != 3
    assert partly.value == pytest.approx(formula(base[1, keep], control[1, keep]), abs=1e-5)
    few = list(compare_layers({"base": base[:, :3], "control": control[:, :3]}, BLANK, STATISTICS))
    assert cell(few, layer=1, metric="cka_biased").value is None
    assert "at least 4" in cell(few, layer=1, metric="cka_biased").reason
    some = list(compare_layers({"base": base[:, 8:18], "control": control[:, 8:18]}, BLANK, STATISTICS))
    row = cell(some, layer=1, metric="cka_unbiased")
    assert row.value is not None and row.low is None and row.reason.startswith("no interval: 10 examples")


def test_biased_cka_of_independent_states_is_high_and_its_null_says_so():
    rng = np.random.default_rng(0)
    values = {role: rng.normal(size=(1, 30, 300)) for role in ("base", "control")}
    rows = list(compare_layers(values, BLANK, STATISTICS))
    biased, unbiased = (cell(rows, layer=0, metric=f"cka_{name}") for name in ("biased", "unbiased"))
    assert biased.value > 0.9 and biased.null > 0.9
    assert abs(unbiased.value) < 0.15 and abs(unbiased.null) < 0.15


def test_a_change_is_read_as_it_was_written_and_belongs_to_its_base(laid, tmp_path):
    base = load_checkpoint(laid / "base")
    change = load_change(laid / "controls" / "mood", base.model)
    assert (change.base, change.tasks) == (base.digest, ("mood",))
    lay_checkpoint(tmp_path / "other", small_model(seed=1))
    with pytest.raises(InputError, match="does not fit the model"):
        compared(
            laid, models={role: laid / role for role in ("experimental", "held_out")} | {"base": tmp_path / "other"}
        )


def test_its_neurons_are_those_of_the_experimental_model(tmp_path):
    """The joint study takes sets of the merged checkpoint, and refuses those of the base."""
    lay_checkpoint(tmp_path / "base")
    tasks = {name: lay_task(tmp_path / "data" / name, task, test=8) for name, task in TASKS.items()}
    adapter = tmp_path / "experimental"
    tune_changes(tmp_path / "base", tasks, {adapter: list(tasks)}, SCHEDULE, Execution(), lora=LORA)
    digest = merge_adapter(tmp_path / "base", adapter, tmp_path / "merged", Execution(), name="small-experimental")
    for place, refused in (("merged", False), ("base", True)):
        loaded = load_checkpoint(tmp_path / place)
        scores = attribute(loaded, encoded_split(loaded, tasks["mood"], "train", 4), task="mood", batch_size=2)[
            "taylor"
        ]
        file = tmp_path / "mood.safetensors"
        save_sets(file, {"task": scores.top(25, within="layer")}, {"model": scores.model_digest})
        if refused:
            with pytest.raises(InputError, match=f"the experimental model is {digest[:12]}"):
                experimental_sets({"mood": file}, tmp_path / "merged" / "checkpoint.json")
        else:
            assert len(experimental_sets({"mood": file}, tmp_path / "merged" / "checkpoint.json")["mood"]) == 16
