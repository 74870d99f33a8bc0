"""The tasks of a suite that models are trained on, and those that only test them."""

from collections.abc import Iterator

from taskneurons.params.section import Inconsistency, Section, Slug, described


class TaskGroups(Section):
    """The tasks of a suite that models are trained on and those that only test them (Leng & Xiong 2025, Table 3)."""

    train_classification: tuple[Slug, ...] = described("classification tasks that are trained on", "-", min_length=1)
    train_generation: tuple[Slug, ...] = described("generation tasks that are trained on", "-", min_length=1)
    test_classification: tuple[Slug, ...] = described("classification tasks that only test", "-", min_length=1)
    test_generation: tuple[Slug, ...] = described("generation tasks that only test", "-", min_length=1)

    def tasks(self) -> tuple[str, ...]:
        """All tasks, classification first."""
        return self.train_classification + self.test_classification + self.train_generation + self.test_generation

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """No task is in two groups: a test task that was trained on would not test generalisation."""
        place: dict[str, str] = {}
        for name in type(self).model_fields:
            for index, task in enumerate(getattr(self, name)):
                if task in place:
                    yield Inconsistency((name, index), f"task `{task}` is in `{place[task]}` too", "Keep one of them")
                place.setdefault(task, name)
