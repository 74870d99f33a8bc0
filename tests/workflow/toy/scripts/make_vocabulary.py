"""Write a constant: a job without inputs."""

from taskneurons.files import write_text
from taskneurons.lineage.runinfo import run_info

run_info(snakemake.log[0])
write_text(snakemake.output[0], "a b c\n")
