"""Parameters of the models whose neurons are studied."""

from taskneurons.params.schedule import Schedule


class Multitask(Schedule):
    """Fine-tuning of the base model on all tasks of the suite together."""
