"""Do the printed numbers agree with each other, and with what chance alone would give?"""

from pathlib import Path

from taskneurons.evidence.published import LENG2025, read_published
from taskneurons.evidence.published_checks import CHECK_COLUMNS, published_checks
from taskneurons.files import write_csv
from taskneurons.lineage.runinfo import run_info

run_info(snakemake.log[0])
folder = Path(snakemake.input[0]).parent
published = {table: read_published(folder, table) for table in LENG2025}
write_csv(snakemake.output[0], published_checks(published), CHECK_COLUMNS)
