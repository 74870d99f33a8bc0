"""Write a data card for each of some tasks, with what each model's context would cut."""

import json
from pathlib import Path

from taskneurons.files import write_text
from taskneurons.lineage.runinfo import run_info
from taskneurons.models.encoding import count_truncated
from taskneurons.models.tokenizers import load_tokenizer
from taskneurons.tasks.card import data_card
from taskneurons.tasks.storage import read_counts, read_split, read_task

settings = json.loads(snakemake.params.settings)
run_info(snakemake.log[0])
folders = [Path(path).parent for path in snakemake.input.tokenizers]
tokenizers = dict(zip(settings["contexts"], map(load_tokenizer, folders), strict=True))
for card in map(Path, snakemake.output.cards):
    folder = Path(f"results/data/{settings['suite']}/tasks/{card.stem}")
    counts = read_counts(folder)
    splits = {split: read_split(folder, split) for split in counts.splits}
    truncation = {
        model: {split: count_truncated(examples, tokenizers[model], context) for split, examples in splits.items()}
        for model, context in settings["contexts"].items()
    }
    write_text(card, data_card(read_task(folder), counts, splits, truncation))
