"""What continual learning asks of the workflow: which streams are learned, and what a job of a method is given."""

import json
from math import factorial
from types import SimpleNamespace

import pytest

from taskneurons.errors import InputError
from taskneurons.lineage.code import Code, Sources
from taskneurons.lineage.fingerprint import settings
from taskneurons.params.loading import load_params
from taskneurons.studies.continual.methods import METHODS
from taskneurons.workflow.plan import Plan
from taskneurons.workflow.resources import parameter_count
from taskneurons.workflow.streams import GRIDS, Streams


@pytest.fixture(scope="module")
def params(root):
    return load_params(root / "params.yaml")


@pytest.fixture(scope="module")
def streams(params):
    return Streams(Plan(params))


def other(params, **changed):
    """The streams of the same parameters with other orders."""
    stream = params.streams["stream"].model_copy(update=changed)
    return Streams(Plan(params.model_copy(update={"streams": {**params.streams, "stream": stream}})))


def test_sampled_orders_follow_those_of_their_benchmark_and_are_new_orders_of_its_tasks(params, streams):
    given, found = params.streams["stream"], streams.benchmarks("stream")["large"]
    assert list(found) == [*given.benchmarks["large"], *(f"s{place}" for place in (1, 2, 3))]
    assert len({*found.values()}) == len(found)
    assert all(sorted(order) == sorted(next(iter(found.values()))) for order in found.values())
    assert streams.benchmarks("stream")["standard"] == dict(given.benchmarks["standard"])
    assert given.development not in streams.orders("stream").values()


def test_the_first_seed_learns_every_order_and_a_further_one_only_those_of_every_seed(params, streams):
    given, every = params.streams["stream"], set(streams.orders("stream"))
    learned = {}
    for stream in streams.streams():
        learned.setdefault((stream.method, stream.seed), []).append(stream.order)
    first, *further = next(run for run in params.runs if "continual" in run.studies).seeds
    for method in params.continual.methods + params.continual.weightings + params.continual.dynamic:
        assert set(learned[method, first]) == every
        assert all(learned[method, seed] == list(given.every_seed) for seed in further)
    for variant in params.continual.variants:
        assert learned[variant, first] == list(given.variants)
        assert all((variant, seed) not in learned for seed in further)
    assert all(len(set(orders)) == len(orders) for orders in learned.values())


def test_a_variant_is_learned_with_further_seeds_where_the_parameters_say_so(params):
    continual = params.continual.model_copy(update={"variant_seeds": "all"})
    found = Streams(Plan(params.model_copy(update={"continual": continual})))
    assert list(found.learned("stream", "ncft_base", "further")) == ["4"]


def test_the_tasks_of_an_order_keep_the_order_of_the_suite(streams):
    suite = streams.plan.tasks("stream")
    tasks = streams.tasks("stream", {"3": streams.orders("stream")["3"]})
    assert sorted(tasks) == sorted(streams.orders("stream")["3"]) and tasks == sorted(tasks, key=suite.index)


def test_a_task_or_an_order_that_there_is_not_is_refused(params):
    with pytest.raises(
        InputError, match=r"streams\.stream: there is no task topic_nws\. Choose among topic_encyclopedia"
    ):
        other(params, development=("topic_nws", "rating_product")).development("stream")
    sampled = params.streams["stream"].sampled.model_copy(update={"benchmark": "standard", "count": factorial(4)})
    with pytest.raises(InputError, match="4 tasks have no 24 orders besides"):
        other(params, sampled=sampled).orders("stream")


def test_every_method_is_chosen_in_one_group_that_is_learned(params, streams):
    groups = {name: streams.group(name) for name in METHODS}
    assert set(groups.values()) <= set(params.continual.methods)
    assert all(groups[name] == name for name in params.continual.methods)
    assert streams.tried("ncft") == ["ncft", "ncft_random"] and streams.tried("ewc") == ["ewc"]
    assert streams.weighed("ncft") == [*params.continual.weightings, *params.continual.dynamic]
    assert streams.weighed("seqft") == []
    assert streams.grid("seqft")["strengths"] == [] and streams.grid("seqft")["temperatures"] == []
    assert streams.grid("olora")["strengths"] == params.continual.olora.strengths


def test_a_method_is_given_its_own_parameters_and_no_grid(params, streams):
    given = {name: json.loads(settings(**streams.method(name))) for name in METHODS}
    assert given["replay"]["parameters"] == {"replay": {"kept": params.continual.replay.kept}}
    assert given["ewc"]["parameters"] == {"ewc": {"examples": params.continual.ewc.examples}}
    assert set(given["wncft"]["parameters"]) == {"ncft", "wncft"} and given["seqft"]["parameters"] == {}
    assert given["epi"]["parameters"]["lora"] == params.continual.lora.model_dump(mode="json")
    assert not any(grid in json.dumps(one) for one in given.values() for grid in GRIDS)


def test_memory_holds_all_that_a_method_keeps_of_each_parameter(params, streams):
    wildcards = SimpleNamespace(run="stream/llama_medium", seed="0")
    size = parameter_count(params, "llama_medium")
    memory = {name: streams.resources(name)["mem_mb"](wildcards) for name in METHODS}
    assert all(1e6 * memory[name] >= size * method.bytes_per_parameter for name, method in METHODS.items())
    assert memory["ewc"] > memory["seqft"] > memory["multitask"] > memory["ncft"]


def test_only_methods_that_keep_patches_leave_some(streams):
    orders = {"1": ("a", "b"), "2": ("b", "a")}
    pattern = "{run}/{method}/{order}/{stage}_{task}"
    assert streams.patches(pattern, "ncft_base", orders) == [
        "{run}/ncft_base/1/1_a",
        "{run}/ncft_base/1/2_b",
        "{run}/ncft_base/2/1_b",
        "{run}/ncft_base/2/2_a",
    ]
    assert streams.patches(pattern, "seqft", orders) == []


def test_parts_of_the_seeds_are_those_that_a_run_has(params, streams):
    assert streams.parts() == [("stream", "first"), ("stream", "further")]
    runs = tuple(run.model_copy(update={"seeds": (0,)}) for run in params.runs)
    assert Streams(Plan(params.model_copy(update={"runs": runs}))).parts() == [("stream", "first")]


def test_what_a_method_learned_does_not_depend_on_the_list_or_on_other_methods(root, streams):
    """So a new method, which is a module and an entry, makes nothing be learned again."""
    code, learn = Code(Sources(root / "src" / "taskneurons")), "continual.measure:learn_streams"
    for name in ("seqft", "ewc", "epi"):
        reached = code.modules(code(learn, *streams.makers([name])).partition(" ")[0])
        assert f"taskneurons.continual.{name}" in reached
        assert "taskneurons.studies.continual.methods" not in reached
        others = {METHODS[other].module for other in METHODS} - {METHODS[name].module, "ncft"}
        assert not {f"taskneurons.continual.{module}" for module in others} & set(reached)
    with pytest.raises(InputError, match=r"there is no module taskneurons\.continual\.seqtf"):
        code(learn, "continual.seqtf:make")
