"""The one script of all rules. What a job does stands in the function that its rule names; see `taskneurons.job`."""

from taskneurons.workflow import loading

loading.install()

from taskneurons.workflow.runner import run  # noqa: E402

run(snakemake)
