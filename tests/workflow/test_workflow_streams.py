"""What continual learning asks of the workflow: which streams are learned, and what a job of a method is given."""

import json
from itertools import product
from math import factorial

import pytest

from taskneurons.errors import InputError
from taskneurons.lineage.code import Code, Sources
from taskneurons.lineage.fingerprint import settings
from taskneurons.params.loading import load_params
from taskneurons.studies.continual.methods import METHODS
from taskneurons.workflow.plan import Plan
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


def test_sampled_orders_follow_those_of_their_benchmark_and_are_new_orders_of_its_tasks(params):
    given = params.streams["stream"]
    streams = other(params, sampled=given.sampled.model_copy(update={"count": 3}))
    found = streams.benchmarks("stream")["standard"]
    assert list(found) == [*given.benchmarks["standard"], *(f"s{place}" for place in (1, 2, 3))]
    assert len({*found.values()}) == len(found)
    assert all(sorted(order) == sorted(next(iter(found.values()))) for order in found.values())
    assert given.development not in streams.orders("stream").values()


def test_every_method_learns_every_order_with_every_seed(params, streams):
    run = next(run for run in params.runs if "continual" in run.studies)
    continual = params.continual
    methods = continual.methods + continual.variants + continual.weightings + continual.dynamic
    found = {(stream.method, stream.seed, stream.order) for stream in streams.streams()}
    assert found == set(product(methods, run.seeds, streams.orders("stream")))
    assert len(list(streams.streams())) == len(found)


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


def test_every_method_is_chosen_in_one_group_that_is_learned(root):
    params = load_params(root / "params" / "full.yaml")
    streams = Streams(Plan(params))
    groups = {name: streams.group(name) for name in METHODS}
    assert set(groups.values()) == set(streams.groups()) <= set(params.continual.methods)
    assert all(groups[name] == name for name in streams.groups())
    assert groups["multitask"] == "pertask"
    # All but Per-Task FT are compared with what it learned.
    limits = {name: streams.limit(name, "rates/{group}.csv") for name in streams.groups()}
    assert {tuple(paths) for name, paths in limits.items() if name != "pertask"} == {("rates/pertask.csv",)}
    assert limits["pertask"] == []
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


def test_only_methods_that_keep_patches_leave_some(streams):
    orders = {"1": ("a", "b"), "2": ("b", "a")}
    pattern = "{run}/{method}/{order}/{rate}/{stage}_{task}"
    assert streams.patches(pattern, "ncft_base", orders) == [
        f"{{run}}/ncft_base/{order}/{rate}/{stage}"
        for order, stages in (("1", ("1_a", "2_b")), ("2", ("1_b", "2_a")))
        for rate in ("own", "equal")
        for stage in stages
    ]
    assert streams.patches(pattern, "seqft", orders) == []


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
