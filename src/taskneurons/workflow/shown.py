"""What reports show: which artifacts, and under which captions Snakemake's own report shows them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from taskneurons.evidence.study import study_of
from taskneurons.files import write_text
from taskneurons.studies.registry import STUDIES

CAPTIONS = Path(".taskneurons") / "captions"


def shown(path: str) -> bool:
    """Whether the report shows a file itself, and does not only name it in the lineage."""
    return path.startswith(("results/tables/", "results/figures/", "results/cards/")) or any(
        study.reads(path, "verdicts") for study in STUDIES
    )


def show_in_snakemakes_report(rules: Iterable[Any]) -> None:
    """Mark what `snakemake --report` shows, with captions and categories from what each study says of itself.

    Args:
        rules: Snakemake's rules. Their outputs that are tables, or figures as SVG, are marked.
    """
    from snakemake.io import IOFile, flag, strip_wildcard_constraints

    for rule in rules:
        for place, output in enumerate(rule.output):
            path = Path(strip_wildcard_constraints(str(output)))
            # Each figure once, as SVG; a preview is not shown beside the whole.
            if shown(path.as_posix()) and path.suffix in {".svg", ".csv"} and path.parent.name != "first-seed":
                rule.output[place] = IOFile(flag(str(output), "report", _entry(path)), rule)


def _entry(path: Path) -> Any:
    """What Snakemake's report says of an artifact."""
    from snakemake.io import ReportObject

    kind = "Figures" if path.parts[1] == "figures" else "Tables"
    name = study_of(path, STUDIES)
    title, texts = name, [path.stem]
    if study := {study.name: study for study in STUDIES}.get(name):
        caption = study.caption(path.stem) if kind == "Figures" else study.heading(path.stem)
        title, texts = study.title, [caption, study.asks, study.paper]
    text = "\n\n".join(filter(None, texts)) + "\n"
    labels = {"what": path.stem.replace("_", " "), "of": " ".join(path.parts[3:-1]) or "all runs"}
    return ReportObject(_caption_file(f"{name}-{path.stem}", text), title, kind, labels, [], None)


def _caption_file(name: str, text: str) -> Any:
    """The file that Snakemake reads a caption from."""
    from snakemake.sourcecache import LocalSourceFile

    path = CAPTIONS / f"{name}.rst"
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write_text(path, text)
    return LocalSourceFile(str(path.absolute()))
