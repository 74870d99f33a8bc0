"""All claims in a few pages: effect and interval against the margin, the verdict, the published value."""

import json
from pathlib import Path

from taskneurons.evidence.claims_pages import pages_of
from taskneurons.evidence.figures.claims import draw_claims
from taskneurons.files import read_json
from taskneurons.lineage.runinfo import run_info

settings = json.loads(snakemake.params.settings)
run_info(snakemake.log[0])
decided = read_json(snakemake.input[0])
for page in pages_of(decided["claims"]):
    paths = [path for path in snakemake.output if Path(path).stem == page.name]
    draw_claims(decided, page.name, paths, dpi=settings["figures"]["dpi"])
