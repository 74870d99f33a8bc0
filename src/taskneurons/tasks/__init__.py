"""Tasks: what a model is asked to do, with its examples.

`task` the nouns (Task, Example); `prompts` instruction templates; `storage` the files of a task; `curation` which
records become examples; the sources `synthetic`, `jsonl`, `hub` and `flan`; `corpus` pre-training text from a suite's
own training text; `card` the data card.
"""
