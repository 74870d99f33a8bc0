"""Two processes that do a job together make what one makes, each with half of the examples (gloo, under torchrun)."""

import numpy as np
import pytest
import torch
from several_processes import TRAININGS, difference, results
from several_processes import together as of_two
from test_tuning import BATCH, STEPS

from taskneurons.engine import processes, training
from taskneurons.errors import InputError
from taskneurons.workflow import together


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


@pytest.mark.parametrize("name", [*TRAININGS, "resumed", "attribution", "representations", "evaluation"])
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


def test_fewer_examples_than_processes_are_refused(monkeypatch):
    monkeypatch.setattr(processes, "number", lambda: 4)
    with pytest.raises(InputError, match=r"processes_per_job: 3 examples are too few for 4 processes"):
        processes.share(3)


def test_what_one_process_says_is_what_the_job_says(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\nfrom pathlib import Path\nfrom taskneurons.errors import InputError\n"
        "from taskneurons.workflow.together import said\n"
        "with said(Path(sys.argv[1])):\n    raise InputError('too large', where='here', remedy='Do less')\n"
    )
    with pytest.raises(InputError, match=r"here: too large\. Do less"):
        together.start([str(script), str(tmp_path)], 1, tmp_path)
