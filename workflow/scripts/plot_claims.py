"""All claims in one picture: effect and interval against the margin, the verdict, the published value."""

import json

from taskneurons.evidence.figures.claims import draw_claims
from taskneurons.files import read_json
from taskneurons.lineage.runinfo import run_info

settings = json.loads(snakemake.params.settings)
run_info(snakemake.log[0])
draw_claims(read_json(snakemake.input[0]), snakemake.output, dpi=settings["figures"]["dpi"])
