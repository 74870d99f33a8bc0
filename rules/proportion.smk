# Growing shares of the neurons of three tasks, trained jointly and singly (Figures 2 and 6): results/proportion/.

PROPORTION = "results/proportion/{run}/seed{seed}/{kind}.csv"
PROPORTION_FIGURES = {
    "joint": {"how": "joint", "measure": "score"},
    "joint-loss": {"how": "joint", "measure": "loss"},
    "single": {"how": "single", "measure": "score"},
    "single-loss": {"how": "single", "measure": "loss"},
}


localrules:
    tabulate_proportion,
    summarise_proportion,
    plot_proportion,


def proportion_path(suite, model, group):
    return f"results/proportion/{suite}/{model}/seed{{seed}}/{group}.csv"


for suite, model in pairs_of("proportion"):
    for batch, groups in batched(["classification", "generation"]):

        rule:
            name:
                f"train_proportions_{suite}_{model}_{batch}"
            input:
                base=checkpoint_files(base_folder(suite, model)),
                tasks=task_files(grouped_tasks(suite), suite),
                scores=[
                    base_scores_path(suite, model, task)
                    for group in groups
                    for task in grouped.tasks(suite, "train", group)
                ],
                tried=paths.fill(paths.RATE_TRIALS, run=f"{suite}/{model}", study="proportion"),
            output:
                [proportion_path(suite, model, group) for group in groups],
            log:
                f"logs/proportion/{suite}/{model}/seed{{seed}}/train_proportions_{batch}.log",
            benchmark:
                f"logs/benchmarks/proportion/{suite}/{model}/seed{{seed}}/train_proportions_{batch}.tsv"
            wildcard_constraints:
                seed=seeds_of(suite, model, P.proportion.seeds),
            priority: 50
            threads: P.workflow.training_threads
            resources:
                **model_resources(model, "attribute"),
                checkpoint_minutes=P.workflow.checkpoint_minutes,
            params:
                settings=settings(
                    suite=suite,
                    model=model,
                    groups={group: grouped.tasks(suite, "train", group) for group in groups},
                    unseen=grouped.unseen(suite),
                    recipe=grouped.recipe(),
                    selection=base_selection(),
                    percents=P.proportion.percents,
                    random_draws=P.proportion.random_draws,
                    test_examples=P.proportion.test_examples,
                    dtype=dtype_of(model),
                ),
                code=code("train_proportions"),
            script:
                "../workflow/scripts/train_proportions.py"


if plan.runs("proportion"):

    rule tabulate_proportion:
        input:
            rows=plan.expand(PROPORTION, study="proportion", seeds=P.proportion.seeds, kind=KINDS),
        output:
            table="results/tables/proportion.csv",
        log:
            "logs/proportion/tabulate_proportion.log",
        priority: 80
        params:
            settings=settings(),
            code=code("proportion.tables:tabulate"),
        script:
            "../workflow/scripts/run.py"

    rule summarise_proportion:
        input:
            rows="results/tables/proportion.csv",
        output:
            summary="results/tables/proportion_summary.csv",
            trend="results/tables/proportion_trend.csv",
        log:
            "logs/proportion/summarise_proportion.log",
        priority: 80
        params:
            settings=settings(groups={suite: P.groups[suite] for suite in plan.suites("proportion")}),
            code=code("proportion.tables:summarise"),
        script:
            "../workflow/scripts/run.py"

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
        params:
            settings=lambda wildcards: settings(
                groups={suite_of(wildcards): P.groups[suite_of(wildcards)]},
                drawn=PROPORTION_FIGURES,
                dpi=P.figures.dpi,
            ),
            code=code("proportion.figures:plot"),
        script:
            "../workflow/scripts/run.py"
