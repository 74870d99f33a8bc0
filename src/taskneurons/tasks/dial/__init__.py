"""A suite in which the answer is known: how many latent skills two tasks share is set by construction.

`skills` the skills, each a private table; `ring` which tasks ask which of them, so that every number of shared skills
from none to all occurs; `suite` the tasks and their splits; `corpus` pre-training text that teaches the form of the
tasks and none of the skills.
"""
