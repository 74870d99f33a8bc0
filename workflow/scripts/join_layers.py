"""Overlap of neurons, similarity of representations and transfer between tasks: all pairs, and tests layer by layer."""

import json
from pathlib import Path

from taskneurons.evidence.layers import read_layer_rows, read_maps
from taskneurons.evidence.layers_joint import (
    JOINT_COLUMNS,
    PAIR_COLUMNS,
    experimental_sets,
    gather_transfer,
    joint_tests,
    neuron_shares,
    task_pairs,
)
from taskneurons.files import write_csv
from taskneurons.lineage.runinfo import run_info

settings = json.loads(snakemake.params.settings)
run_info(snakemake.log[0])
layers, maps = read_layer_rows(snakemake.input.layers), read_maps(snakemake.input.map)
transfer = gather_transfer(snakemake.input.transfer)
pairs, joint = [], []
for suite, model, seed in settings["runs"]:
    run = {"model": model, "suite": suite, "seed": seed}
    place = (suite, model, f"seed{seed}")
    checkpoint = next((path for path in snakemake.input.checkpoints if Path(path).parts[2:5] == place), None)
    sets, reason = {}, ""
    for selection in settings["selections"]:
        files = {
            Path(path).stem: path
            for path in snakemake.input.sets
            if Path(path).parts[2:5] == place and Path(path).parent.name == selection
        }
        sets[selection], reason = experimental_sets(files, checkpoint)
    own = task_pairs(transfer, layers, sets, run)
    pairs += own
    joint += joint_tests(own, draws=settings["draws"], reason=reason)
    joint += neuron_shares(sets, maps[model, suite, str(seed), "experimental", "all", "cka_unbiased"], run, reason)
write_csv(snakemake.output.pairs, pairs, PAIR_COLUMNS)
write_csv(snakemake.output.joint, joint, JOINT_COLUMNS)
