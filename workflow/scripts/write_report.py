"""The report: one page of everything that was made, with the lineage of every number."""

from dataclasses import fields
from pathlib import Path

from taskneurons.evidence.report.contents import gather
from taskneurons.evidence.report.page import write_report
from taskneurons.lineage.graph import Graph
from taskneurons.lineage.record import present
from taskneurons.lineage.runinfo import run_info

run_info(snakemake.log[0])
lines = present(Graph.load())
contents = gather(
    snakemake.input,
    [{field.name: getattr(line, field.name) for field in fields(line)} for line in lines.values()],
    benchmarks=sorted(Path("logs/benchmarks").rglob("*.tsv")),
)
write_report(snakemake.output[0], contents)
