"""A job of several processes hears what they say, hands signals on, and tells them the job without a pickle."""

import json
import os
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from taskneurons.errors import InputError
from taskneurons.workflow import together
from taskneurons.workflow.handing import job_of

SAYS = """
import sys
from pathlib import Path
from taskneurons.errors import InputError
from taskneurons.workflow.together import said
with said(Path(sys.argv[1])):
    raise InputError("too large", where="here", remedy="Do less")
"""
STOPS = """
import os, signal, sys, time
from pathlib import Path
from taskneurons.workflow import together
together.act_on_stop()
folder, place = Path(sys.argv[1]), os.environ["RANK"]
def stop(number, frame):
    # Longer than the others, as who writes a resume file.
    time.sleep(0.5 * (place == "0"))
    (folder / f"wrote-{place}").touch()
    while not (folder / "wrote-0").exists():
        time.sleep(0.02)
    sys.exit(together.STOPPED)
signal.signal(signal.SIGTERM, stop)
with together.said(folder):
    (folder / f"ready-{place}").touch()
    time.sleep(60)
"""


@dataclass(frozen=True)
class Given:
    rate: float


def test_what_one_process_says_is_what_the_job_says(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SAYS)
    with pytest.raises(InputError, match=r"here: too large\. Do less"):
        together.start([str(script), str(tmp_path)], 1, tmp_path)


def test_a_signal_to_stop_reaches_all_processes_and_waits_for_them(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(STOPS)

    def kill():
        end = time.monotonic() + 60
        while not all((tmp_path / f"ready-{place}").exists() for place in (0, 1)) and time.monotonic() < end:
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=kill).start()
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as end:
        together.start([str(script), str(tmp_path)], 2, tmp_path)
    assert end.value.code == together.STOPPED
    assert all((tmp_path / f"wrote-{place}").exists() for place in (0, 1))
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_job_survives_json_and_others_than_the_first_write_aside():
    given = SimpleNamespace(
        params=SimpleNamespace(settings='{"rate": 0.1}', code="a.b:c 0123"),
        input={"base": ["m/config.json", "m/model.safetensors"], "scores": "s.safetensors"},
        output={"rows": "results/rows.csv"},
        wildcards={"run": "s/m", "seed": "3"},
        threads=2,
        resources={"gpu": 2, "processes": 2, "tmpdir": "/tmp", "micro_batch_size": 1},
    )
    digests = {Path("s.safetensors"): "d1"}
    description = json.loads(json.dumps(together.described(given, digests)))
    expected, found, aside = (
        job_of(given, Given, digests),
        job_of(together.read(description), Given, digests),
        job_of(together.read(description), Given, digests, Path("away/1")),
    )
    assert found == expected
    assert aside.outputs.one("rows") == Path("away/1/results/rows.csv")
    assert (aside.resume, aside.identity, aside.settings) == (expected.resume, expected.identity, Given(0.1))
