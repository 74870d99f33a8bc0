"""Copy the raw lines of each task."""

from pathlib import Path

from taskneurons.files import write_text
from taskneurons.lineage.runinfo import run_info

run_info(snakemake.log[0])
for path in snakemake.output:
    name = f"{Path(path).stem}.train.jsonl"
    write_text(path, "".join(Path(raw).read_text() for raw in snakemake.input if Path(raw).name == name))
