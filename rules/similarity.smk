# Parameters of two tasks' neurons inside models tuned as a whole on one task, and transfer (Figure 3, Table 4).

SIMILARITY_TABLES = {
    "cells": "results/tables/similarity.csv",
    "transfer": "results/tables/similarity_transfer.csv",
    "layers": "results/tables/similarity_layers.csv",
    "correlation": "results/tables/similarity_correlation.csv",
}
SIMILARITY_CELLS = "results/similarity/{run}/seed{seed}/cells.csv"
SIMILARITY_SCORES = "results/similarity/{run}/seed{seed}/scores.csv"


rule compare_parameters:
    input:
        base=inputs.base,
        tasks=inputs.grouped_tasks,
        scores=inputs.of_tasks(paths.BASE_SCORES, plan.grouped_tasks),
    output:
        cells=SIMILARITY_CELLS,
        scores=SIMILARITY_SCORES,
    log:
        "logs/similarity/{run}/seed{seed}/compare_parameters.log",
    wildcard_constraints:
        # The study of kinds reads these measurements, too.
        run=plan.pattern("similarity", "kinds", seeds="all"),
    priority: 50
    threads: P.workflow.training_threads
    resources:
        **resources_of.training(),
    params:
        settings=lambda wildcards: settings(
            tasks=grouped.trained(suite_of(wildcards)),
            unseen=grouped.unseen(suite_of(wildcards)),
            learning_rate=P.similarity.tuning.learning_rate,
            recipe=grouped.course(P.similarity.tuning, seed=int(wildcards.seed), limit=P.similarity.test_examples),
            selection=grouped.selections([P.similarity.percent])[0],
            dtype=plan.dtype(wildcards),
        ),
        code=code("similarity.measure:compare"),
    script:
        "../workflow/scripts/run.py"


if plan.runs("similarity"):

    rule tabulate_similarity:
        input:
            cells=plan.expand(SIMILARITY_CELLS, study="similarity"),
            scores=plan.expand(SIMILARITY_SCORES, study="similarity"),
            tasks=inputs.described_tasks(plan.suites("similarity")),
            published="published/leng2025/table4_similarity_correlation.csv",
        output:
            **SIMILARITY_TABLES,
        log:
            "logs/similarity/tabulate_similarity.log",
        priority: 80
        localrule: True
        params:
            settings=settings(draws=P.similarity.draws),
            code=code("similarity.tables:tabulate"),
        script:
            "../workflow/scripts/run.py"

    rule plot_similarity:
        input:
            **SIMILARITY_TABLES,
            tasks=inputs.described,
        output:
            layers=figure_files("results/figures/similarity/{run}", ["layers"]),
            transfer=figure_files("results/figures/similarity/{run}", ["transfer"]),
            correlation=figure_files("results/figures/similarity/{run}", ["correlation"]),
        log:
            "logs/similarity/{run}/plot_similarity.log",
        wildcard_constraints:
            run=plan.pattern("similarity"),
        priority: 80
        localrule: True
        params:
            settings=settings(dpi=P.figures.dpi),
            code=code("similarity.figures:plot"),
        script:
            "../workflow/scripts/run.py"
