"""The report: one page of everything that was made, with the lineage of every number."""

from taskneurons.lineage.runinfo import run_info
from taskneurons.report.jobs import write
from taskneurons.workflow.runner import job_of, settings_type

run_info(snakemake.log[0])
write(job_of(snakemake, settings_type(write)))
