# What deactivating a neuron set does to every task (Tables 1 and 6, Figure 5 a-b): results/deactivation/.


PUBLISHED = [
    "published/leng2025/table1_deactivation_llama2_7b.csv",
    "published/leng2025/table6_deactivation_bloom_7b1.csv",
]


def deactivation_path(suite, model, selection, task):
    return f"results/deactivation/{suite}/{model}/seed{{seed}}/{selection}/{task}.csv"


def evaluation_path(suite, model, task):
    return f"results/models/{suite}/{model}/seed{{seed}}/evaluation/{task}.csv"


def figure_paths(folder, names):
    return [f"{folder}/{name}.{extension}" for name in names for extension in ["png", "svg"]]


for suite, model in pairs_of("deactivation"):
    for selection in P.neurons.selections:
        for batch, tasks in batches(suite):

            rule:
                name:
                    f"deactivate_neurons_{suite}_{model}_{rule_slug(selection.slug)}_{batch}"
                input:
                    checkpoint=checkpoint_files(multitask_folder(suite, model)),
                    tasks=task_files(task_names(suite), suite),
                    sets=[sets_path(suite, model, selection.slug, task) for task in tasks],
                    scores=[scores_path(suite, model, selection.estimator, task) for task in tasks],
                output:
                    [deactivation_path(suite, model, selection.slug, task) for task in tasks],
                log:
                    f"logs/deactivation/{suite}/{model}/seed{{seed}}/deactivate_neurons_{selection.slug}_{batch}.log",
                benchmark:
                    f"logs/benchmarks/deactivation/{suite}/{model}/seed{{seed}}/deactivate_neurons_{selection.slug}_{batch}.tsv"
                wildcard_constraints:
                    seed=seeds_of(suite, model),
                priority: sooner(suite, model, 70)
                resources:
                    **model_resources(model, "infer"),
                params:
                    settings=settings(
                        suite=suite,
                        model=model,
                        tasks=tasks,
                        test_tasks=task_names(suite),
                        selection=selection,
                        deactivation=P.deactivation,
                        evaluation=P.evaluation,
                        dtype=dtype_of(model),
                    ),
                    code=code("deactivate_neurons"),
                script:
                    "../workflow/scripts/deactivate_neurons.py"

        # The first picture of a run, long before its last seed is done.
        rule:
            name:
                f"preview_deactivation_{suite}_{model}_{rule_slug(selection.slug)}"
            input:
                tasks=described_tasks([suite]),
                rows=[
                    path.format(seed=seed_list(suite, model)[0])
                    for task in task_names(suite)
                    for path in (
                        evaluation_path(suite, model, task),
                        deactivation_path(suite, model, selection.slug, task),
                    )
                ],
            output:
                figure_paths(f"results/figures/deactivation/{suite}/{model}/first-seed", [f"drops-{selection.slug}"]),
            log:
                f"logs/deactivation/{suite}/{model}/preview_deactivation_{selection.slug}.log",
            benchmark:
                f"logs/benchmarks/deactivation/{suite}/{model}/preview_deactivation_{selection.slug}.tsv"
            priority: 80
            resources:
                **light_resources(),
            params:
                settings=settings(suite=suite, model=model, selection=selection, figures=P.figures),
                code=code("plot_drops"),
            script:
                "../workflow/scripts/plot_drops.py"

        rule:
            name:
                f"plot_drops_{suite}_{model}_{rule_slug(selection.slug)}"
            input:
                tasks=described_tasks([suite]),
                rows=["results/tables/deactivation.csv"],
            output:
                figure_paths(f"results/figures/deactivation/{suite}/{model}", [f"drops-{selection.slug}"]),
            log:
                f"logs/deactivation/{suite}/{model}/plot_drops_{selection.slug}.log",
            benchmark:
                f"logs/benchmarks/deactivation/{suite}/{model}/plot_drops_{selection.slug}.tsv"
            priority: 80
            resources:
                **light_resources(),
            params:
                settings=settings(suite=suite, model=model, selection=selection, figures=P.figures),
                code=code("plot_drops"),
            script:
                "../workflow/scripts/plot_drops.py"

        rule:
            name:
                f"plot_matrix_{suite}_{model}_{rule_slug(selection.slug)}"
            input:
                tasks=described_tasks([suite]),
                rows=["results/tables/deactivation.csv"],
            output:
                figure_paths(f"results/figures/deactivation/{suite}/{model}", [f"matrix-{selection.slug}"]),
            log:
                f"logs/deactivation/{suite}/{model}/plot_matrix_{selection.slug}.log",
            benchmark:
                f"logs/benchmarks/deactivation/{suite}/{model}/plot_matrix_{selection.slug}.tsv"
            priority: 80
            resources:
                **light_resources(),
            params:
                settings=settings(suite=suite, model=model, selection=selection, figures=P.figures),
                code=code("plot_matrix"),
            script:
                "../workflow/scripts/plot_matrix.py"


if pairs_of("deactivation"):

    rule tabulate_deactivation:
        input:
            [
                path.format(seed=seed)
                for suite, model, seed in runs_of("deactivation")
                for task in task_names(suite)
                for path in (
                    evaluation_path(suite, model, task),
                    *(deactivation_path(suite, model, selection.slug, task) for selection in P.neurons.selections),
                )
            ],
        output:
            "results/tables/deactivation.csv",
        log:
            "logs/deactivation/tabulate_deactivation.log",
        benchmark:
            "logs/benchmarks/deactivation/tabulate_deactivation.tsv"
        priority: 80
        resources:
            **light_resources(),
        params:
            settings=settings(
                runs=runs_of("deactivation"),
                selections=P.neurons.selections,
                tasks={suite: task_names(suite) for suite in P.suites},
            ),
            code=code("tabulate_deactivation"),
        script:
            "../workflow/scripts/tabulate_deactivation.py"

    rule summarise_deactivation:
        input:
            rows="results/tables/deactivation.csv",
            tasks=described_tasks(dict.fromkeys(suite for suite, _ in pairs_of("deactivation"))),
            published=PUBLISHED,
            checkpoints=[
                f"{multitask_folder(suite, model)}/checkpoint.json".format(seed=seed_list(suite, model)[0])
                for suite, model in pairs_of("deactivation")
            ],
        output:
            summary="results/tables/deactivation_summary.csv",
            diagonal="results/tables/deactivation_diagonal.csv",
            published="results/tables/deactivation_published.csv",
        log:
            "logs/deactivation/summarise_deactivation.log",
        benchmark:
            "logs/benchmarks/deactivation/summarise_deactivation.tsv"
        priority: 80
        resources:
            **light_resources(),
        params:
            settings=settings(),
            code=code("summarise_deactivation"),
        script:
            "../workflow/scripts/summarise_deactivation.py"
