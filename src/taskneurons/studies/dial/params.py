"""Parameters of the study of the dial: whether neurons and parameters follow a known number of shared skills."""

from pydantic import PositiveInt

from taskneurons.params.schedule import Schedule
from taskneurons.params.section import Section, described


class Dial(Section):
    """Transfer, overlap and similarity of parameters between tasks that share a known number of latent skills."""

    tuning: Schedule = described("full fine-tuning on each task alone", "-")
    test_examples: PositiveInt = described("test examples of each task, at most", "examples")
    draws: PositiveInt = described("permutations of tasks in every test, where they are not enumerated", "draws")
