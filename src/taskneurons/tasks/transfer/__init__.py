"""Tasks for the study of what training on some tasks does to others: a base can be trained to half of them.

`suite` the tasks and their splits; `corpus` pre-training text that teaches their words and a part of their skills.
"""
