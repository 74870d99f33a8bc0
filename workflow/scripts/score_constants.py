"""What the best constant answer scores on each of some tasks: the level of chance."""

from pathlib import Path

from taskneurons.evidence.chance import constant_answer
from taskneurons.files import write_json
from taskneurons.lineage.runinfo import run_info
from taskneurons.tasks.storage import read_split, read_task

run_info(snakemake.log[0])
for path in map(Path, snakemake.output):
    train, test = ([one.target for one in read_split(path.parent, split)] for split in ("train", "test"))
    write_json(path, constant_answer(read_task(path.parent).kind, train, test))
