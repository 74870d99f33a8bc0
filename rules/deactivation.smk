# What deactivating a neuron set does to every task (Tables 1 and 6, Figure 5 a-b): results/deactivation/.

DEACTIVATED = "results/deactivation/{run}/seed{seed}/{selection}/{task}.csv"
DEACTIVATION_TABLE = "results/tables/deactivation.csv"
SHARES_OF = plan.selection_within("model")
DEACTIVATION_FIGURES = "results/figures/deactivation/{run}"


for suite in plan.suites("deactivation"):
    for batch in plan.batches(suite):

        rule:
            name:
                f"deactivate_neurons_{suite}_{batch.name}"
            input:
                checkpoint=inputs.studied,
                tasks=paths.task_files(suite, plan.tasks(suite)),
                sets=paths.each(paths.SETS, "task", batch.tasks),
                scores=inputs.ranked(paths.SCORES, plan.tasks(suite)),
            output:
                rows=paths.each(DEACTIVATED, "task", batch.tasks),
            log:
                f"logs/deactivation/{{run}}/seed{{seed}}/deactivate_neurons_{{selection}}_{batch.name}.log",
            wildcard_constraints:
                run=plan.pattern("deactivation", suite=suite, seeds="all"),
            priority: plan.sooner(70)
            resources:
                **resources_of.model(),
            params:
                # One selection has the further shares; it also measures the untouched model.
                settings=lambda wildcards: settings(
                    design={
                        "selection": plan.selections[wildcards.selection],
                        "interventions": P.deactivation.interventions,
                        "matrix": P.deactivation.matrix,
                        "percents": P.deactivation.percents if wildcards.selection == SHARES_OF else [],
                        "random_draws": P.deactivation.random_draws,
                        "random_matching": P.neurons.random_matching,
                        "examples": P.deactivation.test_examples,
                        "original": wildcards.selection == SHARES_OF,
                    },
                    evaluation=P.evaluation,
                    dtype=plan.dtype(wildcards),
                ),
                code=code("deactivation.measure:deactivate_neurons"),
            script:
                "../workflow/scripts/run.py"


# The first picture of a run, long before its last seed is done.
rule preview_deactivation:
    input:
        tasks=inputs.described,
        rows=inputs.of_run(DEACTIVATED, seeds="first", selection=list(plan.selections)),
    output:
        figure=figure_files(f"{DEACTIVATION_FIGURES}/first-seed", ["drops-{selection}"]),
    log:
        "logs/deactivation/{run}/preview_deactivation_{selection}.log",
    wildcard_constraints:
        run=plan.pattern("deactivation"),
    priority: 80
    localrule: True
    params:
        settings=lambda wildcards: settings(
            selection=plan.selections[wildcards.selection], tuned=plan.tuned, dpi=P.figures.dpi
        ),
        code=code("deactivation.figures:plot_drops"),
    script:
        "../workflow/scripts/run.py"


rule plot_drops:
    input:
        tasks=inputs.described,
        rows=DEACTIVATION_TABLE,
    output:
        figure=figure_files(DEACTIVATION_FIGURES, ["drops-{selection}"]),
    log:
        "logs/deactivation/{run}/plot_drops_{selection}.log",
    wildcard_constraints:
        run=plan.pattern("deactivation"),
    priority: 80
    localrule: True
    params:
        settings=lambda wildcards: settings(
            selection=plan.selections[wildcards.selection], tuned=plan.tuned, dpi=P.figures.dpi
        ),
        code=code("deactivation.figures:plot_drops"),
    script:
        "../workflow/scripts/run.py"


rule plot_matrix:
    input:
        tasks=inputs.described,
        rows=DEACTIVATION_TABLE,
    output:
        figure=figure_files(DEACTIVATION_FIGURES, ["matrix-{selection}"]),
    log:
        "logs/deactivation/{run}/plot_matrix_{selection}.log",
    wildcard_constraints:
        run=plan.pattern("deactivation"),
    priority: 80
    localrule: True
    params:
        settings=lambda wildcards: settings(
            selection=plan.selections[wildcards.selection], tuned=plan.tuned, dpi=P.figures.dpi
        ),
        code=code("deactivation.figures:plot_matrix"),
    script:
        "../workflow/scripts/run.py"


rule plot_specificity:
    input:
        rows="results/tables/deactivation_specificity.csv",
    output:
        figure=figure_files(DEACTIVATION_FIGURES, ["specificity"]),
    log:
        "logs/deactivation/{run}/plot_specificity.log",
    wildcard_constraints:
        run=plan.pattern("deactivation"),
    priority: 80
    localrule: True
    params:
        settings=settings(selection=plan.selections[SHARES_OF], tuned=plan.tuned, dpi=P.figures.dpi),
        code=code("deactivation.specificity_figure:plot"),
    script:
        "../workflow/scripts/run.py"


if plan.runs("deactivation"):

    rule tabulate_deactivation:
        input:
            rows=plan.expand(DEACTIVATED, study="deactivation", selection=plan.selections),
        output:
            rows=DEACTIVATION_TABLE,
        log:
            "logs/deactivation/tabulate_deactivation.log",
        priority: 80
        localrule: True
        params:
            settings=settings(),
            code=code("deactivation.tables:tabulate"),
        script:
            "../workflow/scripts/run.py"

    rule summarise_deactivation:
        input:
            rows=DEACTIVATION_TABLE,
            tasks=inputs.described_tasks(plan.suites("deactivation")),
            published=[
                "published/leng2025/table1_deactivation_llama2_7b.csv",
                "published/leng2025/table6_deactivation_bloom_7b1.csv",
            ],
            checkpoints=inputs.first_studied("deactivation"),
        output:
            summary="results/tables/deactivation_summary.csv",
            diagonal="results/tables/deactivation_diagonal.csv",
            specificity="results/tables/deactivation_specificity.csv",
            published="results/tables/deactivation_published.csv",
        log:
            "logs/deactivation/summarise_deactivation.log",
        priority: 80
        localrule: True
        params:
            settings=settings(),
            code=code("deactivation.tables:summarise"),
        script:
            "../workflow/scripts/run.py"

    use rule write_headlines as write_deactivation_headlines with:
        input:
            source="results/tables/deactivation_summary.csv",
        output:
            metrics="results/metrics/deactivation.json",
        log:
            "logs/deactivation/write_deactivation_headlines.log",
