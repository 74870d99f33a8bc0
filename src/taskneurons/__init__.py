"""Which neurons of a language model carry a task, and what follows from it.

The rooms, in the order of the data's way; a file imports only from rooms above its own, as
`.importlinter` checks:

- `tasks`: tasks, examples, prompts, and where they come from: generated, JSONL folders, the Hugging Face hub
- `neurons`: scores of neurons, sets of neurons and their controls, patches (new weights of a set)
- `measures`: metrics and statistics as pure functions of arrays
- `models`: checkpoints, tokenizers, encoding, and the neurons of a model (`ffn`)
- `engine`: what runs a model: training, attribution, deactivation, evaluation, representations
- `evidence`: tables, comparisons with the published numbers, figures
- `lineage`: code fingerprints, records of artifacts, the DVC stages, recovery
- `params`: the validated parameters
- `cli`: the command `taskneurons`

`errors` and `files` stand below all of them.
"""
