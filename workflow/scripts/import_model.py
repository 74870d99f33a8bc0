"""Import a model from a folder or from the hub into the one checkpoint layout, after checking every tensor."""

import json
from pathlib import Path

from taskneurons.lineage.runinfo import run_info
from taskneurons.models.load import import_folder, import_hub

settings = json.loads(snakemake.params.settings)
run_info(snakemake.log[0])
model, out = settings["model"], Path(snakemake.output[0]).parent
named = {"name": settings["name"], "context": model["context"]}
if model["source"] == "folder":
    import_folder(model["path"], out, **named)
else:
    import_hub(model["repository"], model["revision"], out, **named)
