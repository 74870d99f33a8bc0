# Growing shares of the neurons of three tasks, trained jointly and singly (Figures 2 and 6): results/proportion/.

PROPORTION = "results/proportion/{run}/seed{seed}/{kind}.csv"
PROPORTION_FIGURES = {
    "joint": {"how": "joint", "measure": "score"},
    "joint-loss": {"how": "joint", "measure": "loss"},
    "single": {"how": "single", "measure": "score"},
    "single-loss": {"how": "single", "measure": "loss"},
}


for suite in plan.suites("proportion"):
    for batch in plan.batches(suite, KINDS):

        rule:
            name:
                f"train_proportions_{suite}_{batch.name}"
            input:
                base=inputs.base,
                tasks=inputs.grouped_tasks,
                scores=inputs.of_tasks(paths.BASE_SCORES, partial(grouped.trained, kinds=batch.tasks)),
            output:
                rows=paths.each(PROPORTION, "kind", batch.tasks),
            log:
                f"logs/proportion/{{run}}/seed{{seed}}/train_proportions_{batch.name}.log",
            wildcard_constraints:
                run=plan.pattern("proportion", suite=suite, seeds=P.proportion.seeds),
            priority: 50
            threads: P.workflow.training_threads
            resources:
                **resources_of.training(),
            params:
                settings=lambda wildcards, kinds=batch.tasks: settings(
                    groups=[grouped.joint(suite_of(wildcards), kind) for kind in kinds],
                    selections=grouped.selections(P.proportion.percents),
                    random_draws=P.proportion.random_draws,
                    learning_rate=P.proportion.tuning.learning_rate,
                    recipe=grouped.course(
                        P.proportion.tuning, seed=int(wildcards.seed), limit=P.proportion.test_examples
                    ),
                    dtype=plan.dtype(wildcards),
                ),
                code=code("proportion.measure:train"),
            script:
                "../workflow/scripts/run.py"


if plan.runs("proportion"):

    rule tabulate_proportion:
        input:
            rows=plan.expand(PROPORTION, study="proportion", seeds=P.proportion.seeds, kind=KINDS),
        output:
            table="results/tables/proportion.csv",
        log:
            "logs/proportion/tabulate_proportion.log",
        priority: 80
        localrule: True
        params:
            settings=settings(),
            code=code("proportion.tables:tabulate"),
        script:
            "../workflow/scripts/run.py"

    rule summarise_proportion:
        input:
            rows="results/tables/proportion.csv",
            tasks=inputs.described_tasks(plan.suites("proportion")),
        output:
            summary="results/tables/proportion_summary.csv",
            trend="results/tables/proportion_trend.csv",
            setting="results/tables/proportion_setting.csv",
        log:
            "logs/proportion/summarise_proportion.log",
        priority: 80
        localrule: True
        params:
            settings=settings(groups={suite: P.groups[suite] for suite in plan.suites("proportion")}),
            code=code("proportion.tables:summarise"),
        script:
            "../workflow/scripts/run.py"

    use rule write_headlines as write_proportion_headlines with:
        input:
            source="results/tables/proportion_summary.csv",
        output:
            metrics="results/metrics/proportion.json",
        log:
            "logs/proportion/write_proportion_headlines.log",

    rule plot_proportion:
        input:
            rows="results/tables/proportion.csv",
        output:
            figures=figure_files("results/figures/proportion/{run}", PROPORTION_FIGURES),
        log:
            "logs/proportion/{run}/plot_proportion.log",
        wildcard_constraints:
            run=plan.pattern("proportion"),
        priority: 80
        localrule: True
        params:
            settings=lambda wildcards: settings(
                groups={suite_of(wildcards): P.groups[suite_of(wildcards)]},
                drawn=PROPORTION_FIGURES,
                dpi=P.figures.dpi,
            ),
            code=code("proportion.figures:plot"),
        script:
            "../workflow/scripts/run.py"
