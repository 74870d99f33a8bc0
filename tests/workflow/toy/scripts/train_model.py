"""A model that lasts as long, or fails as badly, as the environment says."""

import os
import time
from pathlib import Path

from taskneurons.files import write_text
from taskneurons.lineage.runinfo import run_info

run_info(snakemake.log[0], device="toy device")
if snakemake.wildcards.seed == os.environ.get("TOY_FAILS"):
    Path(snakemake.output[0]).write_text("half a mod")
    raise RuntimeError("the toy fails")
if snakemake.wildcards.seed == os.environ.get("TOY_SLEEPS"):
    time.sleep(60)
made_of = [Path(snakemake.input[0]).read_text(), snakemake.wildcards.seed, snakemake.params.settings]
write_text(snakemake.output[0], " ".join(made_of))
