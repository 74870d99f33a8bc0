"""Score every task with the model."""

from pathlib import Path

from taskneurons.toy import score

from taskneurons.files import write_text
from taskneurons.lineage.runinfo import run_info

run_info(snakemake.log[0])
for path in snakemake.output:
    write_text(path, score(Path(snakemake.input.model).read_text(), Path(path).stem))
