"""Write the pre-training text of a stream suite."""

import json

from taskneurons.files import write_jsonl
from taskneurons.lineage.runinfo import run_info
from taskneurons.tasks.stream.corpus import stream_corpus

settings = json.loads(snakemake.params.settings)
run_info(snakemake.log[0])
write_jsonl(snakemake.output[0], stream_corpus(**settings))
