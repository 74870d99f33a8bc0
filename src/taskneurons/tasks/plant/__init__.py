"""A suite for models into which neurons are planted: each task asks a common skill, one of its family and its own.

`skills` the tables and who asks which; `suite` the tasks and their splits; `corpus` text that has the form of the
tasks and none of the skills.
"""
