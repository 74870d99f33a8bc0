# Growing shares of the neurons of three tasks, trained jointly and singly (Figures 2 and 6): results/proportion/.

# Figure -> how neurons are trained in it, and what it shows.
PROPORTION_FIGURES = {
    "joint": ("joint", "score"),
    "joint-loss": ("joint", "loss"),
    "single": ("single", "score"),
    "single-loss": ("single", "loss"),
}


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

    rule:
        name:
            f"plot_proportion_{suite}_{model}"
        input:
            rows="results/tables/proportion.csv",
        output:
            figure_paths(f"results/figures/proportion/{suite}/{model}", PROPORTION_FIGURES),
        log:
            f"logs/proportion/{suite}/{model}/plot_proportion.log",
        benchmark:
            f"logs/benchmarks/proportion/{suite}/{model}/plot_proportion.tsv"
        priority: 80
        resources:
            **light_resources(),
        params:
            settings=settings(
                suite=suite,
                model=model,
                groups={suite: P.groups[suite]},
                drawn=PROPORTION_FIGURES,
                figures=P.figures,
            ),
            code=code("plot_proportion"),
        script:
            "../workflow/scripts/plot_proportion.py"


if pairs_of("proportion"):

    rule tabulate_proportion:
        input:
            [
                proportion_path(suite, model, group).format(seed=seed)
                for suite, model in pairs_of("proportion")
                for seed in seeds_of(suite, model, P.proportion.seeds).split("|")
                for group in ["classification", "generation"]
            ],
        output:
            "results/tables/proportion.csv",
        log:
            "logs/proportion/tabulate_proportion.log",
        benchmark:
            "logs/benchmarks/proportion/tabulate_proportion.tsv"
        priority: 80
        resources:
            **light_resources(),
        params:
            settings=settings(study="proportion"),
            code=code("tabulate_tuned"),
        script:
            "../workflow/scripts/tabulate_tuned.py"

    rule summarise_proportion:
        input:
            rows="results/tables/proportion.csv",
        output:
            summary="results/tables/proportion_summary.csv",
            trend="results/tables/proportion_trend.csv",
        log:
            "logs/proportion/summarise_proportion.log",
        benchmark:
            "logs/benchmarks/proportion/summarise_proportion.tsv"
        priority: 80
        resources:
            **light_resources(),
        params:
            settings=settings(groups=P.groups),
            code=code("summarise_proportion"),
        script:
            "../workflow/scripts/summarise_proportion.py"
