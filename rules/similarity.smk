# Parameters of two tasks' neurons inside models tuned as a whole on one task, and transfer (Figure 3, Table 4).

SIMILARITY_TABLES = {
    "cells": "results/tables/similarity.csv",
    "transfer": "results/tables/similarity_transfer.csv",
    "layers": "results/tables/similarity_layers.csv",
    "correlation": "results/tables/similarity_correlation.csv",
}


def similarity_path(suite, model, name):
    return f"results/similarity/{suite}/{model}/seed{{seed}}/{name}.csv"


for suite, model in pairs_of("similarity"):

    rule:
        name:
            f"compare_parameters_{suite}_{model}"
        input:
            base=checkpoint_files(base_folder(suite, model)),
            tasks=task_files(grouped_tasks(suite), suite),
            scores=[base_scores_path(suite, model, task) for task in grouped_tasks(suite)],
            rates=paths.fill(paths.RATES, run=f"{suite}/{model}", study="similarity"),
        output:
            cells=similarity_path(suite, model, "cells"),
            scores=similarity_path(suite, model, "scores"),
        log:
            f"logs/similarity/{suite}/{model}/seed{{seed}}/compare_parameters.log",
        benchmark:
            f"logs/benchmarks/similarity/{suite}/{model}/seed{{seed}}/compare_parameters.tsv"
        wildcard_constraints:
            seed=seeds_of(suite, model),
        priority: 50
        threads: P.workflow.training_threads
        resources:
            **model_resources(model, "train"),
            checkpoint_minutes=P.workflow.checkpoint_minutes,
        params:
            settings=settings(
                suite=suite,
                model=model,
                tasks=grouped.trained(suite),
                unseen=grouped.unseen(suite),
                recipe=grouped.recipe(),
                selection=base_selection(),
                percent=P.similarity.percent,
                test_examples=P.similarity.test_examples,
                dtype=dtype_of(model),
            ),
            code=code("compare_parameters"),
        script:
            "../workflow/scripts/compare_parameters.py"

    rule:
        name:
            f"plot_similarity_{suite}_{model}"
        input:
            **SIMILARITY_TABLES,
            tasks=described_tasks([suite]),
        output:
            figure_paths(f"results/figures/similarity/{suite}/{model}", ["layers", "transfer", "correlation"]),
        log:
            f"logs/similarity/{suite}/{model}/plot_similarity.log",
        benchmark:
            f"logs/benchmarks/similarity/{suite}/{model}/plot_similarity.tsv"
        priority: 80
        resources:
            **light_resources(),
        params:
            settings=settings(suite=suite, model=model, figures=P.figures),
            code=code("plot_similarity"),
        script:
            "../workflow/scripts/plot_similarity.py"


if pairs_of("similarity"):

    rule tabulate_similarity:
        input:
            cells=[
                similarity_path(suite, model, "cells").format(seed=seed)
                for suite, model, seed in runs_of("similarity")
            ],
            scores=[
                similarity_path(suite, model, "scores").format(seed=seed)
                for suite, model, seed in runs_of("similarity")
            ],
            tasks=described_tasks(dict.fromkeys(suite for suite, _ in pairs_of("similarity"))),
            published="published/leng2025/table4_similarity_correlation.csv",
        output:
            **SIMILARITY_TABLES,
        log:
            "logs/similarity/tabulate_similarity.log",
        benchmark:
            "logs/benchmarks/similarity/tabulate_similarity.tsv"
        priority: 80
        resources:
            **light_resources(),
        params:
            settings=settings(draws=P.similarity.draws),
            code=code("tabulate_similarity"),
        script:
            "../workflow/scripts/tabulate_similarity.py"
