# Overlap of neuron sets: as it is beside chance (Table 8), and set to a value (Tables 9 to 11): results/overlap/.

# The kinds of the tasks that are trained on and of those that test.
COMBINATIONS = {
    f"{trained}_to_{tested}": (trained, tested)
    for trained, tested in [
        ("classification", "classification"),
        ("generation", "generation"),
        ("generation", "classification"),
    ]
}


def controlled_path(suite, model, combination):
    return f"results/overlap/{suite}/{model}/seed{{seed}}/{combination}.csv"


for suite, model in pairs_of("overlap"):
    for batch, combinations in batched(list(COMBINATIONS)):

        rule:
            name:
                f"train_overlaps_{suite}_{model}_{batch}"
            input:
                base=checkpoint_files(base_folder(suite, model)),
                tasks=task_files(grouped_tasks(suite), suite),
                scores=[base_scores_path(suite, model, task) for task in grouped.unseen(suite)],
                rates=paths.fill(paths.RATES, run=f"{suite}/{model}", study="overlap"),
            output:
                [controlled_path(suite, model, combination) for combination in combinations],
            log:
                f"logs/overlap/{suite}/{model}/seed{{seed}}/train_overlaps_{batch}.log",
            benchmark:
                f"logs/benchmarks/overlap/{suite}/{model}/seed{{seed}}/train_overlaps_{batch}.tsv"
            wildcard_constraints:
                seed=seeds_of(suite, model, P.overlap.seeds),
            priority: 50
            threads: P.workflow.training_threads
            resources:
                **model_resources(model, "attribute"),
                checkpoint_minutes=P.workflow.checkpoint_minutes,
            params:
                settings=settings(
                    suite=suite,
                    model=model,
                    combinations={
                        combination: {
                            "group": COMBINATIONS[combination][0],
                            "tasks": grouped.tasks(suite, "train", COMBINATIONS[combination][0]),
                            "unseen": grouped.tasks(suite, "test", COMBINATIONS[combination][1]),
                        }
                        for combination in combinations
                    },
                    recipe=grouped.recipe(),
                    selection=base_selection(),
                    percents=P.overlap.trained_percents,
                    overlaps=P.overlap.controlled,
                    choices=P.overlap.choices,
                    test_examples=P.overlap.test_examples,
                    dtype=dtype_of(model),
                ),
                code=code("train_overlaps"),
            script:
                "../workflow/scripts/train_overlaps.py"


OVERLAP_TASKS = {suite: grouped_tasks(suite) for suite, _ in pairs_of("overlap")}

if pairs_of("overlap"):

    rule tabulate_shared_neurons:
        input:
            scores=[
                path.format(seed=seed)
                for suite, model, seed in runs_of("overlap")
                for task in OVERLAP_TASKS[suite]
                for path in (
                    base_scores_path(suite, model, task),
                    *(base_half_path(suite, model, task, half) for half in range(2)),
                )
            ],
            tasks=described_tasks(OVERLAP_TASKS),
            published="published/leng2025/table8_overlap.csv",
        output:
            pairs="results/tables/overlap.csv",
            summary="results/tables/overlap_summary.csv",
        log:
            "logs/overlap/tabulate_shared_neurons.log",
        benchmark:
            "logs/benchmarks/overlap/tabulate_shared_neurons.tsv"
        priority: 80
        resources:
            **light_resources(),
        params:
            settings=settings(
                runs=runs_of("overlap"),
                groups={suite: P.groups[suite] for suite in OVERLAP_TASKS},
                percents=P.overlap.percents,
                within=P.training.within,
                permutations=P.overlap.permutations,
            ),
            code=code("tabulate_shared_neurons"),
        script:
            "../workflow/scripts/tabulate_shared_neurons.py"


def overlap_figures():
    """The share that figures of one share show, and their names: the first that is trained everywhere."""
    shown = [percent for percent in P.overlap.percents if percent in P.training.percents]
    percent = (shown or P.overlap.percents)[0]
    return percent, ["shares", f"layers-{percent:g}", f"pairs-{percent:g}"]


for suite, model in pairs_of("overlap"):

    rule:
        name:
            f"plot_shared_neurons_{suite}_{model}"
        input:
            pairs="results/tables/overlap.csv",
            summary="results/tables/overlap_summary.csv",
            tasks=described_tasks([suite]),
        output:
            figure_paths(f"results/figures/overlap/{suite}/{model}", overlap_figures()[1]),
        log:
            f"logs/overlap/{suite}/{model}/plot_shared_neurons.log",
        benchmark:
            f"logs/benchmarks/overlap/{suite}/{model}/plot_shared_neurons.tsv"
        priority: 80
        resources:
            **light_resources(),
        params:
            settings=settings(suite=suite, model=model, percent=overlap_figures()[0], figures=P.figures),
            code=code("plot_shared_neurons"),
        script:
            "../workflow/scripts/plot_shared_neurons.py"


CONTROLLED_PUBLISHED = [
    "published/leng2025/table9_controlled_overlap_cls_cls.csv",
    "published/leng2025/table10_controlled_overlap_gen_gen.csv",
    "published/leng2025/table11_controlled_overlap_gen_cls.csv",
]

for suite, model in pairs_of("overlap"):

    rule:
        name:
            f"plot_controlled_overlap_{suite}_{model}"
        input:
            rows="results/tables/overlap_controlled.csv",
            tasks=described_tasks([suite]),
            published=CONTROLLED_PUBLISHED,
        output:
            figure_paths(f"results/figures/overlap/{suite}/{model}", ["controlled"]),
        log:
            f"logs/overlap/{suite}/{model}/plot_controlled_overlap.log",
        benchmark:
            f"logs/benchmarks/overlap/{suite}/{model}/plot_controlled_overlap.tsv"
        priority: 80
        resources:
            **light_resources(),
        params:
            settings=settings(suite=suite, model=model, figures=P.figures),
            code=code("plot_controlled_overlap"),
        script:
            "../workflow/scripts/plot_controlled_overlap.py"


if pairs_of("overlap"):

    rule tabulate_controlled_overlap:
        input:
            [
                controlled_path(suite, model, combination).format(seed=seed)
                for suite, model in pairs_of("overlap")
                for seed in seeds_of(suite, model, P.overlap.seeds).split("|")
                for combination in COMBINATIONS
            ],
        output:
            "results/tables/overlap_controlled.csv",
        log:
            "logs/overlap/tabulate_controlled_overlap.log",
        benchmark:
            "logs/benchmarks/overlap/tabulate_controlled_overlap.tsv"
        priority: 80
        resources:
            **light_resources(),
        params:
            settings=settings(study="overlap"),
            code=code("tabulate_tuned"),
        script:
            "../workflow/scripts/tabulate_tuned.py"

    rule summarise_controlled_overlap:
        input:
            rows="results/tables/overlap_controlled.csv",
            tasks=described_tasks(dict.fromkeys(suite for suite, _ in pairs_of("overlap"))),
            published=CONTROLLED_PUBLISHED,
        output:
            summary="results/tables/overlap_controlled_summary.csv",
            trend="results/tables/overlap_controlled_trend.csv",
        log:
            "logs/overlap/summarise_controlled_overlap.log",
        benchmark:
            "logs/benchmarks/overlap/summarise_controlled_overlap.tsv"
        priority: 80
        resources:
            **light_resources(),
        params:
            settings=settings(),
            code=code("summarise_controlled_overlap"),
        script:
            "../workflow/scripts/summarise_controlled_overlap.py"
