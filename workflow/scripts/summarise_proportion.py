"""Scores at every share of the neurons with intervals, and the test of their trend (Figures 2 and 6)."""

import json

from taskneurons.evidence.proportion import SUMMARY_COLUMNS, TREND_COLUMNS, proportion_summary, proportion_trend
from taskneurons.evidence.tuned import read_tuned
from taskneurons.files import write_csv
from taskneurons.lineage.runinfo import run_info

settings = json.loads(snakemake.params.settings)
run_info(snakemake.log[0])
rows = read_tuned(snakemake.input.rows)
write_csv(snakemake.output.summary, proportion_summary(rows, settings["groups"]), SUMMARY_COLUMNS)
write_csv(snakemake.output.trend, proportion_trend(rows, settings["groups"]), TREND_COLUMNS)
