"""Train the tokenizer of a model from scratch on its suite's pre-training text and training examples."""

import json
from pathlib import Path

from taskneurons.lineage.runinfo import run_info
from taskneurons.models.tokenizers import save_tokenizer, train_bpe_tokenizer, train_word_tokenizer
from taskneurons.tasks.sources import training_texts

tokenizer = json.loads(snakemake.params.settings)["tokenizer"]
run_info(snakemake.log[0])
folders = dict.fromkeys(Path(path).parent for path in snakemake.input.tasks)
texts = training_texts(snakemake.input.corpus, folders)
trained = (
    train_word_tokenizer(texts) if tokenizer["kind"] == "word" else train_bpe_tokenizer(texts, tokenizer["vocabulary"])
)
save_tokenizer(Path(snakemake.output[0]).parent, trained)
