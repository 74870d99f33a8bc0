"""Tasks: what a model is asked to do, with its examples.

`task` the nouns (Task, Example); `prompts` instruction templates; `storage` the files of a task; `curation` which
records become examples; `source` what makes the tasks of a suite, `sources` the modules that do it; `corpus`
pre-training text from a suite's own training text; `card` the data card.
"""
