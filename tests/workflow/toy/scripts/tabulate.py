"""One row a file."""

from pathlib import Path

from taskneurons.files import write_csv

rows = [{"file": path, "size": Path(path).stat().st_size} for path in snakemake.input]
write_csv(snakemake.output[0], rows, ["file", "size"])
