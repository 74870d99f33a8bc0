"""Write the pre-training text of one suite."""

import json
from pathlib import Path

from taskneurons.files import write_jsonl
from taskneurons.lineage.runinfo import run_info
from taskneurons.tasks.sources import make_corpus

settings = json.loads(snakemake.params.settings)
run_info(snakemake.log[0])
write_jsonl(snakemake.output[0], make_corpus(settings["suite"], [Path(path).parent for path in snakemake.input]))
