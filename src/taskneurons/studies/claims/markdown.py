"""Tables in Markdown, as the commands about claims print them and their pages have them."""

from collections.abc import Iterable, Iterator


def table_lines(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """The lines of a table: its head, and a line for each row."""
    names = list(head)
    yield f"| {' | '.join(names)} |"
    yield f"|{'---|' * len(names)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
