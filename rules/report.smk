# The report of everything, results/report.html, with what it alone needs: results/report/. It is the last study.
#
# Here Snakemake's own report (`snakemake --report`) hears of all figures and tables, too: captions and categories come
# from what each study says of itself, so that the rules of the studies say nothing of how they are shown.
from snakemake.io import IOFile, ReportObject, flag, strip_wildcard_constraints
from snakemake.sourcecache import LocalSourceFile
from taskneurons.evidence.study import study_of
from taskneurons.files import write_text
from taskneurons.report.source import templates_digest
from taskneurons.studies import registry

# What a card of the atlas shows; it decides no result.
TOP_NEURONS = 50
TOP_EXAMPLES = 5
TOP = "results/report/{run}/seed{seed}/top_examples.csv"


def shown(path):
    """Whether the report shows a file itself, and does not only name it in the lineage."""
    return path.startswith(("results/tables/", "results/figures/", "results/cards/")) or any(
        study.reads(path, "verdicts") for study in registry.STUDIES
    )


rule find_examples:
    input:
        checkpoint=checkpoint(paths.MULTITASK),
        tasks=inputs.tasks,
        scores=inputs.of_tasks(paths.SCORES, estimator=P.neurons.selections[0].estimator),
    output:
        examples=TOP,
    log:
        "logs/report/{run}/seed{seed}/find_examples.log",
    benchmark:
        "logs/benchmarks/report/{run}/seed{seed}/find_examples.tsv"
    wildcard_constraints:
        # Of the first seed alone: neurons of other seeds are other neurons.
        run=plan.pattern(seeds="first"),
    resources:
        **of_model(P, "infer"),
    params:
        settings=lambda wildcards: settings(
            tasks=plan.tasks(suite_of(wildcards)),
            neurons=TOP_NEURONS,
            examples=TOP_EXAMPLES,
            batch_size=P.evaluation.batch_size,
            dtype=plan.dtype(wildcards),
        ),
        code=code("neurons.examples:find_examples"),
    script:
        "../workflow/scripts/run.py"


rule write_report:
    input:
        shown=[path for study in registry.STUDIES for path in artifacts(study.name) if shown(path)],
        published=[f"published/{name}" for study in registry.STUDIES for name, _ in study.published],
        tasks=[
            f"{paths.task_folder(suite, task)}/{name}"
            for suite in P.suites
            for task in plan.tasks(suite)
            for name in ["task.json", "test.jsonl"]
        ],
        scores=plan.expand(
            paths.SCORES, estimator=list(dict.fromkeys(selection.estimator for selection in P.neurons.selections))
        ),
        examples=plan.expand(TOP, seeds="first"),
    output:
        page="results/report.html",
    log:
        "logs/report/write_report.log",
    localrule: True
    params:
        settings=settings(templates=templates_digest()),
        code=code("report.jobs:write"),
    script:
        "../workflow/scripts/run.py"


CAPTIONS = Path(".taskneurons") / "captions"


def caption_file(name, text):
    """The file that Snakemake reads a caption from."""
    path = CAPTIONS / f"{name}.rst"
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write_text(path, text)
    return LocalSourceFile(str(path.absolute()))


def show_in_snakemakes_report():
    described = {study.name: study for study in registry.STUDIES}
    for made_by in (one for study in STUDIES for one in rules_of(study)):
        for place, output in enumerate(made_by.output):
            path = Path(strip_wildcard_constraints(str(output)))
            # Each figure once, as SVG; a preview is not shown beside the whole.
            if not shown(path.as_posix()) or path.suffix not in {".svg", ".csv"} or path.parent.name == "first-seed":
                continue
            kind = "Figures" if path.parts[1] == "figures" else "Tables"
            name = study_of(path, registry.STUDIES)
            title, texts = name, [path.stem]
            if study := described.get(name):
                caption = study.caption(path.stem) if kind == "Figures" else study.heading(path.stem)
                title, texts = study.title, [caption, study.asks, study.paper]
            text = "\n\n".join(filter(None, texts)) + "\n"
            labels = {"what": path.stem.replace("_", " "), "of": " ".join(path.parts[3:-1]) or "all runs"}
            entry = ReportObject(caption_file(f"{name}-{path.stem}", text), title, kind, labels, [], None)
            made_by.output[place] = IOFile(flag(str(output), "report", entry), made_by)


if workflow.is_main_process:
    show_in_snakemakes_report()
