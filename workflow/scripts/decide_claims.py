"""Which claims of the papers hold here, by the rules of claims.yaml, from the tables alone."""

import json

from taskneurons.evidence.claims import CLAIM_COLUMNS, claim_rows, decide_claims, read_tables
from taskneurons.files import read_json, write_csv, write_json
from taskneurons.lineage.runinfo import run_info

settings = json.loads(snakemake.params.settings)
run_info(snakemake.log[0])
runs = [tuple(run) for run in settings["runs"]]
models = {run: read_json(path) for run, path in zip(runs, snakemake.input.checkpoints, strict=True)}
decided = decide_claims(settings["rules"], read_tables(snakemake.input.tables), models, settings["groups"])
write_json(snakemake.output.json, decided)
write_csv(snakemake.output.table, claim_rows(decided), CLAIM_COLUMNS)
