"""The one script of all rules. What a job does stands in the function that its rule names; see `taskneurons.job`."""

from taskneurons.workflow import loading

loading.install()

from taskneurons.workflow.forked import run_in_fork  # noqa: E402

# It comes back where this process itself is to do the job.
run_in_fork(snakemake.resources)

from taskneurons.workflow.runner import run  # noqa: E402

run(snakemake)
