"""A whole study on a model of a hub's shape: what it takes, job by job.

    python -m benchmarks.hub_shape TASKS build/hub_shape

A Llama of 32 layers as a hub has it: a vocabulary of 32,000, four shards in bfloat16, a stray pickle, generation
settings that contradict themselves, and no token to pad with. It is tuned on tasks of a folder in the format of jsonl,
and their neurons are found and switched off. CPU time and peak memory are what the records of the jobs say.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path

import torch
import yaml
from transformers import LlamaConfig, LlamaForCausalLM

from benchmarks.measure import print_table, versions
from taskneurons.cli import main as taskneurons
from taskneurons.files import read_jsonl, write_json
from taskneurons.models.tokenizers import train_bpe_tokenizer

VOCABULARY = 32_000
MULTITASK = {"steps": 20, "batch_size": 8, "learning_rate": 1e-4, "warmup": 2}


def write_model(folder: Path, texts: Iterable[str], *, layers: int = 32, vocabulary: int = VOCABULARY) -> int:
    """Write the model with a tokenizer of some texts.

    Returns:
        Its parameters.
    """
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=128,
        intermediate_size=344,
        num_hidden_layers=layers,
        num_attention_heads=4,
        max_position_embeddings=2048,
    )
    model = LlamaForCausalLM(config).to(torch.bfloat16)
    # Four: no shard comes out full.
    model.save_pretrained(folder, max_shard_size=2 * model.num_parameters() // 3)
    train_bpe_tokenizer(texts, vocabulary).save_pretrained(folder)
    for name, changes in (
        ("tokenizer_config.json", {"pad_token": None}),
        ("generation_config.json", {"do_sample": False, "temperature": 0.9, "top_p": 0.6}),
    ):
        path = folder / name
        found = json.loads(path.read_text()) | changes
        write_json(path, {key: value for key, value in found.items() if value is not None})
    (folder / "pytorch_model.bin").write_bytes(b"a pickle")
    return int(model.num_parameters())


def texts_of(tasks: Path) -> list[str]:
    """Inputs and answers of the training examples of some tasks."""
    rows = [row for file in sorted(tasks.glob("*.train.jsonl")) for row in read_jsonl(file)]
    answers = [row["target"] if isinstance(row["target"], list) else [row["target"]] for row in rows]
    return [text for row, targets in zip(rows, answers, strict=True) for text in (row["input"], *targets)]


def costs(lineage: Path) -> list[tuple[str, int, float, float]]:
    """Of each rule, and last of all: jobs, CPU seconds, MB of the job that held most, as the records say."""
    records = [record for file in sorted(lineage.glob("*.jsonl")) for record in read_jsonl(file)]
    jobs: dict[str, list[tuple[float, float]]] = {}
    for record in records:
        jobs.setdefault(record["rule"], []).append((record["cpu_seconds"], record["memory"]["host"] / 1e6))
    jobs = dict(sorted(jobs.items())) | {"all": [one for found in jobs.values() for one in found]}
    return [
        (rule, len(found), sum(cpu for cpu, _ in found), max(peak for _, peak in found)) for rule, found in jobs.items()
    ]


def main(arguments: list[str] | None = None) -> int:
    """Make the model and the study, run it, print what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", type=Path, help="a folder of tasks, as `taskneurons init --tasks` takes it")
    parser.add_argument("folder", type=Path, help="a new one, for the model and the study")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the measurements as JSON")
    chosen = parser.parse_args(arguments)
    tasks, folder, out = chosen.tasks.resolve(), chosen.folder.resolve(), chosen.out and chosen.out.resolve()
    parameters = write_model(folder / "model", texts_of(tasks))
    study = folder / "study"
    if status := taskneurons(["init", str(study), "--model", str(folder / "model"), "--tasks", str(tasks)]):
        return status
    params = yaml.safe_load((study / "params.yaml").read_text())
    params = {**params, "multitask": MULTITASK}
    (study / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    os.chdir(study)
    if status := taskneurons(["results", "--cores", "1", "deactivation"]):
        return status
    rows = costs(study / "lineage")
    print_table(["rule", "jobs", "CPU s", "peak MB"], rows)
    if out:
        write_json(out, {"parameters": parameters, "rules": rows, "software": versions("torch", "transformers")})
    return 0


if __name__ == "__main__":
    sys.exit(main())
