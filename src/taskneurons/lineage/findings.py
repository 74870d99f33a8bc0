"""What an audit found, as a table to read and as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    from rich.text import Text

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
STATUS = {"error": 1, "warning": 3, "note": 0}
"""Exit status by severity; the worst finding decides."""
COLOUR = {"error": "bold red", "warning": "yellow", "note": "dim"}
# Columns of a table in a file or a pipe; a terminal says itself how wide it is.
WIDTH = 160


@dataclass(frozen=True)
class Finding:
    """One thing that a reader of the results should know.

    Args:
        severity: `error`: something is not what the records say, or its way from raw data is broken; `warning`: the
            results are what the records say, but not what this checkout would make; `note`: not checked here.
        check: what was checked: records, content, inputs, chain, parameters, code, jobs, versions, lock, cache, root,
            against or history.
        subjects: the files that the finding is about, at least one.
        text: one sentence without a final stop.
        published: the tables, figures and cards that rest on the subjects.
    """

    severity: Severity
    check: str
    subjects: tuple[str, ...]
    text: str
    published: tuple[str, ...] = ()

    def sentences(self) -> "Text":
        """The files, the finding, and below it what rests on them."""
        from rich.text import Text

        text = Text.assemble((_some(self.subjects), "bold"), f": {self.text}.")
        if self.published:
            number = (
                f"{len(self.published)} published results rest" if self.published[1:] else "One published result rests"
            )
            text.append(f"\n{number} on it: {_some(self.published)}.", style="dim")
        return text


@dataclass(frozen=True)
class Audit:
    """The findings of one audit, the gravest first, how much was checked, and the root digest of the records."""

    findings: tuple[Finding, ...]
    checked: Mapping[str, int]
    root: str

    @property
    def status(self) -> int:
        """Exit status: 0 without errors and warnings, 3 with warnings alone, 1 with errors."""
        return next((STATUS[s] for s in SEVERITIES if any(f.severity == s for f in self.findings)), 0)

    def as_dict(self) -> dict[str, Any]:
        """The audit as JSON values."""
        return {"status": self.status, **asdict(self)}

    def show(self) -> None:
        """Print the findings as a table, and a summary."""
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        console = Console(highlight=False)
        if not console.is_terminal:
            console = Console(highlight=False, width=WIDTH)
        if self.findings:
            # Text, not markup: names of files may hold brackets.
            table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
            for finding in self.findings:
                severity = Text(finding.severity, style=COLOUR[finding.severity])
                table.add_row(severity, Text(finding.check), finding.sentences())
            console.print(table)
            console.print()
        counts = ", ".join(f"{number:,} {what}" for what, number in self.checked.items())
        console.print(Text(f"Checked: {counts}."))
        console.print(Text(f"Root digest: {self.root}"))
        found = [f"{number} {s}s" for s in SEVERITIES if (number := sum(f.severity == s for f in self.findings))]
        console.print(Text(f"Found: {', '.join(found)}." if found else "Everything agrees."))


def _some(paths: Sequence[str]) -> str:
    return f"{paths[0]} and {len(paths) - 1} more" if paths[1:] else paths[0]
