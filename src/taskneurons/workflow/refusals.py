"""What is refused while the Snakefile is read, as one sentence: Snakemake would print where it was raised as well."""

import logging
import re

from taskneurons.errors import InputError

# Above the text Snakemake says what was raised where, below it the frames of Python.
_HEAD = re.compile(rf"{InputError.__name__}(?: in .*)?:\n")
_FRAMES = re.compile(r'(?:\n  File ".*", line \d+, in .*)+\Z')


def only_the_sentence(record: logging.LogRecord) -> bool:
    """A filter of Snakemake's logger: leave of a refusal what it says. Every record passes."""
    if getattr(record, "exception", None) == InputError.__name__:
        record.msg, record.args = f"error: {said(record.getMessage())}", ()
    return True


def said(text: str) -> str:
    """The words of a refusal, of the text that Snakemake prints of it."""
    return _FRAMES.sub("", _HEAD.sub("", text, count=1))
