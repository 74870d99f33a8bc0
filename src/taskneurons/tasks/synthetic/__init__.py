"""The embedded suite: 12 generated tasks, 6 families in 2 domains each, after the 12 tasks of Leng & Xiong (2025).

`grammar` what a family is made of; one module a family; `suite` the tasks and their splits; `corpus` pre-training
text that holds the same skills in other formats; `vocabulary` every word that any of them can produce.
"""
