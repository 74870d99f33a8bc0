# The report of everything, results/report.html, with what it alone needs: results/report/. It is the last study.
#
# Here Snakemake's own report (`snakemake --report`) hears of all figures and tables, too: captions and categories come
# from what each study says of itself, so that the rules of the studies say nothing of how they are shown.
from taskneurons.report.source import templates_digest
from taskneurons.studies import registry
from taskneurons.workflow.shown import show_in_snakemakes_report, shown

# What a card of the atlas shows; it decides no result.
TOP_NEURONS = 50
TOP_EXAMPLES = 5
TOP = "results/report/{run}/seed{seed}/top_examples.csv"


rule find_examples:
    input:
        checkpoint=inputs.studied,
        tasks=inputs.tasks,
        scores=inputs.of_tasks(paths.SCORES, estimator=P.neurons.selections[0].estimator),
    output:
        examples=TOP,
    log:
        "logs/report/{run}/seed{seed}/find_examples.log",
    wildcard_constraints:
        # Of the first seed alone: neurons of other seeds are other neurons.
        run=plan.pattern(*TUNED, seeds="first"),
    resources:
        **resources_of.model(),
    params:
        settings=lambda wildcards: settings(
            tasks=plan.tasks(suite_of(wildcards)),
            neurons=TOP_NEURONS,
            examples=TOP_EXAMPLES,
            dtype=plan.dtype(wildcards),
        ),
        code=code("neurons.examples:find_examples"),
    script:
        "../workflow/scripts/run.py"


rule write_report:
    input:
        shown=[path for study in registry.STUDIES for path in artifacts(study.name) if shown(path)],
        # Not shown, but recorded: the report waits for them, so that it names the same records after each run.
        headlines=[
            path for study in registry.STUDIES for path in artifacts(study.name) if path.startswith("results/metrics/")
        ],
        published=[f"published/{name}" for study in registry.STUDIES for name, _ in study.published],
        tasks=[
            f"{paths.task_folder(suite, task)}/{name}"
            for suite in P.suites
            for task in plan.tasks(suite)
            for name in ["task.json", "test.jsonl"]
        ],
        scores=plan.expand(
            paths.SCORES,
            study=TUNED,
            estimator=list(dict.fromkeys(selection.estimator for selection in P.neurons.selections)),
        ),
        examples=plan.expand(TOP, study=TUNED, seeds="first"),
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


if workflow.is_main_process:
    show_in_snakemakes_report(one for study in STUDIES for one in rules_of(study))
