"""A run is read off the folder that it lies in."""

from pathlib import Path

from taskneurons.evidence.runs import Run


def test_the_folder_of_a_run_names_it():
    sets = Path("results/neurons/wide/bloom/seed12/sets/taylor-10-model/nli.safetensors")
    assert Run.of_folder(sets.parents[2]) == ("wide", "bloom", 12)
