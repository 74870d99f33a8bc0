"""Two processes that do a job together make what one makes, each with half of the examples (gloo, under torchrun)."""

import numpy as np
import pytest
import torch
from several_processes import TRAININGS, difference, results
from several_processes import together as of_two
from test_tuning import BATCH, STEPS

from taskneurons import processes
from taskneurons.engine import training
from taskneurons.errors import InputError, TooLittleMemory
from taskneurons.files import read_json
from taskneurons.workflow import together
from taskneurons.workflow.costs import Size, training_bytes
from taskneurons.workflow.together import JOB


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """What each of two processes made."""
    return of_two(tmp_path_factory.mktemp("together"))


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """What one process makes, and the sequences that it trains on."""
    threads, loss = torch.get_num_threads(), training._Gradients._loss
    torch.set_num_threads(1)
    try:
        return results(tmp_path_factory.mktemp("alone"))
    finally:
        torch.set_num_threads(threads)
        training._Gradients._loss = loss


def test_each_process_sees_half_of_the_examples(both, alone):
    # A step of five gives one process two and the other three.
    even = (len(TRAININGS) - 1) * STEPS * BATCH
    assert alone[1] == even + 5 * STEPS
    assert [int(one["sequences"]) for one in both] == [even // 2 + 2 * STEPS, even // 2 + 3 * STEPS]


@pytest.mark.parametrize("name", [*TRAININGS, "resumed", "halved", "attribution", "representations", "evaluation"])
def test_two_processes_make_what_one_makes(both, alone, name):
    keys = [key for key in alone[0] if key.split("/")[0] == name]
    assert keys
    for key in keys:
        np.testing.assert_array_equal(both[0][key], both[1][key], err_msg=key)
    assert difference(both[0], alone[0], name) <= 1e-4


def test_a_training_that_was_killed_goes_on_with_the_same_bits(both, alone):
    for found in (*both, alone[0]):
        keys = [key for key in found if key.startswith("resumed/6/")]
        assert keys
        for key in keys:
            np.testing.assert_array_equal(found[key], found[key.replace("resumed", "full", 1)], err_msg=key)


@pytest.mark.parametrize("name", ["attribution", "representations", "evaluation"])
def test_processes_that_share_out_the_weights_measure_what_one_measures(both, alone, name):
    for measured in (name, f"off {name}"):
        for found in both:
            assert difference(found, alone[0], f"shared {measured}", measured) <= 1e-4
    assert difference(both[0], alone[0], f"shared off {name}", name) > 1e-2, "hooks do something"


def test_each_process_keeps_its_part_of_the_weights(both):
    parts, (whole, _) = zip(*(found["shared bytes"] for found in both), strict=True)
    assert sum(parts) == whole
    assert max(parts) <= 0.52 * whole


def test_where_one_process_has_too_little_room_all_go_on_with_smaller_passes(both, alone):
    """From the resume file; what they make is compared with that of one process above."""
    assert (alone[0]["micro batch"], alone[0]["goes on"]) == (0, False)
    for one in both:
        assert (one["micro batch"], one["goes on"]) == (1, True)


def test_one_example_without_room_ends_the_job_with_a_sentence(monkeypatch, tmp_path):
    asked = []

    def start(*_):
        asked.append(read_json(tmp_path / "job" / JOB)["resources"]["micro_batch_size"])
        raise TooLittleMemory(asked[-1] or 5, where="workflow.micro_batch_size")

    monkeypatch.setattr(together, "start", start)
    with pytest.raises(TooLittleMemory, match="does not hold 1 examples"):
        together.start_until_it_fits([], {"resources": {"micro_batch_size": 0}}, 2, tmp_path / "job")
    assert asked == [0, 2, 1]


def test_two_processes_share_out_weights_that_move_with_gradients_and_moments(both, alone):
    """As the formula says by which jobs ask for memory: it counts the model that they came from as well."""
    size = Size.of_parameters(int(alone[0]["parameters"]))
    assert alone[0]["held/full"] == training_bytes(size, "full", "float32")
    for one in both:
        # A row that two processes cannot halve is one's alone.
        assert one["held/full"] + 4 * size.parameters == pytest.approx(
            training_bytes(size, "full", "float32", processes=2), rel=0.02
        )
    for name in ("neurons", "lora"):
        assert both[0][f"held/{name}"] == alone[0][f"held/{name}"] > 0


def test_fewer_examples_than_processes_are_refused(monkeypatch):
    monkeypatch.setattr(processes, "number", lambda: 4)
    with pytest.raises(InputError, match=r"processes_per_job: 3 examples are too few for 4 processes"):
        processes.share(3)
