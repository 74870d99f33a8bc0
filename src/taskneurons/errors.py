"""The exception that means: what you gave us cannot be used, here is where and what to do."""


class InputError(Exception):
    """Bad input from outside the package: a file, a parameter, a model, a task.

    Args:
        message: what is wrong and what was expected, one sentence without a final stop.
        where: the file (with its line) or the parameter's key path.
        remedy: what to do about it.
    """

    def __init__(self, message: str, *, where: str | None = None, remedy: str | None = None) -> None:
        self.message, self.where, self.remedy = message, where, remedy
        super().__init__(message)

    def __str__(self) -> str:
        head = f"{self.where}: " if self.where else ""
        tail = f". {self.remedy}" if self.remedy else ""
        return f"{head}{self.message}{tail}"


class TooLittleMemory(InputError):
    """A device's memory does not hold one pass over some examples; fewer may fit.

    Args:
        examples: of the pass.
        where, remedy: as of every bad input.
    """

    def __init__(self, examples: int, *, where: str | None = None, remedy: str | None = None) -> None:
        self.examples = examples
        super().__init__(f"the device's memory does not hold {examples} examples at once", where=where, remedy=remedy)
