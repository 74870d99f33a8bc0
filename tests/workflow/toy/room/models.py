"""A model that lasts as long, or fails as badly, as the environment says."""

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from taskneurons.errors import InputError
from taskneurons.files import write_text
from taskneurons.job import Job


@dataclass(frozen=True)
class ModelSettings:
    """What a model is trained with."""

    model: dict[str, Any]
    multitask: dict[str, Any]


def train_model(job: Job[ModelSettings]) -> None:
    """Write what the model is made of."""
    path = job.outputs.one("model")
    seed = str(job.seed)
    if seed == os.environ.get("TOY_FAILS"):
        path.write_text("half a mod")
        raise InputError("the toy fails", where=f"seed {seed}", remedy="Let it not fail")
    if (once := os.environ.get("TOY_FAILS_ONCE")) and Path(once).exists():
        # The file is there until the first try has failed.
        Path(once).unlink()
        raise InputError("the toy fails once", where=f"seed {seed}", remedy="Try again")
    if seed == os.environ.get("TOY_SLEEPS"):
        # The test ends it.
        time.sleep(3600)
    if waits := os.environ.get("TOY_WAITS"):
        # Until somebody removes the file, so that a test can change something while the job runs.
        (job.resume.parent / f"waits-{seed}").parent.mkdir(parents=True, exist_ok=True)
        flag = job.resume.parent / f"waits-{seed}"
        flag.touch()
        end = time.monotonic() + float(waits)
        while flag.exists() and time.monotonic() < end:
            time.sleep(0.05)
    made_of = [job.inputs.one("vocabulary").read_text(), seed, json.dumps(asdict(job.settings), sort_keys=True)]
    write_text(path, " ".join(made_of))
