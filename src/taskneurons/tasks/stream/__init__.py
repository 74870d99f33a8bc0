"""Tasks that are learned one after another: eight classifications, after the Large benchmark of Leng & Xiong (2025).

`themes` what texts can be about; `topic` three tasks that name the theme; `rating` one to five stars; `entailment`
inference with two labels; `suite` these with three tasks of the synthetic suite as they are; `corpus` pre-training text
that holds their skills in other formats.
"""
