# Does overlap explain transfer across kinds of task? It reads what similarity measured: results/kinds/.

KINDS_PAIRS = "results/kinds/{run}/seed{seed}/pairs.csv"
KINDS_STATES = "results/kinds/{run}/seed{seed}/states.csv"


rule relate_kinds:
    input:
        tasks=inputs.grouped_tasks,
        # Beside the descriptions, which are among the data.
        described=lambda wildcards: paths.each(
            paths.CONSTANT, "task", plan.grouped_tasks(suite_of(wildcards)), suite=suite_of(wildcards)
        ),
        scores=inputs.of_tasks(paths.BASE_SCORES, plan.grouped_tasks),
        transfer=SIMILARITY_SCORES,
    output:
        pairs=KINDS_PAIRS,
        states=KINDS_STATES,
    log:
        "logs/kinds/{run}/seed{seed}/relate_kinds.log",
    wildcard_constraints:
        run=plan.pattern("kinds", seeds="all"),
    priority: 60
    resources:
        **LIGHT,
    params:
        settings=lambda wildcards: settings(
            trained=grouped.trained(suite_of(wildcards)),
            tested=grouped.unseen(suite_of(wildcards)),
            selection=grouped.selections([P.similarity.percent])[0],
        ),
        code=code("kinds.relate:relate_tasks"),
    script:
        "../workflow/scripts/run.py"


if plan.runs("kinds"):

    rule tabulate_kinds:
        input:
            pairs=plan.expand(KINDS_PAIRS, study="kinds"),
            states=plan.expand(KINDS_STATES, study="kinds"),
        output:
            pairs="results/tables/kinds.csv",
            tasks="results/tables/kinds_tasks.csv",
            correlation="results/tables/kinds_correlation.csv",
        log:
            "logs/kinds/tabulate_kinds.log",
        priority: 80
        localrule: True
        params:
            settings=settings(
                learned=P.kinds.learned_points,
                full=P.kinds.full_percent,
                draws=P.kinds.draws,
            ),
            code=code("kinds.tables:tabulate"),
        script:
            "../workflow/scripts/run.py"

    rule plot_kinds:
        input:
            pairs="results/tables/kinds.csv",
            tasks="results/tables/kinds_tasks.csv",
            correlation="results/tables/kinds_correlation.csv",
        output:
            pairs=figure_files("results/figures/kinds/{run}", ["pairs"]),
            correlation=figure_files("results/figures/kinds/{run}", ["correlation"]),
        log:
            "logs/kinds/{run}/plot_kinds.log",
        wildcard_constraints:
            run=plan.pattern("kinds"),
        priority: 80
        localrule: True
        params:
            settings=settings(dpi=P.figures.dpi),
            code=code("kinds.figures:plot"),
        script:
            "../workflow/scripts/run.py"
