"""The embedded suites: generated tasks, in two collections.

`twelve` is 6 families in 2 domains each, after the 12 tasks of Leng & Xiong (2025); `wide` is 12 families in 2 or 3
domains each, after the task clusters of Zhao et al. (2024), where clusters and held-out families mean something.

`grammar` what a family is made of; one module a family; `suite` the tasks and their splits; `corpus` pre-training
text that holds the same skills in other formats; `vocabulary` every word that any of them can produce.
"""
